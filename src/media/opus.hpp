#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

/// Opus outside the samples: the OpusHead of RFC 7845 §5.1 and the TOC byte of RFC 6716 §3.1. Pure functions.
namespace millrace::media::opus {

inline constexpr std::uint32_t sample_rate = 48'000;
inline constexpr std::uint8_t channels_max = 8;
/// RFC 6716 §3.2.5, R5: a packet holds at most 120 ms.
inline constexpr std::uint32_t samples_per_packet_max = 5'760;

/// Channel mapping families 0 and 1.
struct Head {
    std::uint8_t channels = 2;
    std::uint16_t pre_skip = 0;            ///< samples at 48 kHz
    std::uint32_t input_sample_rate = 0;   ///< of the original; for show only
    std::int16_t output_gain = 0;          ///< Q7.8 dB
    std::uint8_t mapping_family = 0;
    std::uint8_t streams = 1;   ///< of family 1
    std::uint8_t coupled = 0;
    std::vector<std::uint8_t> mapping;   ///< of family 1, one per channel
};

/// No channels, more than the family allows, a mapping to a stream that is not there: malformed. Families
/// other than 0 and 1: unsupported.
Result<Head> read_head(ByteSpan bytes);
std::vector<std::byte> write_head(const Head& head);
/// The track's configuration from an OpusHead; `extra` keeps it as it came.
Result<TrackConfig> config_from(ByteSpan head);

/// How many samples at 48 kHz a packet decodes to.
Result<std::uint32_t> samples_in_packet(ByteSpan packet);

}   // namespace millrace::media::opus
