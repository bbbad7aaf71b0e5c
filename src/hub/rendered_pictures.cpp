#include "hub/rendered_pictures.hpp"

#include "base/log.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::hub {

namespace {

/// Of pictures that nobody has seen yet.
const auto jpeg_config =
    std::make_shared<const media::TrackConfig>(media::TrackConfig{.codec = media::Codec::mjpeg});

bool has_pictures(const media::Track& track) {
    if (track.config == nullptr) {
        return false;
    }
    switch (track.config->codec) {
        case media::Codec::h264:
        case media::Codec::h265:
        case media::Codec::mjpeg: return true;
        default: return false;
    }
}

}   // namespace

void RenderedPictures::choose(std::span<const media::Track> tracks) {
    const auto track = std::ranges::find_if(tracks, has_pictures);
    track_ = track == tracks.end() ? std::nullopt : std::optional{track->id};
}

Result<> RenderedPictures::begin(const MediaFeed& source, std::span<const media::Track> tracks) {
    choose(tracks);
    if (!track_) {
        return fail(Errc::unsupported, "no pictures can be made of the stream's tracks");
    }
    const media::TrackConfig& config = *std::ranges::find(tracks, *track_, &media::Track::id)->config;
    const bool known = config.width != 0 && config.height != 0;
    if (known && (wish_.width > config.width || wish_.height > config.height)) {
        return fail(Errc::malformed, "the size asked for is above the stream's own");
    }
    if (!make_ && !(config.codec == media::Codec::mjpeg && wish_.as_source())) {
        return fail(Errc::unsupported, "this node makes no pictures");
    }
    source_ = &source;
    cursor_.emplace(source);
    pump();
    return {};
}

void RenderedPictures::renew(std::span<const media::Track> tracks) {
    choose(tracks);
}

std::vector<media::Track> RenderedPictures::tracks() const {
    if (!track_) {
        return {};
    }
    return {{.id = *track_, .kind = media::Kind::video, .config = jpeg_config}};
}

void RenderedPictures::pump() {
    while (!over_) {
        const media::AccessUnitRef unit = cursor_->next();
        if (unit == nullptr) {
            return;
        }
        take(unit);
    }
}

void RenderedPictures::take(const media::AccessUnitRef& unit) {
    if (!has_pictures({.id = unit->track, .kind = unit->kind(), .config = unit->config})) {
        return;
    }
    if (!track_) {
        track_ = unit->track;
    }
    if (track_ != unit->track) {
        return;
    }
    if (unit->config->codec == media::Codec::mjpeg && wish_.as_source()) {
        renderer_.reset();   // of another publisher's video
        ready_ = false;
        if (pace_.passes(unit->pts)) {
            show(unit);
        }
        return;
    }
    if (renderer_ == nullptr && make_) {
        renderer_ = make_(home_, *this);
    }
    if (ready_) {
        offer(*unit);
    }
}

void RenderedPictures::offer(const media::AccessUnit& unit) {
    awaits_key_ = (awaits_key_ && !unit.key) || !renderer_->offer(unit);
    if (awaits_key_) {
        ++skipped_;
        return;
    }
    if (const std::uint64_t skipped = std::exchange(skipped_, 0); skipped > 0) {
        log::warning("hub", "the machine is too slow to make pictures of a stream: {} pictures were skipped",
                     skipped);
    }
    offered_ = std::max(offered_.value_or(unit.pts), unit.pts);
    awaits_key_ = lags();
}

bool RenderedPictures::lags() const {
    if (!answered_ || !offered_) {
        return false;
    }
    constexpr std::int64_t most = lag_max / 1ms * (media::video_timescale / 1000);
    const std::int64_t between = wish_.fps == 0 ? 0 : media::video_timescale / wish_.fps;
    return *offered_ - *answered_ > most + between;
}

void RenderedPictures::on_ready() {
    ready_ = true;
    awaits_key_ = true;
    skipped_ = 0;
    offered_.reset();
    answered_.reset();
    cursor_.emplace(*source_);
    pump();
    caught_up_ = offered_.value_or(INT64_MIN);
}

void RenderedPictures::on_picture(media::AccessUnit picture) {
    answered_ = std::max(answered_.value_or(picture.pts), picture.pts);
    const bool old = written_ && (picture.pts <= *written_ || picture.pts < caught_up_);
    if (old) {
        return;
    }
    picture.track = track_.value_or(picture.track);
    picture.key = true;
    show(std::make_shared<const media::AccessUnit>(std::move(picture)));
}

void RenderedPictures::on_failed(Error /*why*/) {
    over_ = true;
    listener_.on_pictures_over(wish_);
}

void RenderedPictures::show(media::AccessUnitRef picture) {
    written_ = picture->pts;
    const std::size_t bytes = picture->payload.size();
    feed_.append(std::move(picture), bytes, true, home_.now());
    listener_.on_picture(wish_);
    feed_.trim(home_.now());
}

}   // namespace millrace::hub
