#include "archive/chunker.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::archive {

namespace {

/// Of a unit that nobody knows how long it is.
constexpr std::int64_t units_a_second = 25;

std::int64_t chunk_ticks_max(const media::AccessUnit& unit) {
    return media::rescale(mp4::chunk_ms_max, media::milliseconds_timescale, unit.config->timescale);
}

}   // namespace

std::int64_t Chunker::assumed_end(const Lane& lane) {
    const media::AccessUnit& last = *lane.units.back();
    const std::int64_t usual = last.duration > 0 ? last.duration
                               : lane.step > 0   ? lane.step
                                                 : last.config->timescale / units_a_second;
    return last.dts + usual;
}

void Chunker::close(Lane& lane, std::size_t count, std::int64_t end) {
    const auto last = lane.units.begin() + static_cast<std::ptrdiff_t>(count);
    const media::AccessUnit& first = *lane.units.front();
    media::SegmentTrack part{
        .track = {.id = first.track, .kind = first.kind(), .language = {}, .config = first.config},
        .units = {lane.units.begin(), last},
        .end = std::max(end, lane.units[count - 1]->dts)};
    lane.units.erase(lane.units.begin(), last);
    const media::CutRef begins = std::exchange(lane.begins, nullptr);
    bool beginning = begins != nullptr;
    for (mp4::Chunk& chunk : mp4::chunked(part).chunks) {
        CutChunk made{.track = part.track,
                      .chunk = std::move(chunk),
                      .cut = cut_,
                      .begins = std::exchange(beginning, false),
                      .units = std::exchange(count, 0)};
        (awaited_ && begins == nullptr ? held_ : ready_).push_back(std::move(made));
    }
    if (begins != nullptr && begins == cut_) {
        awaited_ = false;
        std::ranges::move(held_, std::back_inserter(ready_));
        held_.clear();
    }
}

void Chunker::close_all(Lane& lane, const media::AccessUnit* next) {
    if (lane.units.empty()) {
        return;
    }
    const media::AccessUnit& last = *lane.units.back();
    const bool goes_on = next != nullptr && !next->discontinuity && next->dts > last.dts &&
                         next->config->timescale == last.config->timescale;
    close(lane, lane.units.size(), goes_on ? next->dts : assumed_end(lane));
}

void Chunker::take(const media::AccessUnitRef& unit) {
    if (unit->track >= tracks_max || (unit->cut == nullptr && cut_ == nullptr)) {
        return;
    }
    Lane& lane = lanes_[unit->track];
    const bool breaks = unit->config != lane.config || unit->discontinuity || unit->dts <= lane.newest;
    lane.step = breaks ? lane.step : unit->dts - lane.newest;
    lane.newest = unit->dts;
    lane.config = unit->config;
    lane.quiet = false;
    if (!lane.units.empty()) {
        const media::AccessUnit& last = *lane.units.back();
        const bool key_frame = unit->key && unit->kind() == media::Kind::video;
        const bool full = unit->dts - lane.units.front()->dts > chunk_ticks_max(*unit);
        if (!breaks && full && lane.units.size() > 1) {
            close(lane, lane.units.size() - 1, last.dts);
        }
        if (breaks || key_frame || unit->cut != nullptr) {
            close_all(lane, unit.get());
        }
    }
    if (unit->cut != nullptr) {
        for (Lane& other : lanes_) {
            if (&other != &lane && other.begins != nullptr) {
                close_all(other, nullptr);
            } else if (&other != &lane && other.units.size() > 1) {
                close(other, other.units.size() - 1, other.units.back()->dts);
            }
        }
        if (awaited_) {
            // A fragment whose first unit never came to be a chunk: what waits goes with the next.
            for (CutChunk& chunk : held_) {
                chunk.cut = unit->cut;
            }
        }
        cut_ = unit->cut;
        lane.begins = unit->cut;
        awaited_ = true;
    }
    lane.units.push_back(unit);
}

void Chunker::finish() {
    // The lane whose chunk begins a fragment first: the others wait behind it.
    for (Lane& lane : lanes_) {
        if (lane.begins != nullptr) {
            close_all(lane, nullptr);
        }
    }
    for (Lane& lane : lanes_) {
        close_all(lane, nullptr);
    }
}

void Chunker::finish_quiet() {
    for (Lane& lane : lanes_) {
        if (std::exchange(lane.quiet, true)) {
            close_all(lane, nullptr);
        }
    }
}

std::optional<CutChunk> Chunker::next() {
    if (ready_.empty()) {
        return std::nullopt;
    }
    CutChunk chunk = std::move(ready_.front());
    ready_.pop_front();
    return chunk;
}

}   // namespace millrace::archive
