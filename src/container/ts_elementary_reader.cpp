#include "container/ts_elementary_reader.hpp"

namespace millrace::ts {

std::int64_t ReaderShared::unwrap(std::int64_t time) {
    const std::int64_t last = last_time.value_or(time);
    std::int64_t step = (time - last) % clock_wrap;
    if (step >= clock_wrap / 2) {
        step -= clock_wrap;
    } else if (step < -clock_wrap / 2) {
        step += clock_wrap;
    }
    last_time = last + step;
    return *last_time;
}

void ElementaryReader::count_damage() {
    shared_.counters.counter_jumps += gatherer_.take_jumps();
    shared_.counters.units_damaged += gatherer_.take_damaged();
}

void ElementaryReader::take(const Packet& packet, bool carries_clock) {
    if (const std::optional<Pes> pes = gatherer_.before(packet)) {
        read(*pes);
    }
    shared_.discontinuities += carries_clock && packet.discontinuity ? 1 : 0;
    if (const std::optional<Pes> pes = gatherer_.take(packet)) {
        read(*pes);
    }
    count_damage();
}

void ElementaryReader::lose() {
    gatherer_.damage();
    count_damage();
}

void ElementaryReader::flush() {
    if (const std::optional<Pes> pes = gatherer_.flush()) {
        read(*pes);
    }
    count_damage();
}

void ElementaryReader::give(media::AccessUnit unit) {
    unit.track = stream_.track.id;
    unit.discontinuity = discontinuities_seen_ != shared_.discontinuities;
    discontinuities_seen_ = shared_.discontinuities;
    if (stream_.track.config != unit.config) {
        stream_.track.config = unit.config;
        shared_.items.emplace_back(Configured{stream_.track.id, unit.config});
    }
    shared_.items.emplace_back(std::move(unit));
}

}   // namespace millrace::ts
