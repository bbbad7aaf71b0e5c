#include "media/capture_sei.hpp"

#include "base/byte_writer.hpp"
#include "media/sei.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::media {

// The SEI message, H.264 §D.1.7 and H.265 §D.2.7, before emulation prevention; numbers big-endian:
//
//   05                    payloadType: user_data_unregistered
//   20                    payloadSize: 32, later versions may be longer
//   uuid(16)              capture_uuid
//   version(1)            1; a later one keeps what stands here and appends
//   flags(1)              bit 0: qp is known
//   qp(2)                 average over the picture, in hundredths
//   frame(4)              number of the picture
//   utc(8)                microseconds since 1970

namespace {

constexpr std::uint8_t version = 1;
constexpr std::uint8_t flag_qp = 1;
constexpr std::uint8_t payload_size = 32;
constexpr double qp_unit = 100;
constexpr double qp_max = 63;

/// H.264 §7.4.1: no 00 00 00, 00 00 01, 00 00 02 or 00 00 03 inside a NAL unit.
std::vector<std::byte> with_emulation_prevention(ByteSpan raw) {
    std::vector<std::byte> out;
    unsigned zeros = 0;
    for (const std::byte byte : raw) {
        if (zeros == 2 && byte <= std::byte{3}) {
            out.push_back(std::byte{3});
            zeros = 0;
        }
        zeros = byte == std::byte{0} ? zeros + 1 : 0;
        out.push_back(byte);
    }
    return out;
}

}   // namespace

std::vector<std::byte> write_capture_sei(Codec codec, const CaptureNote& note) {
    std::vector<std::byte> raw;
    ByteWriter writer{raw};
    if (codec == Codec::h265) {
        writer.u16(39U << 9U | 1U);   // prefix SEI of layer 0, temporal id 0 (§7.3.1.2)
    } else {
        writer.u8(6);
    }
    writer.u8(sei_user_data_unregistered);
    writer.u8(payload_size);
    writer.bytes(std::as_bytes(std::span{capture_uuid}));
    writer.u8(version);
    writer.u8(note.qp ? flag_qp : 0);
    writer.u16(
        static_cast<std::uint16_t>(std::lround(std::clamp(note.qp.value_or(0), 0.0, qp_max) * qp_unit)));
    writer.u32(note.frame);
    writer.u64(static_cast<std::uint64_t>(note.utc.microseconds));
    writer.u8(0x80);   // rbsp_trailing_bits
    return with_emulation_prevention(raw);
}

std::optional<CaptureNote> read_capture_sei(ByteSpan nal_payload) {
    std::optional<BitReader> reader = find_user_data(nal_payload, capture_uuid);
    if (!reader || reader->u8() < version) {
        return std::nullopt;
    }
    const std::uint8_t flags = reader->u8();
    const std::uint32_t qp = reader->bits(16);
    CaptureNote note;
    note.frame = reader->bits(32);
    const std::uint64_t high = reader->bits(32);
    note.utc.microseconds = static_cast<std::int64_t>(high << 32U | reader->bits(32));
    if (!reader->ok() || note.utc < capture_utc_min || note.utc > capture_utc_max) {
        return std::nullopt;
    }
    if ((flags & flag_qp) != 0 && qp <= qp_max * qp_unit) {
        note.qp = qp / qp_unit;
    }
    return note;
}

}   // namespace millrace::media
