#pragma once

#include "base/mutex.hpp"
#include "base/time.hpp"
#include "hub/segment_list.hpp"

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

namespace millrace::hub {

/// A stream's list in one form, hung out by the stream's home where every worker can read it: who polls then
/// costs nobody a trip. Written by the home alone; any thread reads.
class SegmentBoard {
public:
    /// From now on this is the list; null: whoever wants it must ask the home.
    void show(SegmentListRef list) {
        const MutexLock lock{mutex_};
        list_ = std::move(list);
    }
    SegmentListRef list() const {
        const MutexLock lock{mutex_};
        return list_;
    }

    void note_list(Instant now) { listed_.store(now.nanoseconds(), std::memory_order_relaxed); }
    void note_fetch(Instant now) { fetched_.store(now.nanoseconds(), std::memory_order_relaxed); }
    /// When the last worker read a list here, and anything; the clock's beginning: nobody has.
    Instant listed() const { return Instant::from_nanoseconds(listed_.load(std::memory_order_relaxed)); }
    Instant read() const {
        return std::max(listed(), Instant::from_nanoseconds(fetched_.load(std::memory_order_relaxed)));
    }

private:
    mutable Mutex mutex_;
    SegmentListRef list_ MILLRACE_GUARDED_BY(mutex_);
    std::atomic<std::int64_t> listed_ = 0;    // nanoseconds of Instant
    std::atomic<std::int64_t> fetched_ = 0;   // likewise
};
using SegmentBoardRef = std::shared_ptr<SegmentBoard>;

/// What a viewer who polls has asked for and was sent, counted by each worker that serves it. The stream's
/// home reads it, and says when it counts no more. Any thread.
class PollTally {
public:
    explicit PollTally(Instant now) : last_{now.nanoseconds()} {}

    void count_request(Instant now) {
        requests_.fetch_add(1, std::memory_order_relaxed);
        last_.store(now.nanoseconds(), std::memory_order_relaxed);
    }
    void count_sent(std::size_t bytes) { bytes_.fetch_add(bytes, std::memory_order_relaxed); }
    std::uint64_t requests() const { return requests_.load(std::memory_order_relaxed); }
    std::uint64_t bytes() const { return bytes_.load(std::memory_order_relaxed); }
    Instant last() const { return Instant::from_nanoseconds(last_.load(std::memory_order_relaxed)); }

    /// The viewer was sent away or has left: its next request is for the home to judge.
    void close() { open_.store(false, std::memory_order_relaxed); }
    bool is_open() const { return open_.load(std::memory_order_relaxed); }

private:
    std::atomic<std::uint64_t> requests_ = 0;
    std::atomic<std::uint64_t> bytes_ = 0;
    std::atomic<std::int64_t> last_;   // nanoseconds of Instant
    std::atomic<bool> open_ = true;
};
using PollTallyRef = std::shared_ptr<PollTally>;

/// What a viewer who polls needs to be served without asking the stream's home, which fills it in.
struct SegmentSeat {
    SegmentBoardRef board;   ///< null: there is none, ask the home
    PollTallyRef viewer;     ///< likewise

    bool is_open() const { return board != nullptr && viewer != nullptr && viewer->is_open(); }
};

/// The seats of those who poll by one worker. Own thread only.
class SegmentSeats {
public:
    static constexpr std::size_t seats_max = 32'768;   ///< then all are forgotten: the homes give new ones

    /// The seat of that viewer at that stream's form if it is open, or null. It stands until the next `keep`.
    const SegmentSeat* find(std::string_view stream, std::string_view form, std::string_view viewer_key);
    void keep(std::string_view stream, std::string_view form, std::string_view viewer_key, SegmentSeat seat);
    std::size_t size() const { return seats_.size(); }

private:
    struct Hash {
        using is_transparent = void;
        std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    };
    std::string_view key(std::string_view stream, std::string_view form, std::string_view viewer_key);
    void make_room();

    std::string key_;   // of the last look-up: its memory is used again
    std::unordered_map<std::string, SegmentSeat, Hash, std::equal_to<>> seats_;
    std::size_t sweep_at_ = 64;   // then those that are closed go
};

}   // namespace millrace::hub
