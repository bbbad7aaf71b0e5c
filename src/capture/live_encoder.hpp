#pragma once

#include "capture/encode_options.hpp"
#include "capture/grabber.hpp"
#include "capture/picture_scaler.hpp"
#include "capture/sound_line.hpp"
#include "capture/video_encoder.hpp"

namespace millrace::capture {

/// What was grabbed as units on one line, which begins with the first of them: the place of a picture is when
/// it was taken. Encoders are opened when the first picture and the first sound show what they are. One
/// thread.
class LiveEncoder {
public:
    LiveEncoder(const EncodeOptions& options, PictureSize size) : options_{options}, size_{size} {}

    /// Units of it, and perhaps of what came before.
    Outcome<std::vector<media::AccessUnit>> take(Grab& grab);
    /// What is still inside, at the end.
    std::vector<media::AccessUnit> drain();

    void ask_key_frame();
    void set_bitrate(std::uint64_t bits_per_second);
    /// Leaves out pictures until the so manieth key frame from now.
    void skip(std::uint32_t key_frames);
    /// Whether `take` leaves this one out.
    bool is_skipping() const { return skipping_; }

private:
    using Units = std::vector<media::AccessUnit>;
    Outcome<Units> take_picture(const AVFrame& picture, const Grab& grab);
    Outcome<Units> take_sound(const AVFrame& samples, const Grab& grab);
    Outcome<Units> take_unit(media::AccessUnit& unit);
    Outcome<void> open(const AVFrame& picture, const Grab& grab);
    /// The place of a picture that was taken then, after the last one's.
    PictureTime place(const Grab& grab);
    bool skips_until(std::int64_t pts);

    EncodeOptions options_;
    PictureSize size_;
    std::optional<Instant> begin_;
    std::uint64_t bitrate_ = 0;   // that was asked for; 0: none was
    std::unique_ptr<VideoEncoder> video_;
    PictureSize opened_for_;   // what its pictures are scaled to
    PictureScaler scaler_;
    std::optional<SoundLine> sound_;
    std::optional<std::int64_t> last_pts_;
    std::uint32_t skip_keys_ = 0;   // still to be passed
    std::int64_t skip_until_ = 0;
    bool skipping_ = false;
};

}   // namespace millrace::capture
