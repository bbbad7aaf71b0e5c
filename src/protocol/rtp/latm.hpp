#pragma once

#include "base/result.hpp"
#include "media/bit_reader.hpp"

#include <vector>

namespace millrace::rtp {

/// The StreamMuxConfig of LATM (ISO/IEC 14496-3 §1.7.3) as cameras use it: one programme, one layer, whole
/// frames that say their length. GStreamer leaves out what follows the AudioSpecificConfig.
struct LatmConfig {
    std::vector<std::byte> audio_specific_config;
    std::uint8_t frames = 1;   ///< in one AudioMuxElement
};

/// Anything else than the above is unsupported.
Result<LatmConfig> read_latm_config(ByteSpan bytes);
/// The same from the middle of an AudioMuxElement, which goes on behind it.
Result<LatmConfig> read_latm_config(media::BitReader& reader);

}   // namespace millrace::rtp
