#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::hub {

/// waiting: for its stream. connecting: to the destination. live: media goes there. broken: it is tried again
/// soon, or cannot be used at all; the reason says which.
enum class ForwardState : std::uint8_t { waiting, connecting, live, broken };
std::string_view name(ForwardState state);

/// A destination to which this node pushes a stream, as lists show it.
struct ForwardReport {
    std::string stream;
    std::string to;   ///< with its secrets masked
    ForwardState state = ForwardState::waiting;
    std::string reason;        ///< why it is not live, in words; empty where it is
    std::uint64_t bytes = 0;   ///< sent since the configuration names it
};

}   // namespace millrace::hub
