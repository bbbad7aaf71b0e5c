#include "capture/synthetic_camera.hpp"

#include "capture/tone.hpp"
#include "media/time.hpp"

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

Duration sample_at(std::int64_t sample) {
    return Duration{media::rescale(sample, AudioEncoder::sample_rate, nanoseconds_a_second)};
}

void append(std::vector<media::AccessUnit>& units, std::vector<media::AccessUnit> more) {
    std::ranges::move(more, std::back_inserter(units));
}

}   // namespace

SyntheticCamera::SyntheticCamera(const CameraOptions& options, Instant start,
                                 std::unique_ptr<VideoEncoder> video, std::unique_ptr<AudioEncoder> audio)
    : options_{options},
      start_{start},
      picture_{options.width, options.height},
      video_{std::move(video)},
      audio_{std::move(audio)} {
}

Outcome<std::unique_ptr<Source>> SyntheticCamera::open(const CameraOptions& options, Moment start) {
    Outcome<std::unique_ptr<VideoEncoder>> video = VideoEncoder::open(
        options, {.size = {options.width, options.height}, .rate = options.frame_rate, .steady = true});
    if (!video) {
        return std::unexpected(video.error());
    }
    std::unique_ptr<AudioEncoder> audio;
    if (options.audio) {
        Outcome<std::unique_ptr<AudioEncoder>> opened = AudioEncoder::open({.codec = *options.audio});
        if (!opened) {
            return std::unexpected(opened.error());
        }
        audio = std::move(*opened);
    }
    return std::unique_ptr<Source>{
        new SyntheticCamera{options, start.now, std::move(*video), std::move(audio)}};
}

std::vector<media::Track> SyntheticCamera::tracks() const {
    std::vector<media::Track> tracks{track_of(media::Kind::video)};
    if (audio_ != nullptr) {
        tracks.push_back(track_of(media::Kind::audio));
    }
    return tracks;
}

void SyntheticCamera::skip_what_is_lost(Moment moment) {
    if (moment.now - due() <= behind_max) {
        return;
    }
    const Duration line = moment.now - start_;
    const std::int64_t newest = options_.frame_rate.due_by(line) - 1;
    counters_.skipped += static_cast<std::uint64_t>(newest - next_frame_);
    next_frame_ = newest;
    if (audio_ == nullptr) {
        return;
    }
    // Sound frames keep their grid.
    const std::int64_t sample = media::rescale(line.count(), nanoseconds_a_second, AudioEncoder::sample_rate);
    const auto frame_samples = static_cast<std::int64_t>(audio_->frame_samples());
    next_sample_ = std::max(next_sample_, sample / frame_samples * frame_samples);
}

/// The encoder counts pictures from key frame to key frame, so the next one is where it will be asked for.
void SyntheticCamera::skip(std::uint32_t key_frames) {
    const std::int64_t gop = std::max<std::int64_t>(1, options_.frame_rate.due_by(options_.gop) - 1);
    skip_until_ = (next_frame_ / gop + key_frames) * gop;
}

Outcome<std::vector<media::AccessUnit>> SyntheticCamera::take_picture(WallTime taken) {
    if (next_frame_ < skip_until_) {
        ++counters_.dropped_asked;
        return {};
    }
    if (next_frame_ == skip_until_) {
        video_->ask_key_frame();
    }
    const Canvas& picture = picture_.draw(static_cast<std::uint32_t>(next_frame_), taken);
    return video_->encode(picture, steady_time(options_.frame_rate, next_frame_, taken));
}

Outcome<std::vector<media::AccessUnit>> SyntheticCamera::produce(Moment moment) {
    std::vector<media::AccessUnit> units;
    if (moment.now < due()) {
        return units;
    }
    if (next_frame_ == 0) {
        start_ = moment.now;   // opening the encoders took its time
    }
    skip_what_is_lost(moment);
    const Duration at = options_.frame_rate.at(next_frame_);
    if (moment.now - (start_ + at) > options_.frame_rate.at(1) / 2) {
        ++counters_.late;
    }
    const WallTime taken = moment.utc_at(start_ + at);
    Outcome<std::vector<media::AccessUnit>> pictures = take_picture(taken);
    if (!pictures) {
        return pictures;
    }
    counters_.frames += pictures->size();
    ++next_frame_;
    append(units, std::move(*pictures));
    const Outcome<void> played = play(units, moment, at);
    if (!played) {
        return std::unexpected(played.error());
    }
    return units;
}

Outcome<void> SyntheticCamera::play(std::vector<media::AccessUnit>& units, Moment moment, Duration until) {
    std::vector<float> samples(audio_ != nullptr ? audio_->frame_samples() : 0);
    while (audio_ != nullptr &&
           sample_at(next_sample_ + static_cast<std::int64_t>(samples.size())) <= until) {
        play_tone(samples, AudioEncoder::sample_rate, moment.utc_at(start_ + sample_at(next_sample_)));
        Outcome<std::vector<media::AccessUnit>> frames = audio_->encode(samples, next_sample_);
        if (!frames) {
            return std::unexpected(frames.error());
        }
        for (media::AccessUnit& unit : *frames) {
            unit.capture = {moment.utc_at(start_ + sample_at(unit.pts)), media::CaptureTime::Label::capture};
        }
        next_sample_ += static_cast<std::int64_t>(samples.size());
        append(units, std::move(*frames));
    }
    return {};
}

}   // namespace millrace::capture
