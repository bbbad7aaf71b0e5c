#pragma once

#include "base/result.hpp"
#include "session/still.hpp"

#include <list>
#include <map>
#include <optional>

namespace millrace::session {

/// The pictures made last, and what went wrong with those that could not be made. The least recently asked
/// for goes first. Owned by Stills; own thread only.
class StillCache {
public:
    static constexpr std::size_t bytes_max = std::size_t{64} << 20U;
    static constexpr std::size_t entries_max = 4096;
    /// What a picture weighs beside its bytes.
    static constexpr std::size_t entry_bytes = 512;

    struct Entry {
        StillRef still;                 ///< the newest that could be made, or null
        std::optional<Error> trouble;   ///< why the last one could not be made
        Instant at;                     ///< of the last try
        Duration good_for{0};           ///< from then on it is given as it is
    };

    /// What is known of it, or null; it counts as asked for. Valid until the next change.
    const Entry* find(const StillKey& key);
    /// When, and for how long it is good.
    struct Span {
        Instant now;
        Duration good_for{0};
    };
    void keep(const StillKey& key, StillRef still, Span span);
    /// An earlier picture stays.
    void keep(const StillKey& key, Error trouble, Span span);

    std::size_t bytes() const { return bytes_; }
    std::size_t size() const { return order_.size(); }

private:
    struct Place {
        StillKey key;
        Entry entry;
    };
    using Order = std::list<Place>;   // the one asked for last is first

    static std::size_t weight(const Place& place);
    Entry& entry_of(const StillKey& key);
    void shrink();

    Order order_;
    std::map<StillKey, Order::iterator> places_;
    std::size_t bytes_ = 0;
};

}   // namespace millrace::session
