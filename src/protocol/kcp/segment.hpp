#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <cstdint>
#include <vector>

namespace millrace::kcp {

/// The fixed part of every segment.
inline constexpr std::size_t header_size = 24;
/// Segments of one datagram that are read; more is an attack, for the shortest is a header.
inline constexpr std::size_t segments_max = 65'507 / header_size;

enum class Command : std::uint8_t { push = 81, ack = 82, ask_window = 83, tell_window = 84 };

/// How far `a` lies ahead of `b`, modulo 2^32; negative: behind.
constexpr std::int32_t ahead(std::uint32_t a, std::uint32_t b) {
    return static_cast<std::int32_t>(a - b);
}

/// One segment under the protocol's own names. The payload points into the datagram it was read from.
struct Segment {
    std::uint32_t conv = 0;
    Command command = Command::push;
    std::uint8_t frg = 0;
    std::uint16_t wnd = 0;
    std::uint32_t ts = 0;
    std::uint32_t sn = 0;
    std::uint32_t una = 0;
    ByteSpan payload;

    std::size_t size() const { return header_size + payload.size(); }
};

/// What an acknowledgement says: which segment, and the time stamp of the copy that came.
struct Echo {
    std::uint32_t sn;
    std::uint32_t ts;
};

/// The segments of a datagram. A datagram with anything wrong in it is refused whole: too short, another
/// conversation, an unknown command, a length beyond its end. Fewer than 24 bytes at the end are ignored.
Result<> read_datagram(ByteSpan datagram, std::uint32_t conv, std::vector<Segment>& into);

void append(std::vector<std::byte>& out, const Segment& segment);

/// Of the first segment, for whoever finds the conversation; nothing if it is no KCP datagram.
Result<std::uint32_t> conversation_of(ByteSpan datagram);

}   // namespace millrace::kcp
