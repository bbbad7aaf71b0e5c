#include "capture/live_encoder.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

std::int64_t ticks_of(Duration time) {
    return media::rescale_nearest(time.count(), nanoseconds_a_second, media::video_timescale);
}

}   // namespace

Outcome<LiveEncoder::Units> LiveEncoder::take(Grab& grab) {
    begin_ = begin_.value_or(grab.at.now);
    if (auto* unit = std::get_if<media::AccessUnit>(&grab.what)) {
        return take_unit(*unit);
    }
    const AVFrame& frame = *std::get<ffmpeg::Frame>(grab.what);
    return frame.nb_samples > 0 ? take_sound(frame, grab) : take_picture(frame, grab);
}

Outcome<LiveEncoder::Units> LiveEncoder::take_unit(media::AccessUnit& unit) {
    Units units;
    if (unit.kind() == media::Kind::video && skipping_) {
        skip_keys_ -= unit.key ? 1 : 0;
        skipping_ = skip_keys_ > 0;
        if (skipping_) {
            return units;
        }
    }
    units.push_back(std::move(unit));
    return units;
}

Outcome<void> LiveEncoder::open(const AVFrame& picture, const Grab& grab) {
    const PictureSize source{static_cast<std::uint32_t>(picture.width) & ~1U,
                             static_cast<std::uint32_t>(picture.height) & ~1U};
    const PictureSize wanted = size_ == PictureSize{} ? source : size_;
    if (video_ != nullptr && wanted == opened_for_) {
        return {};
    }
    if (wanted.width == 0 || wanted.height == 0) {
        return std::unexpected(Fault{"the pictures have no size", false});
    }
    Outcome<std::unique_ptr<VideoEncoder>> encoder =
        VideoEncoder::open(options_, {.size = wanted, .rate = grab.rate, .steady = grab.steady});
    if (!encoder) {
        return std::unexpected(encoder.error());
    }
    video_ = std::move(*encoder);
    if (bitrate_ != 0) {
        video_->set_bitrate(bitrate_);
    }
    opened_for_ = wanted;
    return {};
}

/// A picture lasts as long as the device promises, or as the one before did where it keeps no promise.
PictureTime LiveEncoder::place(const Grab& grab) {
    if (grab.steady) {
        return steady_time(grab.rate, grab.number, grab.at.utc);
    }
    if (grab.place) {
        last_pts_ = last_pts_ ? std::max(grab.place->pts, *last_pts_ + 1) : grab.place->pts;
        return {
            .pts = *last_pts_, .duration = grab.place->duration, .number = grab.number, .taken = grab.at.utc};
    }
    const std::int64_t taken = ticks_of(grab.at.now - *begin_);
    const std::int64_t pts = last_pts_ ? std::max(taken, *last_pts_ + 1) : std::max<std::int64_t>(taken, 0);
    const std::int64_t promised = ticks_of(grab.rate.at(1));
    const std::int64_t step = last_pts_ ? pts - *last_pts_ : promised;
    last_pts_ = pts;
    return {.pts = pts,
            .duration = std::abs(step - promised) * 2 < promised ? promised : step,
            .number = grab.number,
            .taken = grab.at.utc};
}

bool LiveEncoder::skips_until(std::int64_t pts) {
    if (!skipping_) {
        return false;
    }
    const std::int64_t gop = ticks_of(options_.gop);
    if (skip_until_ == 0) {
        skip_until_ = (pts / gop + skip_keys_) * gop;
    }
    if (pts < skip_until_) {
        return true;
    }
    skipping_ = false;
    video_->ask_key_frame();
    return false;
}

Outcome<LiveEncoder::Units> LiveEncoder::take_picture(const AVFrame& picture, const Grab& grab) {
    const Outcome<void> opened = open(picture, grab);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    const PictureTime time = place(grab);
    if (skips_until(time.pts)) {
        return Units{};
    }
    const Outcome<ffmpeg::Frame> scaled = scaler_.scale(
        picture,
        {.width = static_cast<int>(opened_for_.width), .height = static_cast<int>(opened_for_.height)});
    if (!scaled) {
        return std::unexpected(scaled.error());
    }
    return video_->encode(**scaled, time);
}

Outcome<LiveEncoder::Units> LiveEncoder::take_sound(const AVFrame& samples, const Grab& grab) {
    if (!options_.audio) {
        return Units{};
    }
    if (!sound_) {
        sound_.emplace(*options_.audio);
    }
    Outcome<Units> units = sound_->take(samples, grab.at.now - *begin_);
    if (units) {
        for (media::AccessUnit& unit : *units) {
            const Duration at{media::rescale(unit.pts, AudioEncoder::sample_rate, nanoseconds_a_second)};
            unit.capture = {grab.at.utc_at(*begin_ + at), media::CaptureTime::Label::capture};
        }
    }
    return units;
}

LiveEncoder::Units LiveEncoder::drain() {
    return video_ != nullptr ? video_->drain() : Units{};
}

void LiveEncoder::ask_key_frame() {
    if (video_ != nullptr) {
        video_->ask_key_frame();
    }
}

void LiveEncoder::set_bitrate(std::uint64_t bits_per_second) {
    bitrate_ = bits_per_second;
    if (video_ != nullptr) {
        video_->set_bitrate(bitrate_);
    }
}

void LiveEncoder::skip(std::uint32_t key_frames) {
    skipping_ = key_frames > 0;
    skip_keys_ = key_frames;
    skip_until_ = 0;
}

}   // namespace millrace::capture
