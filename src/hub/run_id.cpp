#include "hub/run_id.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace::hub {

namespace {

constexpr std::size_t random_digits = 8;
constexpr std::int64_t started_max = 4'102'444'800;   // the year 2100

}   // namespace

std::string RunId::text() const {
    return fmt::format("{}-{:08x}", started, random);
}

std::optional<RunId> RunId::parse(std::string_view text) {
    RunId run;
    const std::size_t bar = text.find('-');
    if (bar == text.npos || text.size() - bar - 1 != random_digits) {
        return std::nullopt;
    }
    std::from_chars(text.data(), text.data() + bar, run.started);
    std::from_chars(text.data() + bar + 1, text.data() + text.size(), run.random, 16);
    // What is written otherwise would be another name for the same run.
    const bool good = run.text() == text && run.started > 0 && run.started < started_max;
    return good ? std::optional{run} : std::nullopt;
}

}   // namespace millrace::hub
