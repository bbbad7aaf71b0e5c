#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"

#include <span>
#include <vector>

namespace millrace::media {

/// NAL units (or OBUs) in one access unit; more is Errc::exhausted.
inline constexpr std::size_t nals_per_access_unit_max = 4096;
/// Bytes of one access unit's payload; an RTMP message cannot carry more either.
inline constexpr std::size_t picture_bytes_max = std::size_t{16} << 20U;
/// Bytes of one VPS, SPS, PPS or sequence header, and of all of a track's together.
inline constexpr std::size_t parameter_set_bytes_max = std::size_t{16} << 10U;
inline constexpr std::size_t parameter_sets_bytes_max = std::size_t{128} << 10U;
/// Luma samples in a row or column that we believe.
inline constexpr std::uint32_t picture_side_max = 16'384;
/// Frames a second that we believe; a header that says more has no frame rate.
inline constexpr double frame_rate_max = 1'000;

/// What stands before each NAL unit of a payload.
inline constexpr std::size_t nal_length_size = 4;

/// Cuts `{length, NAL unit}…` (ISO/IEC 14496-15 §5.3.2) into NAL units that point into the input. Empty ones
/// are left out. A length beyond the input, or a length size other than 1, 2 and 4, is malformed.
Result<std::vector<ByteSpan>> split_length_prefixed(ByteSpan bytes, unsigned length_size);

/// Cuts a byte stream (H.264 and H.265 annex B) at its start codes 00 00 01, into NAL units that point into
/// the input, without the zeros around them. Bytes before the first start code are left out. Gives at most
/// one more than nals_per_access_unit_max, which PictureReader then refuses.
std::vector<ByteSpan> split_annex_b(ByteSpan bytes);

/// A NAL unit never ends in a zero byte (H.264 §7.4.1), but some writers leave some behind it.
ByteSpan without_trailing_zeros(ByteSpan bytes);

/// Appends one NAL unit after its length in 4 bytes.
void append_nal(std::vector<std::byte>& out, ByteSpan nal);

}   // namespace millrace::media
