#include "protocol/rtp/packet.hpp"

#include "base/byte_reader.hpp"
#include "media/capture_sei.hpp"

namespace millrace::rtp {

namespace {

constexpr std::uint16_t one_byte_profile = 0xBEDE;   // RFC 8285 §4.2
constexpr std::uint16_t two_byte_profile = 0x1000;   // §4.3; the low four bits are the application's
constexpr std::int64_t ntp_epoch = 2'208'988'800;    // seconds from 1900 to 1970
constexpr std::uint64_t era = std::uint64_t{1} << 32U;
constexpr std::int64_t million = 1'000'000;

}   // namespace

// RFC 3550 §5.1:
//
//   V u2 = 2 | padding u1 | extension u1 | CC u4 | marker u1 | payload type u7 | sequence u16
//   timestamp u32 | SSRC u32 | CC × CSRC u32
//   where extension: profile u16 | length u16, in words | that many words
//   payload | where padding: zeros, of which the last byte says how many there are
Result<Packet> read_packet(ByteSpan bytes) {
    ByteReader reader{bytes};
    const std::uint8_t first = reader.u8();
    const std::uint8_t second = reader.u8();
    Packet packet;
    packet.header.marker = (second & 0x80U) != 0;
    packet.header.payload_type = second & 0x7FU;
    packet.header.sequence = reader.u16();
    packet.header.timestamp = reader.u32();
    packet.header.ssrc = reader.u32();
    reader.skip(std::size_t{first & 0x0FU} * 4);
    if ((first & 0x10U) != 0) {
        packet.extension_profile = reader.u16();
        const std::size_t words = reader.u16();
        packet.extension = reader.take(words * 4);
    }
    if (!reader.ok() || first >> 6U != 2) {
        return fail(Errc::malformed, "not an RTP packet");
    }
    packet.payload = reader.rest();
    if ((first & 0x20U) != 0) {
        const std::size_t padding =
            packet.payload.empty() ? 0 : static_cast<std::size_t>(packet.payload.back());
        if (padding == 0 || padding > packet.payload.size()) {
            return fail(Errc::malformed, "RTP padding beyond its packet");
        }
        packet.payload = packet.payload.first(packet.payload.size() - padding);
    }
    return packet;
}

void write_header(ByteWriter& writer, const Header& header) {
    writer.u8(static_cast<std::uint8_t>(2U << 6U | (header.captured ? 1U << 4U : 0U)));
    writer.u8(static_cast<std::uint8_t>((header.marker ? 0x80U : 0U) | (header.payload_type & 0x7FU)));
    writer.u16(header.sequence);
    writer.u32(header.timestamp);
    writer.u32(header.ssrc);
    if (header.captured) {
        // RFC 8285 §4.2: words u16 = 3 | id u4, length - 1 u4 = 7 | NTP u64 | padding
        writer.u16(one_byte_profile);
        writer.u16(3);
        writer.u8(own_capture_time_id << 4U | 7U);
        writer.u64(ntp_of(*header.captured));
        writer.zeros(3);
    }
}

// RFC 8285: §4.2  id u4 | length - 1 u4 | bytes;  §4.3  id u8 | length u8 | bytes;  id 0 is a byte of padding
std::optional<ByteSpan> find_element(const Packet& packet, std::uint8_t id) {
    const bool short_form = packet.extension_profile == one_byte_profile;
    if (!short_form && (packet.extension_profile & 0xFFF0U) != two_byte_profile) {
        return std::nullopt;
    }
    ByteReader reader{packet.extension};
    while (!reader.at_end()) {
        const std::uint8_t head = reader.u8();
        if (head == 0) {
            continue;
        }
        const std::uint8_t found = short_form ? head >> 4U : head;
        if (short_form && found == 15) {
            break;   // §4.2: stop here
        }
        const std::size_t length = short_form ? (head & 0x0FU) + 1U : reader.u8();
        const ByteSpan element = reader.take(length);
        if (found == id && reader.ok()) {
            return element;
        }
    }
    return std::nullopt;
}

NtpTime ntp_of(WallTime utc) {
    const std::int64_t seconds = utc.microseconds / million;
    const std::int64_t rest = utc.microseconds % million;
    const auto fraction = (static_cast<std::uint64_t>(rest) << 32U) / million;
    return static_cast<std::uint64_t>(seconds + ntp_epoch) << 32U | fraction;
}

WallTime utc_of(NtpTime ntp) {
    std::uint64_t seconds = ntp >> 32U;
    seconds += (seconds & 0x80000000U) == 0 ? era : 0;
    const std::uint64_t fraction = (ntp & 0xFFFFFFFFU) * million + (era >> 1U);
    return {(static_cast<std::int64_t>(seconds) - ntp_epoch) * million +
            static_cast<std::int64_t>(fraction >> 32U)};
}

std::optional<WallTime> believable_utc(NtpTime ntp) {
    const WallTime utc = utc_of(ntp);
    const bool ours = utc >= media::capture_utc_min && utc <= media::capture_utc_max;
    return ours ? std::optional{utc} : std::nullopt;
}

}   // namespace millrace::rtp
