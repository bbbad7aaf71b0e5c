#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <array>

/// AAC outside the samples: AudioSpecificConfig (ISO/IEC 14496-3 §1.6.2.1) and ADTS (§1.A.2.2). Pure
/// functions.
namespace millrace::media::aac {

/// Sample rates that we believe.
inline constexpr std::uint32_t sample_rate_min = 4'000;
inline constexpr std::uint32_t sample_rate_max = 192'000;
/// ADTS frames in one buffer; more is Errc::exhausted.
inline constexpr std::size_t adts_frames_max = 256;

/// What an AudioSpecificConfig says. `sample_rate`, `channels` and `samples_per_frame` are those of the core
/// coder: SBR doubles the rate and the samples alike, so a frame lasts as long either way, and the track's
/// timescale is the core's sample rate.
struct AudioSpecificConfig {
    std::uint8_t object_type = 2;             ///< of the core: 2 = AAC LC
    std::uint8_t rate_index = 15;             ///< samplingFrequencyIndex; 15 = the rate is written out
    std::uint8_t channel_configuration = 0;   ///< 0 = by a program config element
    std::uint32_t sample_rate = 0;
    std::uint16_t channels = 0;
    std::uint16_t samples_per_frame = 1024;
    bool sbr = false;   ///< signalled, either way (§1.6.5)
    bool ps = false;
};

/// Rates outside the limits, reserved indices and no channels are malformed; object types that are not AAC
/// are unsupported.
Result<AudioSpecificConfig> read_audio_specific_config(ByteSpan bytes);
/// The track's configuration; `extra` keeps the bytes as they came.
Result<TrackConfig> config_from(ByteSpan audio_specific_config);
/// "mp4a.40.2"; 5 with SBR and 29 with PS where they are signalled.
std::string codec_string(const AudioSpecificConfig& config);

/// The fixed and variable header of an ADTS frame.
struct AdtsHeader {
    std::uint8_t object_type = 2;
    std::uint8_t rate_index = 0;
    std::uint8_t channel_configuration = 0;
    std::uint8_t header_size = 7;   ///< 9 with a checksum
    std::uint16_t frame_size = 0;   ///< with the header
};

/// A buffer of ADTS frames, cut.
struct AdtsFrames {
    AdtsHeader header;                  ///< of the first
    std::vector<ByteSpan> raw_frames;   ///< without headers, pointing into the input
    ByteSpan rest;                      ///< the beginning of a frame that goes on in the next buffer
};

/// frame_size below header_size, a reserved rate or no syncword: malformed. More than one raw data block in a
/// frame: unsupported.
Result<AdtsHeader> read_adts_header(ByteSpan bytes);
Result<AdtsFrames> split_adts(ByteSpan bytes);
/// The header for one raw frame of this configuration. What ADTS cannot say is unsupported.
Result<std::array<std::byte, 7>> write_adts_header(const TrackConfig& config, std::size_t raw_frame_size);
/// The two bytes of AudioSpecificConfig that say what the header says.
std::vector<std::byte> write_audio_specific_config(const AdtsHeader& header);

}   // namespace millrace::media::aac
