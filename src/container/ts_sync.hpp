#pragma once

#include "container/ts_packet.hpp"

namespace millrace::ts {

/// Finds the packets in bytes that were cut anywhere, and finds them again after bytes were lost. A stream is
/// believed when three sync bytes stand a packet apart. It holds less than three packets.
class PacketFinder {
public:
    /// Takes bytes off the front of `input` up to the end of one packet; it is valid until the next call or
    /// until the input is gone. Empty when all are used up.
    ByteSpan next(ByteSpan& input);
    /// The input ended: the rest is believed if each packet of it begins with a sync byte.
    void end();

    std::uint64_t losses() const { return losses_; }

private:
    static constexpr std::size_t proof = 2 * packet_size + 1;   // bytes that hold three sync bytes

    void lose();
    bool believable() const;
    std::size_t held() const { return held_.size() - at_; }

    std::vector<std::byte> held_;   // unfinished packets, from at_ on
    std::size_t at_ = 0;
    bool synchronous_ = false;
    bool ended_ = false;
    std::uint64_t losses_ = 0;
};

}   // namespace millrace::ts
