#pragma once

#include "capture/source.hpp"

#include <memory>

struct AVFrame;

namespace millrace::capture {

/// AAC-LC or Opus at 48 kHz, mono or stereo. One thread.
class AudioEncoder {
public:
    static constexpr std::uint32_t sample_rate = 48'000;
    static constexpr std::int64_t bitrate = 64'000;   ///< of one channel

    struct Wish {
        media::Codec codec = media::Codec::aac;   ///< or Opus
        std::uint8_t channels = 1;                ///< or 2
    };
    static Outcome<std::unique_ptr<AudioEncoder>> open(const Wish& wish);
    AudioEncoder(const AudioEncoder&) = delete;
    AudioEncoder& operator=(const AudioEncoder&) = delete;
    ~AudioEncoder();

    /// Samples of each channel in a frame: 1024 of AAC, 960 of Opus.
    std::size_t frame_samples() const;
    /// libavutil's AVSampleFormat, for frames.
    int sample_format() const;

    /// One frame of samples between -1 and 1, in that format; its pts is the place of its first sample on the
    /// stream's line. Gives units of track 1, a frame later than their samples, with the right times. What
    /// would begin before the line does (the encoder's priming) is left out.
    Outcome<std::vector<media::AccessUnit>> encode(AVFrame& frame);

private:
    struct Parts;
    explicit AudioEncoder(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}   // namespace millrace::capture
