#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>

namespace millrace {

/// Of the pictures of a log, those that a viewer was sent and those that it was not, from its first entrance
/// on. Counts are the log's (LogView::pictures_until).
class SentPictures {
public:
    /// It goes on here: what lies between is skipped.
    void begin(std::uint64_t count) {
        skipped_ += left_at_ ? count - *left_at_ : 0;
        from_ = count;
        left_at_.reset();
    }
    /// It has left the log here, and may begin elsewhere.
    void end(std::uint64_t count) {
        if (from_) {
            sent_ += count - *from_;
            left_at_ = count;
            from_.reset();
        }
    }
    /// Where the viewer's place is at this count.
    std::uint64_t sent(std::uint64_t count) const { return sent_ + (from_ ? count - *from_ : 0); }
    /// Of a log that has so many, those behind its place.
    std::uint64_t waiting(std::uint64_t count, std::uint64_t head) const {
        return from_ ? head - count : left_at_ ? head - *left_at_ : 0;
    }
    std::uint64_t skipped() const { return skipped_; }

private:
    std::uint64_t sent_ = 0;   // before it left
    std::uint64_t skipped_ = 0;
    std::optional<std::uint64_t> from_;      // where it began, while it follows the log
    std::optional<std::uint64_t> left_at_;   // while it does not
};

/// A viewer's place at a log, given by the hub and held by whoever serves the viewer (the fan-out). While it
/// lives the log's view lives; destroying it frees the place. Own executor only.
class Seat {
public:
    static constexpr std::uint64_t nowhere = UINT64_MAX;
    struct Counters {
        std::uint64_t bytes_out = 0;   ///< handed to the kernel
        std::uint64_t writes = 0;      ///< calls that handed it over
        std::uint64_t skips = 0;       ///< times it was moved on to a key frame
        std::uint64_t bytes_skipped = 0;
        SentPictures pictures;
        bool blocked = false;            ///< its link takes nothing now
        std::uint64_t place = nowhere;   ///< its offset in the log: what lies behind it waits to be sent
    };

    virtual ~Seat() = default;
    /// Why the viewing ends; called once, before destruction.
    virtual void leave(Error reason) = 0;

    Counters counters;
    /// One whose link takes less than there is goes on at a newer key frame where it is further behind.
    Duration lag_max = 3s;
};

}   // namespace millrace
