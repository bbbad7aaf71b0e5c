#pragma once

#include "capture/audio_encoder.hpp"
#include "capture/ffmpeg.hpp"

#include <memory>

namespace millrace::capture {

/// A microphone's samples, as they come, as coded sound on the stream's line. Samples follow each other;
/// where the clock says that some are missing silence stands for them, and where there are too many they are
/// left out, so that sound stays within `drift_max` of the pictures. One thread.
class SoundLine {
public:
    static constexpr Duration drift_max = 20ms;
    /// What is missing beyond this is a gap in the line, not silence.
    static constexpr Duration silence_max = 2s;

    explicit SoundLine(media::Codec codec);
    SoundLine(const SoundLine&) = delete;
    SoundLine& operator=(const SoundLine&) = delete;
    ~SoundLine();

    /// Samples in any format that FFmpeg has; `at` is where the first of them lies on the line.
    Outcome<std::vector<media::AccessUnit>> take(const AVFrame& samples, Duration at);

private:
    struct Parts;
    Outcome<void> open(const AVFrame& samples);
    Outcome<void> convert(const AVFrame& samples);
    /// Makes the line's end come to `at`. True if these samples are to be left out.
    bool align(Duration at, const AVFrame& samples);

    media::Codec codec_;
    std::unique_ptr<Parts> parts_;
};

}   // namespace millrace::capture
