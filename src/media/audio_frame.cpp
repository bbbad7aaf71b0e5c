#include "media/audio_frame.hpp"

#include "media/aac.hpp"
#include "media/mp3.hpp"
#include "media/opus.hpp"

namespace millrace::media {

namespace {

/// Bytes over bytes a sample; 0 where the number of channels is not known.
std::int64_t samples_of(ByteSpan frame, int bytes_a_sample) {
    return bytes_a_sample > 0 ? static_cast<std::int64_t>(frame.size()) / bytes_a_sample : 0;
}

}   // namespace

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
        case Codec::pcma:
        case Codec::pcmu: return samples_of(frame, config.channels);
        case Codec::g722: return samples_of(frame, config.channels) * 2;   // two samples in a byte
        case Codec::l16: return samples_of(frame, config.channels * 2);
        case Codec::h264:
        case Codec::h265:
        case Codec::av1:
        case Codec::mjpeg: break;
    }
    return 0;
}

}   // namespace millrace::media
