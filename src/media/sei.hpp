#pragma once

#include "media/bit_reader.hpp"

#include <optional>
#include <span>

namespace millrace::media {

/// SEI messages and bytes that are looked through in one NAL unit; what lies beyond is carried, not read.
inline constexpr unsigned sei_messages_max = 128;
inline constexpr std::size_t sei_bytes_max = std::size_t{64} << 10U;

/// payloadType of the messages we know, the same in H.264 annex D and H.265 annex D.
inline constexpr std::uint32_t sei_user_data_unregistered = 5;
inline constexpr std::uint32_t sei_recovery_point = 6;

/// A reader at the payload of the first message of that type in an SEI NAL unit, given without its header.
/// The payload is known to lie inside the NAL unit only as far as the reader stays `ok()`.
std::optional<BitReader> find_sei(ByteSpan nal_payload, std::uint32_t payload_type);

/// The same for user_data_unregistered: a reader behind the UUID of the first such message that carries it.
std::optional<BitReader> find_user_data(ByteSpan nal_payload, std::span<const std::uint8_t, 16> uuid);

}   // namespace millrace::media
