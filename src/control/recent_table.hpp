#pragma once

#include "base/check.hpp"

#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace millrace::control {

/// A map of at most `size_max` entries: a new one beyond that pushes out the oldest. One thread.
template <class Key, class Value>
class RecentTable {
public:
    explicit RecentTable(std::size_t size_max) : size_max_{size_max} {
        check(size_max > 0, "a table holds something");
    }

    /// Null if it is not there (any more). Valid until the next `put`, `erase` or `clear`.
    Value* find(const Key& key) {
        const auto found = places_.find(key);
        return found == places_.end() ? nullptr : &found->second->second;
    }
    /// Replaces what is there; the entry is then the newest.
    Value& put(const Key& key, Value value) {
        erase(key);
        if (entries_.size() == size_max_) {
            places_.erase(entries_.front().first);
            entries_.pop_front();
        }
        entries_.emplace_back(key, std::move(value));
        places_.emplace(key, std::prev(entries_.end()));
        return entries_.back().second;
    }
    void erase(const Key& key) {
        if (const auto found = places_.find(key); found != places_.end()) {
            entries_.erase(found->second);
            places_.erase(found);
        }
    }
    void clear() {
        places_.clear();
        entries_.clear();
    }
    std::size_t size() const { return entries_.size(); }

private:
    using Entries = std::list<std::pair<Key, Value>>;

    const std::size_t size_max_;
    Entries entries_;   // oldest first
    std::unordered_map<Key, typename Entries::iterator> places_;
};

}   // namespace millrace::control
