#include "control/exposition.hpp"

#include <fmt/format.h>

#include <iterator>

namespace millrace::control {

namespace {

constexpr std::string_view prefix = "millrace_";

std::string_view name(Exposition::Type type) {
    switch (type) {
        case Exposition::Type::counter: return "counter";
        case Exposition::Type::gauge: return "gauge";
        case Exposition::Type::histogram: return "histogram";
    }
    return "untyped";
}

void append_label(std::string& text, std::string_view key, std::string_view value) {
    text += text.ends_with('{') ? "" : ",";
    text += key;
    text += "=\"";
    for (const char c : value) {
        if (c == '\n') {
            text += "\\n";
            continue;
        }
        if (c == '"' || c == '\\') {
            text += '\\';
        }
        text += c;
    }
    text += '"';
}

}   // namespace

void Exposition::family(std::string_view name_of_it, Type type, std::string_view help) {
    family_ = fmt::format("{}{}", prefix, name_of_it);
    fmt::format_to(std::back_inserter(text_), "# HELP {0} {1}\n# TYPE {0} {2}\n", family_, help, name(type));
}

void Exposition::begin(std::string_view suffix, Labels labels, std::string_view bound) {
    text_ += family_;
    text_ += suffix;
    if (labels.size() == 0 && bound.empty()) {
        return;
    }
    text_ += '{';
    for (const auto& [key, value] : labels) {
        append_label(text_, key, value);
    }
    if (!bound.empty()) {
        append_label(text_, "le", bound);
    }
    text_ += '}';
}

void Exposition::sample(Labels labels, double value) {
    begin({}, labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void Exposition::sample(Labels labels, std::uint64_t value) {
    begin({}, labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", value);
}

void Exposition::histogram(Labels labels, const Histogram& histogram) {
    for (std::size_t i = 0; i < histogram.bounds.size(); ++i) {
        begin("_bucket", labels, fmt::format("{}", histogram.bounds[i]));
        fmt::format_to(std::back_inserter(text_), " {}\n", histogram.at_most[i]);
    }
    begin("_bucket", labels, "+Inf");
    fmt::format_to(std::back_inserter(text_), " {}\n", histogram.count);
    begin("_sum", labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", histogram.sum);
    begin("_count", labels);
    fmt::format_to(std::back_inserter(text_), " {}\n", histogram.count);
}

}   // namespace millrace::control
