#include "capture/synthetic_camera.hpp"

#include "capture/audio_encoder.hpp"
#include "capture/tone.hpp"
#include "media/time.hpp"

extern "C" {
#include <libavutil/imgutils.h>
}

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

Duration sample_at(std::int64_t sample) {
    return Duration{media::rescale(sample, AudioEncoder::sample_rate, nanoseconds_a_second)};
}

/// A copy: what is drawn upon is drawn over.
ffmpeg::Frame frame_of(const Canvas& canvas) {
    ffmpeg::Frame frame{av_frame_alloc()};
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = static_cast<int>(canvas.width());
    frame->height = static_cast<int>(canvas.height());
    frame->color_range = AVCOL_RANGE_MPEG;
    if (av_frame_get_buffer(frame.get(), 0) < 0) {
        return nullptr;
    }
    for (unsigned plane = 0; plane < 3; ++plane) {
        const int width = plane == 0 ? frame->width : frame->width / 2;
        const int height = plane == 0 ? frame->height : frame->height / 2;
        av_image_copy_plane(frame->data[plane], frame->linesize[plane], canvas.plane(plane).data(), width,
                            width, height);
    }
    return frame;
}

}   // namespace

Moment SyntheticCamera::taken(Moment moment, Duration at) const {
    const Instant then = *start_ + at;
    return {then, moment.utc_at(then)};
}

void SyntheticCamera::skip_what_is_lost(Moment moment) {
    const Duration line = moment.now - *start_;
    if (line - options_.frame_rate.at(next_frame_) <= behind_max) {
        return;
    }
    next_frame_ = options_.frame_rate.due_by(line) - 1;
    // Sound keeps its grid.
    const std::int64_t sample = media::rescale(line.count(), nanoseconds_a_second, AudioEncoder::sample_rate);
    next_sample_ = std::max(next_sample_, sample / sound_samples * sound_samples);
}

bool SyntheticCamera::draw(std::vector<Grab>& grabs, Moment moment) {
    const Duration at = options_.frame_rate.at(next_frame_);
    const Moment when = taken(moment, at);
    const auto number = static_cast<std::uint32_t>(next_frame_);
    ffmpeg::Frame frame = frame_of(picture_.draw(number, when.utc));
    if (frame == nullptr) {
        return false;
    }
    grabs.push_back({.what = std::move(frame),
                     .at = when,
                     .rate = options_.frame_rate,
                     .number = number,
                     .steady = true,
                     .late = moment.now - when.now > options_.frame_rate.at(1) / 2});
    ++next_frame_;
    return true;
}

Outcome<std::vector<Grab>> SyntheticCamera::next() {
    const Moment moment = wait_(start_ ? *start_ + options_.frame_rate.at(next_frame_) : Instant{});
    start_ = start_.value_or(moment.now);
    skip_what_is_lost(moment);
    std::vector<Grab> grabs;
    if (!play(grabs, moment) || !draw(grabs, moment)) {
        return std::unexpected(Fault{"no memory for a picture", false});
    }
    return grabs;
}

bool SyntheticCamera::play(std::vector<Grab>& grabs, Moment moment) {
    const Duration until = options_.frame_rate.at(next_frame_);
    while (options_.audio && sample_at(next_sample_ + sound_samples) <= until) {
        ffmpeg::Frame samples{av_frame_alloc()};
        samples->format = AV_SAMPLE_FMT_FLT;
        samples->sample_rate = AudioEncoder::sample_rate;
        samples->nb_samples = static_cast<int>(sound_samples);
        av_channel_layout_default(&samples->ch_layout, 1);
        if (av_frame_get_buffer(samples.get(), 0) < 0) {
            return false;
        }
        const Moment when = taken(moment, sample_at(next_sample_));
        play_tone({reinterpret_cast<float*>(samples->data[0]), std::size_t{sound_samples}},
                  AudioEncoder::sample_rate, when.utc);
        grabs.push_back({.what = std::move(samples), .at = when, .rate = {}});
        next_sample_ += sound_samples;
    }
    return true;
}

}   // namespace millrace::capture
