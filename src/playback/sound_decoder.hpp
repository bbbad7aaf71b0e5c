#pragma once

#include "capture/ffmpeg.hpp"
#include "media/access_unit.hpp"

#include <memory>

namespace millrace::playback {

/// libavcodec as a decoder of one configuration of sound: AAC, Opus, MP3, G.711, G.722, L16. A broken frame
/// costs itself. One thread.
class SoundDecoder {
public:
    /// A lasting Fault for what this FFmpeg cannot decode.
    static capture::Outcome<std::unique_ptr<SoundDecoder>> open(const media::ConfigRef& config);

    const media::ConfigRef& config() const { return config_; }
    /// Samples of each channel that came of it; 0 where it is broken, or the decoder's first.
    std::size_t decode(const media::AccessUnit& unit);
    /// Whether the decoder took the last unit.
    bool took() const { return took_; }

private:
    SoundDecoder(media::ConfigRef config, capture::ffmpeg::Codec context);

    media::ConfigRef config_;
    capture::ffmpeg::Codec context_;
    capture::ffmpeg::Packet packet_;
    capture::ffmpeg::Frame frame_;
    bool took_ = false;
};

}   // namespace millrace::playback
