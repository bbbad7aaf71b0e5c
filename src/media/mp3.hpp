#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

/// The header of an MPEG audio frame, layer III (ISO/IEC 11172-3 §2.4.1.3, 13818-3, and "MPEG-2.5").
namespace millrace::media::mp3 {

/// An MPEG audio layer III frame header (ISO 11172-3 §2.4.1.3, ISO 13818-3).
struct FrameHeader {
    std::uint32_t sample_rate = 0;
    std::uint16_t channels = 0;
    std::uint16_t samples_per_frame = 0;   ///< 1152, or 576 below 32 kHz
    std::uint16_t frame_size = 0;          ///< with the header
    std::uint32_t bitrate_bps = 0;
};

/// No syncword or reserved values: malformed. Layers I and II and the free format: unsupported.
Result<FrameHeader> read_header(ByteSpan bytes);
/// The track's configuration, from any frame.
Result<TrackConfig> config_from(ByteSpan frame);

}   // namespace millrace::media::mp3
