#include "protocol/rtp/reorder_buffer.hpp"

#include <algorithm>
#include <utility>

namespace millrace::rtp {

void ReorderBuffer::clear() {
    for (Slot& slot : slots_) {
        slot.full = false;
    }
    held_ = held_bytes_ = 0;
}

void ReorderBuffer::restart() {
    clear();
    restarted_ = restarted_ || highest_.has_value();
    highest_.reset();
    numbers_.reset();
    probation_.reset();
}

/// Whether a packet belongs to the numbers so far. One that is far from them is dropped, and starts them anew
/// if the next one follows it.
bool ReorderBuffer::follows(std::uint16_t sequence) {
    if (!highest_) {
        return true;
    }
    const std::int64_t extended = numbers_.extend(sequence);
    if (extended <= *highest_ + jump && extended >= *highest_ - jump) {
        probation_.reset();
        return true;
    }
    if (probation_ == sequence) {
        restart();
        ++counters_.restarts;
        return true;
    }
    probation_ = static_cast<std::uint16_t>(sequence + 1);
    return false;
}

void ReorderBuffer::push_straight(ByteSpan packet, std::int64_t sequence, Instant now) {
    if (sequence < next_) {
        ++counters_.late;
        return;
    }
    const auto lost = static_cast<std::uint64_t>(sequence - next_);
    counters_.lost += lost;
    next_ = sequence + 1;
    straight_.push_back({.packet = {packet.begin(), packet.end()},
                         .sequence = sequence,
                         .lost = lost,
                         .restarted = std::exchange(restarted_, false),
                         .arrival = now});
}

void ReorderBuffer::push(ByteSpan packet, std::uint16_t sequence, Instant now) {
    if (!follows(sequence)) {
        ++counters_.late;
        return;
    }
    const bool first = !highest_;
    const std::int64_t extended = numbers_.extend(sequence);
    if (first) {
        next_ = extended;
    }
    highest_ = first ? extended : std::max(*highest_, extended);
    numbers_.see(*highest_);
    if (slots_.empty()) {
        push_straight(packet, extended, now);
        return;
    }
    if (extended < next_) {
        ++counters_.late;
        return;
    }
    if (extended >= next_ + 2 * static_cast<std::int64_t>(packets_max)) {
        clear();   // so far ahead that nothing before it will come: pop() counts it as lost
    }
    Slot& slot = slots_[static_cast<std::size_t>(extended) % packets_max];
    if (slot.full) {
        if (slot.sequence == extended) {
            ++counters_.late;
            return;
        }
        held_bytes_ -= slot.packet.size();   // its room is needed: it is lost with what it waited for
        --held_;
    }
    counters_.reordered += extended < *highest_ ? 1 : 0;
    slot.packet.assign(packet.begin(), packet.end());
    slot.sequence = extended;
    slot.arrival = now;
    slot.full = true;
    ++held_;
    held_bytes_ += packet.size();
}

std::optional<std::int64_t> ReorderBuffer::earliest() const {
    std::optional<std::int64_t> found;
    for (const Slot& slot : slots_) {
        if (slot.full && (!found || slot.sequence < *found)) {
            found = slot.sequence;
        }
    }
    return found;
}

ReorderBuffer::Released ReorderBuffer::release(Slot& slot) {
    slot.full = false;
    --held_;
    held_bytes_ -= slot.packet.size();
    const auto lost = static_cast<std::uint64_t>(slot.sequence - next_);
    counters_.lost += lost;
    next_ = slot.sequence + 1;
    return {.packet = std::move(slot.packet),
            .sequence = slot.sequence,
            .lost = lost,
            .restarted = std::exchange(restarted_, false),
            .arrival = slot.arrival};
}

std::optional<ReorderBuffer::Released> ReorderBuffer::pop(Instant now) {
    if (!straight_.empty()) {
        Released released = std::move(straight_.front());
        straight_.erase(straight_.begin());
        return released;
    }
    if (held_ == 0) {
        return std::nullopt;
    }
    Slot& next = slots_[static_cast<std::size_t>(next_) % packets_max];
    if (next.full && next.sequence == next_) {
        return release(next);
    }
    const bool full = *highest_ - next_ >= static_cast<std::int64_t>(packets_max) || held_bytes_ > bytes_max;
    if (!full && now < deadline()) {
        return std::nullopt;
    }
    return release(slots_[static_cast<std::size_t>(*earliest()) % packets_max]);
}

Instant ReorderBuffer::deadline() const {
    Instant first = Instant::never();
    if (held_ == 0) {
        return first;
    }
    for (const Slot& slot : slots_) {
        if (slot.full) {
            first = std::min(first, slot.arrival);
        }
    }
    return first + wait_max_;
}

}   // namespace millrace::rtp
