#include "net/fan_out_audience.hpp"

#include "net/fan_out_hall.hpp"
#include "net/fan_out_viewing.hpp"

#include <algorithm>

namespace millrace::net {

namespace {

/// The last multiple of the tick; not before `now`.
Instant on_tick(Instant when, Instant now) {
    return std::max(
        now, Instant::from_nanoseconds(when.nanoseconds() / Audience::tick.count() * Audience::tick.count()));
}

}   // namespace

Audience::Audience(LogView& log, Hall& hall) : log_{log}, hall_{hall}, slots_(1), head_{log.head()} {
    log_.listen(*this);
}

Audience::~Audience() {
    log_.stop_listening(*this);
}

void Audience::add(Viewing& viewing) {
    ++size_;
    put(viewing);
    if (slots_.size() < slots_max && size_ >= slot_size_min * (slots_.size() + 1)) {
        share_out(slots_.size() + 1);
    }
}

void Audience::remove(Viewing& viewing) {
    std::vector<Viewing*>& viewings = slots_[viewing.slot].viewings;
    viewings[viewing.index] = viewings.back();
    viewings[viewing.index]->index = viewing.index;
    viewings.pop_back();
    --size_;
    // Half a slot of slack, so that one who comes and goes does not move all the others.
    if (slots_.size() > 1 && size_ + slot_size_min / 2 < slot_size_min * slots_.size()) {
        share_out(slots_.size() - 1);
    }
}

void Audience::put(Viewing& viewing) {
    const auto slot = std::min_element(slots_.begin(), slots_.end(), [](const Slot& a, const Slot& b) {
        return a.viewings.size() < b.viewings.size();
    });
    viewing.slot = static_cast<std::uint32_t>(slot - slots_.begin());
    viewing.index = static_cast<std::uint32_t>(slot->viewings.size());
    slot->viewings.push_back(&viewing);
}

/// Deals everybody out anew. All slots are due when the first of them was: nobody is served later for it.
void Audience::share_out(std::size_t slots) {
    std::vector<Slot> before = std::exchange(slots_, std::vector<Slot>(slots));
    Instant due = Instant::never();
    Instant served;
    for (const Slot& slot : before) {
        due = std::min(due, slot.due);
        served = std::max(served, slot.served);
        for (Viewing* viewing : slot.viewings) {
            put(*viewing);
        }
    }
    for (Slot& slot : slots_) {
        slot.due = due;
        slot.served = served;
    }
}

void Audience::dismiss(Error reason) {
    for (const Slot& slot : slots_) {
        for (Viewing* viewing : slot.viewings) {
            viewing->leave(reason);
        }
    }
}

void Audience::reads_from(std::uint64_t offset) {
    lowest_ = std::min(lowest_, offset);
}

void Audience::on_trim(std::uint64_t tail) {
    // Everybody is looked at only when the tail reaches the one who was last: every few seconds.
    if (tail <= lowest_) {
        return;
    }
    const Instant now = hall_.executor.now();
    std::uint64_t lowest = Viewing::none;
    for (const Slot& slot : slots_) {
        for (Viewing* viewing : slot.viewings) {
            viewing->before_trim(tail, now);
            lowest = std::min(lowest, viewing->needed_from());
        }
    }
    lowest_ = lowest;
}

void Audience::on_advance(bool flush) {
    if (log_.head() == std::exchange(head_, log_.head()) && !flush) {
        return;
    }
    const Instant now = hall_.executor.now();
    const Duration window = hall_.policy.window();
    for (std::size_t i = 0; i < slots_.size(); ++i) {
        Slot& slot = slots_[i];
        const auto turn = static_cast<std::int64_t>((i + first_) % slots_.size());
        const Duration wait = flush ? window * turn / static_cast<std::int64_t>(slots_max) : sound_wait;
        const Instant earliest = hall_.policy.smallest() ? now : slot.served + window;
        slot.due = std::min(slot.due, std::max(on_tick(now + wait, now), earliest));
    }
    serve_due(now);
}

void Audience::on_end() {
    on_advance(true);
}

void Audience::on_time() {
    serve_due(hall_.executor.now());
}

void Audience::serve_due(Instant now) {
    Instant next = Instant::never();
    for (Slot& slot : slots_) {
        if (slot.due <= now) {
            serve(slot, now);
        }
        next = std::min(next, slot.due);
    }
    hall_.executor.timers().arm(*this, next);
}

void Audience::serve(Slot& slot, Instant now) {
    slot.due = Instant::never();
    slot.served = now;
    const std::size_t count = slot.viewings.size();
    const auto viewing = [&slot, count](std::size_t i) { return slot.viewings[(slot.first + i) % count]; };
    for (std::size_t i = 0; i < count; ++i) {
        // A write runs through so much of the kernel that the next viewer's lines are cold again.
        viewing(i + 2)->fetch();
        viewing(i + 1)->fetch_link();
        viewing(i)->flush(now);
    }
    ++slot.first;
}

}   // namespace millrace::net
