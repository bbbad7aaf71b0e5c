#pragma once

#include "capture/ffmpeg.hpp"
#include "media/access_unit.hpp"

extern "C" {
#include <libswresample/swresample.h>
}

#include <array>
#include <memory>
#include <vector>

namespace millrace::playback {

/// libavcodec as a decoder of one configuration of sound: AAC, Opus, MP3, G.711, G.722, L16. A broken frame
/// costs itself. One thread.
class SoundDecoder {
public:
    /// A lasting Fault for what this FFmpeg cannot decode.
    static capture::Outcome<std::unique_ptr<SoundDecoder>> open(const media::ConfigRef& config);

    /// What came of one unit.
    struct Decoded {
        std::size_t frames = 0;                ///< samples of each channel; 0: broken, or the decoder's first
        std::int64_t pts = 0;                  ///< of the first of them
        std::vector<std::int16_t> samples{};   ///< as `Sound` has them, where they are wanted
    };

    const media::ConfigRef& config() const { return config_; }
    /// `wanted`: somebody will hear it.
    Decoded decode(const media::AccessUnit& unit, bool wanted);
    /// Whether the decoder took the last unit.
    bool took() const { return took_; }

private:
    struct FreeResampler {
        void operator()(SwrContext* resampler) const { swr_free(&resampler); }
    };
    void convert(std::vector<std::int16_t>& samples);
    SoundDecoder(media::ConfigRef config, capture::ffmpeg::Codec context);

    media::ConfigRef config_;
    capture::ffmpeg::Codec context_;
    capture::ffmpeg::Packet packet_;
    capture::ffmpeg::Frame frame_;
    std::unique_ptr<SwrContext, FreeResampler> resampler_;
    std::array<int, 3> resampled_{};   // format, rate and channels that it was made for
    bool took_ = false;
};

}   // namespace millrace::playback
