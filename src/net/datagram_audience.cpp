#include "net/datagram_audience.hpp"

#include "net/datagram_hall.hpp"

#include <algorithm>

namespace millrace::net {

DatagramAudience::DatagramAudience(LogView& log, DatagramHall& hall) : log_{log}, hall_{hall} {
    log_.listen(*this);
}

DatagramAudience::~DatagramAudience() {
    log_.stop_listening(*this);
}

void DatagramAudience::add(DatagramViewing& viewing) {
    viewing.index = viewings_.size();
    viewings_.push_back(&viewing);
    resume(viewing);
}

void DatagramAudience::resume(DatagramViewing& viewing) {
    enter(viewing);   // now: whoever asks has read in the log what it will be sent first
    wake();
}

void DatagramAudience::enter(DatagramViewing& viewing) {
    if (const Entrance* const entrance = log_.newest_entrance()) {
        viewing.enter(*entrance);
    }
}

void DatagramAudience::remove(DatagramViewing& viewing) {
    viewings_[viewing.index] = viewings_.back();
    viewings_[viewing.index]->index = viewing.index;
    viewings_.pop_back();
}

void DatagramAudience::wake() {
    arm(std::max(hall_.executor.now(), rest_until_));
}

void DatagramAudience::arm(Instant due) {
    due_ = std::min(due_, due);
    hall_.executor.timers().arm(*this, due_);
}

void DatagramAudience::dismiss(Error reason) {
    for (DatagramViewing* const viewing : viewings_) {
        viewing->leave(reason);
    }
}

void DatagramAudience::on_trim(std::uint64_t tail) {
    for (DatagramViewing* const viewing : viewings_) {
        if (viewing->cursor < tail) {
            viewing->lapse(tail);
        }
    }
}

void DatagramAudience::on_advance(bool flush) {
    const Instant now = hall_.executor.now();
    arm(std::max(flush ? now : now + sound_wait, rest_until_));
    if (due_ <= now) {
        serve();
    }
}

void DatagramAudience::on_end() {
    for (int burst = 0; burst < last_bursts_max && !hall_.full(); ++burst) {
        serve();
        if (due_ == Instant::never()) {
            break;
        }
    }
    dismiss({Errc::closed, "the stream ended"});
}

/// Finds out where a viewer goes on; false if there is nothing for it.
bool DatagramAudience::place(DatagramViewing& viewing, Instant now) {
    if (viewing.paused) {
        return false;
    }
    const Entrance* const entrance = log_.newest_entrance();
    // A newcomer gets all from where it was told that it begins.
    if (viewing.caught_up && viewing.cursor != DatagramViewing::none && entrance != nullptr &&
        entrance->offset > viewing.cursor && log_.age_from(viewing.cursor, now) > lag_max) {
        viewing.lapse(entrance->offset);
    }
    if (viewing.cursor == DatagramViewing::none) {
        enter(viewing);
    }
    return viewing.cursor < log_.head();
}

void DatagramAudience::send_front(DatagramViewing& viewing) {
    FrameRuns& fronts = hall_.fronts;
    if (!fronts.begins_at(viewing.cursor)) {
        hall_.flush();
        fronts.read(viewing.front.span(), viewing.cursor);
    }
    for (const FrameRuns::Run& run : fronts.runs()) {
        hall_.send(viewing, fronts, run);
    }
    viewing.front = {};
}

void DatagramAudience::serve() {
    const Instant now = hall_.executor.now();
    due_ = Instant::never();
    disarm();
    if (hall_.full()) {
        return;   // woken when it has room
    }
    hall_.runs.clear();
    hall_.fronts.clear();
    bool behind = false;
    const std::size_t count = viewings_.size();
    for (std::size_t i = 0; i < count && !hall_.full(); ++i) {
        DatagramViewing& viewing = *viewings_[(first_ + i) % count];
        if (!place(viewing, now)) {
            continue;
        }
        if (!hall_.runs.begins_at(viewing.cursor)) {
            hall_.flush();
            const std::uint64_t waits = log_.head() - viewing.cursor;
            const std::uint64_t burst = std::max(burst_max, waits / backlog_share);
            hall_.runs.read(log_, viewing.cursor, viewing.cursor + std::min(waits, burst));
        }
        rest_until_ = now + (hall_.policy.smallest() ? pace : hall_.policy.window());
        if (!viewing.front.empty()) {
            send_front(viewing);
        }
        viewing.cursor = hall_.runs.end();
        for (const FrameRuns::Run& run : hall_.runs.runs()) {
            hall_.send(viewing, hall_.runs, run);
        }
        viewing.caught_up = viewing.caught_up || hall_.runs.end() == log_.head();
        behind = behind || hall_.runs.end() < log_.head();
    }
    hall_.flush();
    ++first_;
    if (behind && !hall_.full()) {
        arm(now + pace);
    }
}

}   // namespace millrace::net
