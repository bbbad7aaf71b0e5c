#pragma once

#include "protocol/rtmp/client.hpp"
#include "sim/world.hpp"

namespace millrace::sim {

/// A client's end of one RTMP connection; all of it outlives the turn.
struct RtmpEnd {
    World& world;
    Connection& connection;
    rtmp::Client& client;
    std::uint64_t who;   ///< for the trace
};

/// Sends what the client has to say, then waits for bytes, at most until `until`, and gives them to it.
Task<Result<>> rtmp_turn(RtmpEnd end, Instant until);

/// The options of an RTMP client for live/KEY.
rtmp::Client::Options rtmp_options(rtmp::Client::Role role, const std::string& key, Random& chance);

}   // namespace millrace::sim
