#pragma once

#include "base/time.hpp"

#include <cstdint>

namespace millrace {

/// What one end of a secure link (`kcp://`) knows of it and of the path, so far.
struct LinkReport {
    Duration round_trip{};           ///< of late
    Duration round_trip_of_late{};   ///< the least of the last 0.1 to 0.2 s: more only where a queue stands
    Duration round_trip_min{};       ///< the least of it
    double loss = 0;                 ///< share of our datagrams, of late
    double rate = 0;                 ///< that we pace at, bits a second; 0: the path has shown no limit
    double parity = 0;               ///< share of datagrams sent along so that lost ones can be made up
    std::uint64_t datagrams_sent = 0;   ///< of KCP, without parity
    std::uint64_t bytes_sent = 0;       ///< likewise, without IP, UDP and DTLS
    std::uint64_t datagrams_received = 0;
    std::uint64_t segments = 0;           ///< sent for the first time
    std::uint64_t resends_by_gap = 0;     ///< of those that later ones overtook
    std::uint64_t resends_by_timer = 0;   ///< of those that nothing was heard of
    std::uint64_t further_copies = 0;     ///< of resends, sent along
    std::uint64_t duplicates = 0;         ///< received
    std::uint64_t recovered = 0;          ///< datagrams received that were made up from parity
    std::uint64_t refused = 0;            ///< datagrams that did not authenticate, or were there before
    std::uint64_t moves = 0;              ///< of the peer, to another address
    std::uint64_t queued = 0;             ///< bytes that have not left for the first time, at most
    std::uint64_t in_flight = 0;          ///< bytes that left and are not acknowledged, at most
};

/// A connection that goes over such a link.
class Linked {
public:
    virtual LinkReport link_report() const = 0;

protected:
    ~Linked() = default;
};

}   // namespace millrace
