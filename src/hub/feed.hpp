#pragma once

#include "base/check.hpp"
#include "base/time.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

namespace millrace::hub {

/// How much a feed keeps. The first three bound what it keeps for newcomers (the GOP cache), the last two
/// what it keeps for a Reservation that has not read it yet.
struct FeedLimits {
    Duration age_max = 10s;
    std::size_t bytes_max = 8U << 20U;
    std::size_t items_max = 16384;
    Duration reserved_age_max = 30s;
    std::size_t reserved_bytes_max = 64U << 20U;
};

/// The live edge of one stream: a bounded log that its home worker appends to and cursors read. It is queue,
/// GOP cache and slow-reader rule at once. Own thread only.
template <class Item>
class Feed {
public:
    using Ref = std::shared_ptr<const Item>;
    class Cursor;
    class Reservation;

    Feed() = default;
    explicit Feed(FeedLimits limits) : limits_{limits} {}
    Feed(const Feed&) = delete;
    Feed& operator=(const Feed&) = delete;

    /// `entrance`: a reader may begin with this item. `bytes`: what it weighs.
    void append(Ref item, std::size_t bytes, bool entrance, Instant now) {
        if (entrance) {
            entrance_ = end();
        }
        items_.push_back({std::move(item), bytes, now});
        bytes_ += bytes;
    }

    /// Forgets what is older than the newest group or beyond the limits. Call it after each batch, when the
    /// readers who keep up have read it.
    void trim(Instant now) {
        const std::uint64_t wanted = std::min(newest_entrance().value_or(end()), kept_from_.value_or(end()));
        std::uint64_t reserved = end();
        for (const Reservation* reservation : reservations_) {
            reserved = std::min(reserved, reservation->place_);
        }
        while (!items_.empty()) {
            const Duration age = now - items_.front().at;
            const bool cached = first_ >= wanted && age <= limits_.age_max && bytes_ <= limits_.bytes_max &&
                                items_.size() <= limits_.items_max;
            const bool claimed =
                first_ >= reserved && age <= limits_.reserved_age_max && bytes_ <= limits_.reserved_bytes_max;
            if (cached || claimed) {
                return;
            }
            bytes_ -= items_.front().bytes;
            items_.pop_front();
            ++first_;
        }
    }

    /// Keeps what lies from `place` on for newcomers as well, whatever entrance follows: the place where the
    /// segment before the one under way begins.
    void keep_from(std::uint64_t place) { kept_from_ = place; }
    /// The earliest of the last `count_max` items that `belongs`, or the place behind the last.
    template <class Belongs>
    std::uint64_t earliest_of_last(std::size_t count_max, Belongs belongs) const {
        std::uint64_t earliest = end();
        for (std::size_t back = 1; back <= std::min(count_max, items_.size()); ++back) {
            if (belongs(*items_[items_.size() - back].item)) {
                earliest = end() - back;
            }
        }
        return earliest;
    }
    /// Forgets everything; places go on.
    void clear() {
        first_ = end();
        items_.clear();
        bytes_ = 0;
        entrance_.reset();
        kept_from_.reset();
    }

    std::uint64_t begin() const { return first_; }
    std::uint64_t end() const { return first_ + items_.size(); }
    std::size_t bytes() const { return bytes_; }
    /// Where a form that is made of segments begins: at that place, or at what is left behind it.
    std::uint64_t kept_from() const { return std::max(kept_from_.value_or(end()), first_); }
    /// Where a reader begins; nothing before the first entrance, or when its group outgrew the limits.
    std::optional<std::uint64_t> newest_entrance() const {
        return entrance_ && *entrance_ >= first_ ? entrance_ : std::nullopt;
    }

private:
    struct Slot {
        Ref item;
        std::size_t bytes;
        Instant at;
    };

