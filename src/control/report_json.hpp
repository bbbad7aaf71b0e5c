#pragma once

#include "hub/report.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::control {

/// Viewers of one stream by protocol.
using Viewers = std::map<std::string, std::size_t, std::less<>>;

/// A stream's document, and the list of them, as JSON text.
std::string stream_json(const hub::StreamReport& report, const Viewers& viewers);
std::string streams_json(const std::vector<hub::StreamReport>& reports,
                         const std::map<std::string, Viewers, std::less<>>& viewers);

}   // namespace millrace::control
