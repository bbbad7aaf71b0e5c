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

std::optional<std::int64_t> ReorderBuffer::number(std::uint16_t sequence) {
    if (!follows(sequence)) {
        ++counters_.late;
        return std::nullopt;
    }
    const bool first = !highest_;
    const std::int64_t extended = numbers_.extend(sequence);
    if (first) {
        next_ = extended;
    }
    highest_ = first ? extended : std::max(*highest_, extended);
    numbers_.see(*highest_);
    return extended;
}

ReorderBuffer::Place ReorderBuffer::place_at(std::int64_t sequence) {
    const auto lost = static_cast<std::uint64_t>(sequence - next_);
    counters_.lost += lost;
    next_ = sequence + 1;
    return {.sequence = sequence, .lost = lost, .restarted = std::exchange(restarted_, false)};
}

std::optional<ReorderBuffer::Place> ReorderBuffer::pass(std::uint16_t sequence) {
    const std::optional<std::int64_t> extended = number(sequence);
    if (extended && *extended < next_) {
        ++counters_.late;
        return std::nullopt;
    }
    return extended ? std::optional{place_at(*extended)} : std::nullopt;
}

void ReorderBuffer::push(ByteSpan packet, std::uint16_t sequence, Instant now) {
    const std::optional<std::int64_t> numbered = number(sequence);
    if (!numbered) {
        return;
    }
    const std::int64_t extended = *numbered;
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
    return {place_at(slot.sequence), std::move(slot.packet), slot.arrival};
}

std::optional<ReorderBuffer::Released> ReorderBuffer::pop(Instant now) {
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
