#include "playback/jitter_buffer.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::playback {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
constexpr std::size_t none = JitterBuffer::tracks_max;

}   // namespace

Duration JitterBuffer::time_of(const media::AccessUnit& unit, std::int64_t ticks) {
    return Duration{media::rescale(ticks, unit.config->timescale, nanoseconds_a_second)};
}

Duration JitterBuffer::delay() const {
    return std::clamp(jitter(), limits_.delay_min, limits_.delay_max) + sound_ahead_;
}

void JitterBuffer::begin_line(Duration offset, Instant arrival) {
    windows_ = {};
    windows_[0].base = offset;
    window_began_ = arrival;
    late_since_.reset();
    began_ = true;
}

bool JitterBuffer::measure(Duration offset, Instant arrival) {
    if (!began_) {
        begin_line(offset, arrival);
        return false;
    }
    if (arrival - window_began_ >= window) {
        // What nothing came in for two windows is of no more use than a line that was never begun.
        const bool stood_still = arrival - window_began_ >= 2 * window;
        windows_[1] = stood_still ? Window{} : windows_[0];
        windows_[0] = {.base = offset};
        window_began_ = arrival;
    }
    const Duration behind = std::max(offset - base(), Duration{0});
    if (behind > limits_.delay_max) {
        late_since_ = late_since_.value_or(arrival);
        if (arrival - *late_since_ >= late_for) {
            begin_line(offset, arrival);
        }
        return true;
    }
    const bool late = behind > delay();
    late_since_.reset();
    windows_[0].base = std::min(windows_[0].base, offset);
    windows_[0].jitter = std::max(windows_[0].jitter, behind);
    return late;
}

void JitterBuffer::take(media::AccessUnit unit, Instant arrival) {
    if (unit.track >= tracks_max) {
        return;
    }
    const bool video = unit.kind() == media::Kind::video;
    if (unit.discontinuity) {
        began_ = false;
    }
    const Duration time = time_of(unit, unit.dts);
    const bool late = measure(arrival - Instant{} - time, arrival);
    if (bytes_ + unit.payload.size() > limits_.bytes_max) {
        forget_all();
    }
    if (video && awaits_key_[unit.track] && !unit.key) {
        ++skipped_;
        return;
    }
    awaits_key_[unit.track] = false;
    bytes_ += unit.payload.size();
    const media::TrackId track = unit.track;
    tracks_[track].push_back({std::move(unit), time, arrival, late});
}

void JitterBuffer::forget_all() {
    skipped_ += pictures();
    for (std::deque<Waiting>& track : tracks_) {
        track.clear();
    }
    awaits_key_.fill(true);
    bytes_ = 0;
}

std::size_t JitterBuffer::pictures() const {
    std::size_t count = 0;
    for (const std::deque<Waiting>& track : tracks_) {
        const bool video = !track.empty() && track.front().unit.kind() == media::Kind::video;
        count += video ? track.size() : 0;
    }
    return count;
}

Instant JitterBuffer::due_of(const Waiting& waiting) const {
    const bool sound = waiting.unit.kind() == media::Kind::audio;
    const Instant last = waiting.arrival + limits_.delay_max + sound_ahead_;
    return std::min(moment_of(waiting.time), last) - (sound ? sound_ahead_ : Duration{});
}

/// The track whose first unit is due before all others'; `none` if nothing waits.
std::size_t JitterBuffer::earliest() const {
    const auto rank = [this](std::size_t track) {
        const Waiting& waiting = tracks_[track].front();
        return std::pair{due_of(waiting), waiting.time};
    };
    std::size_t first = none;
    for (std::size_t track = 0; track < tracks_.size(); ++track) {
        const bool before = !tracks_[track].empty() && (first == none || rank(track) < rank(first));
        first = before ? track : first;
    }
    return first;
}

Instant JitterBuffer::due() const {
    const std::size_t first = earliest();
    return first == none ? Instant::never() : due_of(tracks_[first].front());
}

std::optional<JitterBuffer::Due> JitterBuffer::next(Instant now) {
    const std::size_t first = earliest();
    if (first == none || due_of(tracks_[first].front()) > now) {
        return std::nullopt;
    }
    Waiting waiting = std::move(tracks_[first].front());
    tracks_[first].pop_front();
    bytes_ -= waiting.unit.payload.size();
    const Instant at = std::max(due_of(waiting), waiting.arrival);
    return Due{std::move(waiting.unit), at, waiting.late};
}

}   // namespace millrace::playback
