#include "hub/moments.hpp"

#include "media/time.hpp"

#include <algorithm>
#include <chrono>

namespace millrace::hub {

namespace {

std::int64_t microseconds(Duration span) {
    return span / 1us;
}

}   // namespace

void Moments::note(const media::AccessUnit& unit) {
    const Picture one{unit.capture.utc, media::rescale_nearest(unit.pts, unit.config->timescale,
                                                               media::TimedMessage::timescale)};
    // A clock that was set, or another publisher's: what lies behind it is of another time.
    if (!pictures_.empty() &&
        std::abs(one.capture.microseconds - pictures_.back().capture.microseconds) > microseconds(kept_for)) {
        pictures_.clear();
    }
    // Nearly all come in order; reordered ones a little behind their successors.
    if (pictures_.empty() || !(one.capture < pictures_.back().capture)) {
        pictures_.push_back(one);
    } else {
        const auto place = std::ranges::upper_bound(pictures_, one.capture, {}, &Picture::capture);
        pictures_.insert(place, one);
    }
    const std::int64_t oldest = pictures_.back().capture.microseconds - microseconds(kept_for);
    while (pictures_.size() > kept_max || pictures_.front().capture.microseconds < oldest) {
        pictures_.pop_front();
    }
}

Result<> Moments::bind(media::TimedMessage& message) const {
    if (pictures_.empty()) {
        return fail(Errc::not_found, "this stream has no picture yet that a result could be about");
    }
    const Picture& newest = pictures_.back();
    if (message.capture == WallTime{}) {
        message.capture = newest.capture;
        message.pts = newest.pts;
        return {};
    }
    const auto after = std::ranges::lower_bound(pictures_, message.capture, {}, &Picture::capture);
    const auto away = [&message](const Picture& picture) {
        return message.capture.microseconds - picture.capture.microseconds;
    };
    if (after == pictures_.end() && away(newest) > 0) {
        if (away(newest) > microseconds(ahead_max)) {
            return fail(Errc::not_found,
                        "a result's capture is more than 2 s later than the newest picture's: "
                        "say the time that the picture itself has");
        }
        const bool known = pictures_.size() > 1;
        const std::int64_t interval = known ? -away(newest) + away(*(pictures_.end() - 2)) : 0;
        const bool is_it = known && away(newest) * 2 <= interval;
        message.pts = newest.pts +
                      (is_it ? 0 : media::rescale(away(newest), 1'000'000, media::TimedMessage::timescale));
        return {};
    }
    auto nearest = after == pictures_.end() ? after - 1 : after;
    if (nearest != pictures_.begin() && std::abs(away(*(nearest - 1))) < std::abs(away(*nearest))) {
        --nearest;
    }
    if (std::abs(away(*nearest)) > microseconds(beside_max)) {
        return fail(Errc::not_found,
                    "there is no picture of a result's capture time, or it is older than 10 s");
    }
    message.pts = nearest->pts;
    return {};
}

std::optional<WallTime> Moments::at(std::int64_t pts) const {
    const auto away = [pts](const Picture& picture) { return std::abs(picture.pts - pts); };
    const auto nearest = std::ranges::min_element(pictures_, {}, away);
    if (nearest == pictures_.end() || away(*nearest) > ahead_max / 1s * media::TimedMessage::timescale) {
        return std::nullopt;
    }
    return WallTime{nearest->capture.microseconds +
                    media::rescale(pts - nearest->pts, media::TimedMessage::timescale, 1'000'000)};
}

}   // namespace millrace::hub
