#pragma once

#include "base/time.hpp"

#include <string>
#include <string_view>
#include <vector>

/// How the verbs say what they found.
namespace millrace::loadgen {

Duration seconds(double number);
double milliseconds(Duration duration);
/// A line of JSON, at once.
void say(std::string_view line);
/// Of sorted numbers; 0 of none.
double quantile(const std::vector<double>& sorted, double share);
/// `{"p50": …, "p99": …, "p99.9": …, "max": …}`
std::string quantiles(std::vector<double> numbers);

}   // namespace millrace::loadgen
