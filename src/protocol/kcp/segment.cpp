#include "protocol/kcp/segment.hpp"

#include "base/byte_reader.hpp"

#include <array>

namespace millrace::kcp {

// A segment; a datagram is one or more, back to back. All numbers are little-endian.
//
//    0       4     5     6       8       12      16      20      24
//    +-------+-----+-----+-------+-------+-------+-------+-------+---------+
//    | conv  | cmd | frg |  wnd  |  ts   |  sn   |  una  |  len  | payload |
//    +-------+-----+-----+-------+-------+-------+-------+-------+---------+
//
// cmd: 81 push, 82 ack, 83 ask for the window, 84 tell it. frg: fragments of the message that follow this
// one. wnd: segments the sender has room for. ts: its clock in ms, of an ack the echo of the push's. sn: of
// an ack what is acknowledged. una: the next sn it waits for; everything below arrived.

namespace {

std::uint16_t u16_little_endian(ByteReader& reader) {
    const std::uint16_t low = reader.u8();
    return static_cast<std::uint16_t>(low | reader.u8() << 8U);
}

Result<Segment> read_segment(ByteReader& reader) {
    Segment segment;
    segment.conv = reader.u32_little_endian();
    const std::uint8_t command = reader.u8();
    segment.command = static_cast<Command>(command);
    segment.frg = reader.u8();
    segment.wnd = u16_little_endian(reader);
    segment.ts = reader.u32_little_endian();
    segment.sn = reader.u32_little_endian();
    segment.una = reader.u32_little_endian();
    segment.payload = reader.take(reader.u32_little_endian());
    if (!reader.ok()) {
        return fail(Errc::malformed, "a KCP segment is longer than its datagram");
    }
    if (command < static_cast<std::uint8_t>(Command::push) ||
        command > static_cast<std::uint8_t>(Command::tell_window)) {
        return fail(Errc::malformed, "a KCP segment has an unknown command");
    }
    return segment;
}

template <std::size_t at, class Number>
void put(std::array<std::byte, header_size>& header, Number number) {
    for (std::size_t i = 0; i < sizeof number; ++i) {
        header[at + i] = static_cast<std::byte>(number >> (8U * i));
    }
}

}   // namespace

Result<> read_datagram(ByteSpan datagram, std::uint32_t conv, std::vector<Segment>& into) {
    into.clear();
    ByteReader reader{datagram};
    if (reader.remaining() < header_size) {
        return fail(Errc::malformed, "a datagram is shorter than a KCP header");
    }
    while (reader.remaining() >= header_size) {
        const Result<Segment> segment = read_segment(reader);
        if (!segment) {
            return std::unexpected(segment.error());
        }
        if (segment->conv != conv) {
            return fail(Errc::malformed, "a KCP segment of another conversation");
        }
        if (into.size() == segments_max) {
            return fail(Errc::exhausted, "too many KCP segments in a datagram");
        }
        into.push_back(*segment);
    }
    return {};
}

void append(std::vector<std::byte>& out, const Segment& segment) {
    std::array<std::byte, header_size> header;
    put<0>(header, segment.conv);
    put<4>(header, static_cast<std::uint8_t>(segment.command));
    put<5>(header, segment.frg);
    put<6>(header, segment.wnd);
    put<8>(header, segment.ts);
    put<12>(header, segment.sn);
    put<16>(header, segment.una);
    put<20>(header, static_cast<std::uint32_t>(segment.payload.size()));
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), segment.payload.begin(), segment.payload.end());
}

Result<std::uint32_t> conversation_of(ByteSpan datagram) {
    ByteReader reader{datagram};
    const Result<Segment> segment = read_segment(reader);
    if (!segment) {
        return std::unexpected(segment.error());
    }
    return segment->conv;
}

}   // namespace millrace::kcp
