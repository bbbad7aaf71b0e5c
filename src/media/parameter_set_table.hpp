#pragma once

#include "base/bytes.hpp"

#include <algorithm>
#include <cstdint>
#include <map>
#include <vector>

namespace millrace::media {

/// The parameter sets of one kind, by their id, each with what was read from it. As many as the kind has ids.
template <class Parsed>
class ParameterSetTable {
public:
    const Parsed* find(std::uint8_t id) const {
        const auto found = entries_.find(id);
        return found == entries_.end() ? nullptr : &found->second.parsed;
    }
    /// False when the set of that id is already this one.
    bool put(ByteSpan nal, const Parsed& parsed) {
        const auto found = entries_.find(parsed.id);
        if (found != entries_.end() && std::ranges::equal(found->second.nal, nal)) {
            return false;
        }
        entries_.insert_or_assign(parsed.id, Entry{Bytes::copy(nal), parsed});
        return true;
    }

    bool empty() const { return entries_.empty(); }
    /// In order of their ids.
    std::vector<Parsed> all() const {
        std::vector<Parsed> all;
        for (const auto& [id, entry] : entries_) {
            all.push_back(entry.parsed);
        }
        return all;
    }
    std::vector<Bytes> nals() const {
        std::vector<Bytes> all;
        for (const auto& [id, entry] : entries_) {
            all.push_back(entry.nal);
        }
        return all;
    }
    std::size_t bytes() const {
        std::size_t sum = 0;
        for (const auto& [id, entry] : entries_) {
            sum += entry.nal.size();
        }
        return sum;
    }

private:
    struct Entry {
        Bytes nal;
        Parsed parsed;
    };
    std::map<std::uint8_t, Entry> entries_;
};

}   // namespace millrace::media
