#include "session/still_cache.hpp"

namespace millrace::session {

std::size_t StillCache::weight(const Place& place) {
    return entry_bytes + (place.entry.still == nullptr ? 0 : place.entry.still->jpeg.size());
}

const StillCache::Entry* StillCache::find(const StillKey& key) {
    const auto found = places_.find(key);
    if (found == places_.end()) {
        return nullptr;
    }
    order_.splice(order_.begin(), order_, found->second);
    return &found->second->entry;
}

void StillCache::keep(const StillKey& key, StillRef still, Span span) {
    entry_of(key) = {std::move(still), std::nullopt, span.now, span.good_for};
    bytes_ += weight(order_.front());
    shrink();
}

void StillCache::keep(const StillKey& key, Error trouble, Span span) {
    Entry& entry = entry_of(key);
    entry.trouble = trouble;
    entry.at = span.now;
    entry.good_for = span.good_for;
    bytes_ += weight(order_.front());
    shrink();
}

/// The entry, first in the order and taken out of the count of bytes.
StillCache::Entry& StillCache::entry_of(const StillKey& key) {
    if (find(key) != nullptr) {
        bytes_ -= weight(order_.front());
    } else {
        order_.push_front({key, {}});
        places_[key] = order_.begin();
    }
    return order_.front().entry;
}

void StillCache::shrink() {
    while (order_.size() > 1 && (bytes_ > bytes_max || order_.size() > entries_max)) {
        bytes_ -= weight(order_.back());
        places_.erase(order_.back().key);
        order_.pop_back();
    }
}

}   // namespace millrace::session
