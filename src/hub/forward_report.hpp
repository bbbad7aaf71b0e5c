#pragma once

#include "base/link_report.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::hub {

/// waiting: for its stream. connecting: to the destination. live: media goes there. broken: it is tried again
/// soon, or cannot be used at all; the reason says which.
enum class ForwardState : std::uint8_t { waiting, connecting, live, broken };
std::string_view name(ForwardState state);

/// How the archive of a stream goes to the server of its uplink, by a link beside the live one.
struct UplinkReport {
    ForwardState state = ForwardState::connecting;
    std::string reason;                       ///< why it is not live, in words; empty where it is
    std::uint64_t unsent_fragments = 0;       ///< that the server has not said it has
    std::uint64_t unsent_bytes = 0;           ///< of them
    std::optional<WallTime> unsent_since{};   ///< when the oldest was recorded
    std::uint64_t bytes = 0;                  ///< sent since the node started
    std::uint64_t acknowledged = 0;           ///< fragments, likewise
    std::uint64_t refused = 0;                ///< fragments that the server did not take
    double rate = 0;                          ///< that it may have now, bits a second
    std::uint64_t begun = 0;                  ///< times that the server took it up
};

/// A destination to which this node pushes a stream, as lists show it.
struct ForwardReport {
    std::string stream;
    std::string to;   ///< with its secrets masked
    ForwardState state = ForwardState::waiting;
    std::string reason;                         ///< why it is not live, in words; empty where it is
    std::uint64_t bytes = 0;                    ///< sent since the configuration names it
    std::uint64_t begun = 0;                    ///< times that media began to go there
    bool given_up = false;                      ///< trying again would not help
    std::uint64_t queue_bytes = 0;              ///< that wait for its link now
    Duration queue_age{};                       ///< of the oldest of them
    std::optional<std::uint64_t> frames_sent;   ///< pictures; nothing where its form does not count them
    double sent_per_second = 0;                 ///< of them, over the last second
    std::uint64_t frames_skipped = 0;           ///< left out, its link too slow
    std::uint64_t frames_waiting = 0;           ///< for its link now
    std::uint64_t skips = 0;                    ///< times it went on at a newer key frame, its link too slow
    std::uint64_t bitrate_target = 0;   ///< what the encoder was asked for, bits a second; 0: as configured
    std::optional<UplinkReport> uplink{};   ///< nothing: only live media goes there
    std::optional<LinkReport> link{};       ///< nothing: it goes over no secure link, or not now

    std::uint64_t reconnects() const { return begun > 1 ? begun - 1 : 0; }
};

}   // namespace millrace::hub