    FeedLimits limits_;
    std::deque<Slot> items_;
    std::uint64_t first_ = 0;                 // the place of items_.front()
    std::optional<std::uint64_t> entrance_;   // the newest one
    std::optional<std::uint64_t> kept_from_;
    std::size_t bytes_ = 0;
    std::vector<Reservation*> reservations_;
};

/// One reader's place in a feed. A reader that was lapped goes on at the newest entrance and counts what it
/// missed. The feed outlives it.
template <class Item>
class Feed<Item>::Cursor {
public:
    /// Begins at the newest entrance, or waits for the next one.
    explicit Cursor(const Feed& feed) : feed_{feed} { seek(); }
    /// Begins at `place`.
    Cursor(const Feed& feed, std::uint64_t place) : feed_{feed}, place_{place} {}

    /// The next item, or null at the live edge.
    Ref next() {
        if (!place_ || *place_ < feed_.first_) {
            const std::uint64_t from = place_.value_or(waited_from_);
            if (!seek()) {
                return nullptr;
            }
            skipped_ += *place_ - from;
        }
        return *place_ < feed_.end() ? feed_.items_[(*place_)++ - feed_.first_].item : nullptr;
    }

    /// Items missed so far.
    std::uint64_t skipped() const { return skipped_; }

private:
    bool seek() {
        const std::optional<std::uint64_t> entrance = feed_.newest_entrance();
        if (!entrance) {
            waited_from_ = place_ ? *place_ : feed_.end();
            place_.reset();
            return false;
        }
        place_ = entrance;
        return true;
    }

    const Feed& feed_;
    std::optional<std::uint64_t> place_;   // nothing while it waits for an entrance
    std::uint64_t waited_from_ = 0;
    std::uint64_t skipped_ = 0;
};

/// A recorder's or uplink's claim: what it has not read stays in the feed, up to the feed's reserved limits;
/// beyond them the oldest goes and is counted in `lost()`. Reads from where it was made. The feed outlives
/// it.
template <class Item>
class Feed<Item>::Reservation {
public:
    explicit Reservation(Feed& feed) : feed_{feed}, place_{feed.newest_entrance().value_or(feed.end())} {
        feed_.reservations_.push_back(this);
    }
    Reservation(const Reservation&) = delete;
    Reservation& operator=(const Reservation&) = delete;
    ~Reservation() { std::erase(feed_.reservations_, this); }

    Ref next() {
        if (place_ < feed_.first_) {
            lost_ += feed_.first_ - place_;
            place_ = feed_.first_;
        }
        return place_ < feed_.end() ? feed_.items_[place_++ - feed_.first_].item : nullptr;
    }

    /// Lets go what nobody will want: moves on to `lead` items before the last one of those that came at
    /// `until` or earlier which `begins`, and shows `passed` each that it leaves. What the feed's limits took
    /// meanwhile is not lost.
    template <class Begins, class Passed>
    void let_go(Instant until, std::size_t lead, Begins begins, Passed passed) {
        place_ = std::max(place_, feed_.first_);
        std::uint64_t begin = place_;
        for (std::uint64_t at = place_; at < feed_.end() && slot(at).at <= until; ++at) {
            begin = begins(*slot(at).item) ? at : begin;
        }
        for (; place_ + lead < begin; ++place_) {
            passed(*slot(place_).item);
        }
    }

    std::uint64_t unread() const { return feed_.end() - place_; }
    /// How much that is, and when its first came. Looks at each.
    std::size_t unread_bytes() const {
        std::size_t bytes = 0;
        for (std::uint64_t at = std::max(place_, feed_.first_); at < feed_.end(); ++at) {
            bytes += slot(at).bytes;
        }
        return bytes;
    }
    std::optional<Instant> unread_since() const {
        const std::uint64_t at = std::max(place_, feed_.first_);
        return at < feed_.end() ? std::optional{slot(at).at} : std::nullopt;
    }
    /// Items that were dropped before it read them; each is a gap with a cause.
    std::uint64_t lost() const { return lost_; }

private:
    friend class Feed;
    const Slot& slot(std::uint64_t at) const { return feed_.items_[at - feed_.first_]; }

    Feed& feed_;
    std::uint64_t place_;
    std::uint64_t lost_ = 0;
};

}   // namespace millrace::hub
