#include "session/unit_pacer.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr std::int64_t nanoseconds_timescale = 1'000'000'000;
constexpr Duration congestion_pause = 5ms;

}   // namespace

Duration UnitPacer::ahead() const {
    return waiting_.empty() ? 0ns : std::max(last_ - desk_.executor.now(), Duration{0});
}

Instant UnitPacer::place(Duration at, std::uint64_t clock) {
    const Instant now = desk_.executor.now();
    const auto known = clocks_.find(clock);
    if (known != clocks_.end()) {
        const Instant due = Instant::from_nanoseconds((known->second + at).count());
        if (due >= now && due <= now + wait_max) {
            return due;
        }
        if (due < now && due + wait_max > now) {
            for (auto& [number, offset] : clocks_) {
                offset += now - due;
            }
            return now;
        }
    }
    const Instant due = std::max(now, last_);
    clocks_[clock] = Duration{due.nanoseconds()} - at;
    if (clocks_.size() > clocks_max) {
        clocks_.erase(clocks_.begin());
    }
    return due;
}

Instant UnitPacer::take(media::AccessUnit unit, std::uint64_t clock) {
    const Duration at{media::rescale(unit.dts, unit.config->timescale, nanoseconds_timescale)};
    Instant& before = last_of_track_[unit.track % last_of_track_.size()];
    const Instant due = std::max(place(at, clock), before);
    before = due;
    last_ = std::max(last_, due);
    bytes_ += unit.payload.size();
    waiting_.emplace(due, std::move(unit));
    const Instant next = waiting_.begin()->first;
    if (!alarm_.armed() || alarm_.when() > next) {
        desk_.executor.timers().arm(alarm_, next);
    }
    return due;
}

void UnitPacer::hurry(Duration by) {
    for (auto& [number, offset] : clocks_) {
        offset -= by;
    }
}

void UnitPacer::let_out() {
    const Instant now = desk_.executor.now();
    if (publisher_.publication().congested()) {
        desk_.executor.timers().arm(alarm_, now + congestion_pause);
        return;
    }
    while (!waiting_.empty() && waiting_.begin()->first <= now) {
        auto first = waiting_.extract(waiting_.begin());
        bytes_ -= first.mapped().payload.size();
        publisher_.write(std::move(first.mapped()));
    }
    publisher_.push();
    if (!waiting_.empty()) {
        desk_.executor.timers().arm(alarm_, waiting_.begin()->first);
    }
}

Task<Result<>> publish_paced(SourcePublisher& publisher, UnitPacer& pacer, ReadMedia& media,
                             std::size_t received) {
    ReadMedia tracks;
    std::vector<media::AccessUnit> units;
    for (hub::PublishedItem& item : media.items) {
        if (auto* unit = std::get_if<media::AccessUnit>(&item)) {
            units.push_back(std::move(*unit));
        } else {
            tracks.items.push_back(std::move(item));
        }
    }
    tracks.dropped = media.dropped;
    media.clear();
    const Result<> announced = co_await publish(publisher, tracks, received);
    if (!announced) {
        co_return announced;
    }
    if (!units.empty() && !publisher.began()) {
        const Result<> begun = co_await publisher.begin();
        if (!begun) {
            co_return begun;
        }
    }
    for (media::AccessUnit& unit : units) {
        pacer.take(std::move(unit), 0);
    }
    co_return Result<>{};
}

}   // namespace millrace::session
