#pragma once

#include "base/time.hpp"
#include "media/track.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

/// When a picture was taken and how finely it was encoded, said inside the bitstream by whoever encoded it,
/// so that it survives every container. Described for others in docs/guide/capture-time.md.
namespace millrace::media {

struct CaptureNote {
    WallTime utc;               ///< when the picture was taken
    std::uint32_t frame = 0;    ///< its number, counted by the camera from 0; it wraps
    std::optional<double> qp;   ///< average quantizer over the picture
};

/// Moments that we believe: the years 2000 to 2100.
inline constexpr WallTime capture_utc_min{946'684'800'000'000};
inline constexpr WallTime capture_utc_max{4'102'444'800'000'000};

/// user_data_unregistered's uuid_iso_iec_11578 of these notes.
inline constexpr std::array<std::uint8_t, 16> capture_uuid{0x4C, 0x8E, 0x4A, 0x67, 0xE4, 0x94, 0x40, 0x40,
                                                           0xA2, 0x15, 0x24, 0x0F, 0x89, 0xEB, 0x7D, 0x7B};

/// A whole SEI NAL unit, with header and emulation prevention, to stand before the picture's first slice.
/// `codec` is H.264 or H.265.
std::vector<std::byte> write_capture_sei(Codec codec, const CaptureNote& note);

/// The note in an SEI NAL unit given without its header. Nothing where there is none, it is cut, of an
/// unknown version, or of a time nobody would believe.
std::optional<CaptureNote> read_capture_sei(ByteSpan nal_payload);

}   // namespace millrace::media
