#pragma once

#include "hub/report.hpp"

#include <map>
#include <string>
#include <vector>

namespace millrace::control {

/// The viewers of one stream that are there now: how many by protocol, and what they were sent.
struct Audience {
    std::map<std::string, std::size_t, std::less<>> viewers;
    std::uint64_t bytes_out = 0;
    std::uint64_t writes = 0;   ///< calls that handed the bytes to the kernel: what serving costs
    std::uint64_t skips = 0;
};

/// A stream's document, and the list of them, as JSON text.
std::string stream_json(const hub::StreamReport& report, const Audience& audience);
std::string streams_json(const std::vector<hub::StreamReport>& reports,
                         const std::map<std::string, Audience, std::less<>>& audiences);

}   // namespace millrace::control
