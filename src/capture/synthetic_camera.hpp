#pragma once

#include "capture/audio_encoder.hpp"
#include "capture/source_options.hpp"
#include "capture/test_picture.hpp"
#include "capture/video_encoder.hpp"

#include <optional>

namespace millrace::capture {

/// `test:`: frame n is due at start + n / fps, and shows the time at which it was due, however late it is
/// drawn. Who falls behind catches up a frame at a time; beyond `behind_max` moments are skipped and counted,
/// and the numbers show it.
class SyntheticCamera final : public Source {
public:
    static constexpr Duration behind_max = 2s;

    static Outcome<std::unique_ptr<Source>> open(const CameraOptions& options, Moment start);

    std::vector<media::Track> tracks() const override;
    Instant due() const override { return start_ + options_.frame_rate.at(next_frame_); }
    Outcome<std::vector<media::AccessUnit>> produce(Moment moment) override;
    void ask_key_frame() override { video_->ask_key_frame(); }
    void set_bitrate(std::uint64_t bits_per_second) override { video_->set_bitrate(bits_per_second); }
    void skip(std::uint32_t key_frames) override;

private:
    SyntheticCamera(const CameraOptions& options, Instant start, std::unique_ptr<VideoEncoder> video,
                    std::unique_ptr<AudioEncoder> audio);
    void skip_what_is_lost(Moment moment);
    /// The next frame's picture, coded; nothing where it is to be left out.
    Outcome<std::vector<media::AccessUnit>> take_picture(WallTime taken);
    /// Sound up to `until` on the stream's line.
    Outcome<void> play(std::vector<media::AccessUnit>& units, Moment moment, Duration until);

    CameraOptions options_;
    Instant start_;
    TestPicture picture_;
    std::unique_ptr<VideoEncoder> video_;
    std::unique_ptr<AudioEncoder> audio_;   // null: none
    std::int64_t next_frame_ = 0;
    std::int64_t skip_until_ = 0;   // a frame's number
    std::int64_t next_sample_ = 0;
};

}   // namespace millrace::capture
