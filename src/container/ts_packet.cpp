#include "container/ts_packet.hpp"

#include "base/byte_reader.hpp"
#include "base/check.hpp"

#include <algorithm>

namespace millrace::ts {
namespace {

constexpr std::size_t header_size = 4;
constexpr std::size_t adaptation_max = packet_payload_max - 1;   // adaptation_field_length
constexpr std::size_t pcr_size = 6;
constexpr unsigned pid_mask = 0x1FFF;

enum Start : std::uint16_t { transport_error = 0x8000, unit_start = 0x4000 };
enum Control : std::uint8_t { scrambling = 0xC0, has_adaptation = 0x20, has_payload = 0x10 };
enum AdaptationFlag : std::uint8_t { discontinuity = 0x80, random_access = 0x40, has_pcr = 0x10 };

std::byte byte(std::uint64_t value) {
    return static_cast<std::byte>(value & 0xFFU);
}

std::uint8_t flags_of(const UnitHead& head) {
    return static_cast<std::uint8_t>((head.discontinuity ? discontinuity : 0U) |
                                     (head.random_access ? random_access : 0U) | (head.pcr ? has_pcr : 0U));
}

/// Bytes of the adaptation field, with its length, that the head needs.
std::size_t adaptation_size(const UnitHead& head) {
    const std::uint8_t flags = flags_of(head);
    return flags == 0 ? 0 : 2 + (head.pcr ? pcr_size : 0);
}

/// program_clock_reference_base u33 | reserved u6 | extension u9 = 0
void write_pcr(std::byte* out, std::int64_t value) {
    const std::uint64_t base = static_cast<std::uint64_t>(value) & (clock_wrap - 1);
    out[0] = byte(base >> 25U);
    out[1] = byte(base >> 17U);
    out[2] = byte(base >> 9U);
    out[3] = byte(base >> 1U);
    out[4] = byte(base << 7U | 0x7EU);
    out[5] = std::byte{0};
}

/// An adaptation field of `size` bytes, length and stuffing included.
void write_adaptation(std::byte* out, std::size_t size, const UnitHead& head) {
    out[0] = byte(size - 1);
    if (size == 1) {
        return;   // one byte of stuffing
    }
    out[1] = byte(flags_of(head));
    std::size_t used = 2;
    if (head.pcr) {
        write_pcr(out + used, *head.pcr);
        used += pcr_size;
    }
    std::fill(out + used, out + size, std::byte{0xFF});
}

struct Header {
    Pid pid;
    bool starts;
    std::uint8_t control;
    std::uint8_t counter;
};
void write_header(std::byte* out, const Header& header) {
    const unsigned start = (header.starts ? unit_start : 0U) | header.pid;
    out[0] = sync_byte;
    out[1] = byte(start >> 8U);
    out[2] = byte(start);
    out[3] = byte(unsigned{header.control} | (header.counter & 0x0FU));
}

}   // namespace

// A packet, §2.4.3.2:
//
//   sync u8 = 47 | transport_error u1 | unit_start u1 | priority u1 | PID u13
//   scrambling u2 | adaptation_field_control u2 (field, payload) | continuity_counter u4
//   [length u8 | discontinuity u1 | random_access u1 | priority u1 | PCR u1 | OPCR u1 | splice u1 | … u2
//    [PCR 6] … stuffing FF] [payload]
Result<Packet> read_packet(ByteSpan bytes) {
    ByteReader reader{bytes};
    if (bytes.size() != packet_size || std::byte{reader.u8()} != sync_byte) {
        return fail(Errc::malformed, "not a transport stream packet");
    }
    const std::uint16_t start = reader.u16();
    const std::uint8_t control = reader.u8();
    Packet packet;
    packet.pid = start & pid_mask;
    packet.damaged = (start & transport_error) != 0;
    packet.starts = (start & unit_start) != 0;
    packet.scrambled = (control & scrambling) != 0;
    packet.has_payload = (control & has_payload) != 0;
    packet.counter = control & 0x0FU;
    if ((control & has_adaptation) != 0) {
        const std::uint8_t length = reader.u8();
        if (length > adaptation_max) {
            return fail(Errc::malformed, "adaptation field longer than its packet");
        }
        ByteReader field{reader.take(length)};
        const std::uint8_t flags = length == 0 ? std::uint8_t{0} : field.u8();
        packet.discontinuity = (flags & discontinuity) != 0;
        packet.random_access = (flags & random_access) != 0;
        if ((flags & has_pcr) != 0) {
            const std::uint64_t base = std::uint64_t{field.u32()} << 1U | field.u16() >> 15U;
            if (!field.ok()) {
                return fail(Errc::malformed, "adaptation field shorter than its clock");
            }
            packet.pcr = static_cast<std::int64_t>(base);
        }
    }
    if (packet.has_payload) {
        packet.payload = reader.rest();
    }
    return packet;
}

PacketWriter::PacketWriter(std::vector<std::byte>& out, std::uint8_t& counter, const UnitHead& head,
                           std::size_t size)
    : out_{out}, counter_{counter}, head_{head}, left_{size}, at_{out.size()} {
    const std::size_t first = packet_payload_max - adaptation_size(head);
    const std::size_t more = size > first ? size - first : 0;
    const std::size_t packets = 1 + (more + packet_payload_max - 1) / packet_payload_max;
    out_.resize(out_.size() + packets * packet_size);
}

void PacketWriter::open_packet() {
    const UnitHead head = first_ ? head_ : UnitHead{.pid = head_.pid};
    const std::size_t wanted = adaptation_size(head);
    const std::size_t room = std::min(packet_payload_max - wanted, left_);
    const std::size_t adaptation = packet_payload_max - room;
    std::byte* const packet = out_.data() + at_;
    const auto control = static_cast<std::uint8_t>(has_payload | (adaptation != 0 ? has_adaptation : 0U));
    write_header(packet, {head_.pid, first_, control, counter_});
    if (adaptation != 0) {
        write_adaptation(packet + header_size, adaptation, head);
    }
    counter_ = (counter_ + 1U) & 0x0FU;
    at_ += header_size + adaptation;
    room_ = room;
    first_ = false;
}

void PacketWriter::put(ByteSpan bytes) {
    check(bytes.size() <= left_, "a unit is as long as it was said to be");
    while (!bytes.empty()) {
        if (room_ == 0) {
            open_packet();
        }
        const std::size_t count = std::min(bytes.size(), room_);
        std::memcpy(out_.data() + at_, bytes.data(), count);
        at_ += count;
        room_ -= count;
        left_ -= count;
        bytes = bytes.subspan(count);
    }
}

void append_clock_packet(std::vector<std::byte>& out, const UnitHead& head, std::uint8_t counter) {
    const std::size_t at = out.size();
    out.resize(at + packet_size);
    // §2.4.3.3: the counter stands still in a packet without payload.
    const std::uint8_t last = (counter - 1U) & 0x0FU;
    write_header(out.data() + at, {head.pid, false, has_adaptation, last});
    write_adaptation(out.data() + at + header_size, packet_payload_max, head);
}

}   // namespace millrace::ts
