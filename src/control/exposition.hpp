#pragma once

#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace millrace::control {

/// One name of a label and its value; the value may be any text.
using Label = std::pair<std::string_view, std::string_view>;
using Labels = std::initializer_list<Label>;

/// Writes Prometheus' text format, version 0.0.4. A family's samples follow its `family` call.
class Exposition {
public:
    static constexpr std::string_view content_type = "text/plain; version=0.0.4; charset=utf-8";
    enum class Type : std::uint8_t { counter, gauge, histogram };

    /// `name` without the prefix "millrace_"; `help` is a sentence of ours.
    void family(std::string_view name, Type type, std::string_view help);
    void sample(Labels labels, double value);
    void sample(Labels labels, std::uint64_t value);
    /// One histogram: `at_most[i]` of `count` are at most `bounds[i]`.
    struct Histogram {
        std::span<const double> bounds;
        std::span<const std::uint64_t> at_most;
        std::uint64_t count;
        double sum;
    };
    void histogram(Labels labels, const Histogram& histogram);

    std::string take() { return std::move(text_); }

private:
    void begin(std::string_view suffix, Labels labels, std::string_view bound = {});

    std::string family_;
    std::string text_;
};

}   // namespace millrace::control
