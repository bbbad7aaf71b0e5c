#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::hub {

/// waiting: it has delivered nothing yet, or is not needed. live: it delivers. stale: it did, and does not
/// now.
enum class SourceState : std::uint8_t { waiting, live, stale };
std::string_view name(SourceState state);

/// none: it goes on, or is tried again. finished: it came to its end, as a file does. useless: trying again
/// would not help.
enum class SourceEnd : std::uint8_t { none, finished, useless };

/// What one of a stream's own sources does, as the API shows it.
struct SourceStatus {
    std::string source;   ///< as the configuration has it, with what is secret in it masked
    SourceState state = SourceState::waiting;
    bool publishes = false;   ///< the stream is made of it now
    std::string reason;       ///< why it does not deliver, in words; empty where it does
    SourceEnd end = SourceEnd::none;

    bool operator==(const SourceStatus&) const = default;
};

}   // namespace millrace::hub
