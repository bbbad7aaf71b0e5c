#include "protocol/rtp/alignment.hpp"

#include "media/time.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::rtp {

namespace {

constexpr std::int64_t million = 1'000'000;

}   // namespace

void Alignment::restart() {
    *this = {};
}

void Alignment::begins_at(std::size_t track, Duration time) {
    if (track < tracks_max) {
        places_[track].zero = time / 1us;
    }
}

std::int64_t Alignment::first_offset(const TrackPlace& place, std::int64_t time, Instant arrival,
                                     std::optional<std::int64_t> sender_time) {
    const std::int64_t arrived = (arrival - began_ + start) / 1us;
    std::int64_t offset = arrived - time;
    const auto near = [&](std::int64_t other) { return std::abs(other - offset) < believed_max / 1us; };
    if (sender_time && sender_zero_ && near(*sender_time - *sender_zero_ - time)) {
        offset = *sender_time - *sender_zero_ - time;
    } else if (place.zero && near(start / 1us - *place.zero)) {
        offset = start / 1us - *place.zero;
    }
    return offset;
}

/// True: it stepped.
bool Alignment::correct(TrackPlace& place, std::int64_t time, std::optional<std::int64_t> sender_time) {
    if (!sender_time || !sender_zero_) {
        return false;
    }
    const std::int64_t error = *sender_time - *sender_zero_ - time - *place.offset;
    if (std::abs(error) > believed_max / 1us) {
        return false;
    }
    if (std::abs(error) > step_min / 1us) {
        *place.offset += error;
        place.corrected_at = time;
        return true;
    }
    const std::int64_t most = std::max<std::int64_t>(0, time - place.corrected_at) * slew_permille / 1'000;
    *place.offset += std::clamp(error, -most, most);
    place.corrected_at = std::max(place.corrected_at, time);
    return false;
}

void Alignment::place(std::size_t track, media::AccessUnit& unit, Instant arrival,
                      std::optional<std::int64_t> sender_time) {
    if (track >= tracks_max) {
        return;
    }
    const std::int64_t timescale = unit.config->timescale;
    const std::int64_t time = media::rescale_nearest(unit.pts, timescale, million);
    TrackPlace& place = places_[track];
    if (!leader_) {
        leader_ = track;
        began_ = arrival;
    }
    if (!place.offset || unit.discontinuity) {
        // After a jump of its clock a track begins where it arrives.
        place.offset = first_offset(place, time, arrival, sender_time);
        place.zero.reset();
        place.corrected_at = time;
        sender_zero_ = track == *leader_ ? std::nullopt : sender_zero_;
    } else if (track != *leader_ && correct(place, time, sender_time)) {
        unit.discontinuity = true;
    }
    if (track == *leader_ && sender_time) {
        sender_zero_ = *sender_time - time - *place.offset;
    }
    const std::int64_t moved = media::rescale_nearest(*place.offset, million, timescale);
    unit.pts += moved;
    unit.dts += moved;
}

}   // namespace millrace::rtp
