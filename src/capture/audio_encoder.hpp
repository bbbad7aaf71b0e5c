#pragma once

#include "capture/source.hpp"

#include <memory>
#include <span>

namespace millrace::capture {

/// AAC-LC, mono at 48 kHz.
class AudioEncoder {
public:
    static constexpr std::uint32_t sample_rate = 48'000;
    static constexpr std::size_t frame_samples = 1024;
    static constexpr std::int64_t bitrate = 64'000;

    static Outcome<std::unique_ptr<AudioEncoder>> open();
    AudioEncoder(const AudioEncoder&) = delete;
    AudioEncoder& operator=(const AudioEncoder&) = delete;
    ~AudioEncoder();

    /// One frame of samples between -1 and 1; `first` is the place of its first sample on the stream's line.
    /// Gives units of track 1, a frame later than their samples, with the right times. What would begin
    /// before the line does (the encoder's priming) is left out.
    Outcome<std::vector<media::AccessUnit>> encode(std::span<float, frame_samples> samples,
                                                   std::int64_t first);

private:
    struct Parts;
    explicit AudioEncoder(std::unique_ptr<Parts> parts);

    std::unique_ptr<Parts> parts_;
};

}   // namespace millrace::capture
