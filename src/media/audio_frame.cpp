#include "media/audio_frame.hpp"

#include "media/aac.hpp"
#include "media/mp3.hpp"
#include "media/opus.hpp"

namespace millrace::media {

std::int64_t samples_in_frame(const TrackConfig& config, ByteSpan frame) {
    switch (config.codec) {
        case Codec::aac: {
            const Result<aac::AudioSpecificConfig> asc = aac::read_audio_specific_config(config.extra);
            return asc ? asc->samples_per_frame : 0;
        }
        case Codec::opus: return opus::samples_in_packet(frame).value_or(0);
        case Codec::mp3: {
            const Result<mp3::FrameHeader> header = mp3::read_header(frame);
            return header ? header->samples_per_frame : 0;
        }
        case Codec::h264:
        case Codec::h265:
        case Codec::av1:
        case Codec::mjpeg: break;
    }
    return 0;
}

}   // namespace millrace::media
