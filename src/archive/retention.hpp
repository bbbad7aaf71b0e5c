#pragma once

#include "archive/index.hpp"

#include <optional>
#include <vector>

namespace millrace::archive {

/// What is kept. Nothing said: everything, until the disk's floor.
struct Keep {
    std::optional<Duration> age_max;
    std::optional<std::uint64_t> bytes_max;               ///< of all streams
    std::optional<std::uint64_t> stream_bytes_max;        ///< of each
    std::uint64_t free_min = std::uint64_t{256} << 20U;   ///< left free on the disk, whatever else is said
};

/// What retention looks at.
struct Stock {
    struct File {
        std::uint64_t id = 0;
        std::string stream;
        Span span;
        std::uint64_t bytes = 0;
        bool open = false;      ///< being recorded
        bool pinned = false;    ///< somebody wants it kept
        bool unmoved = false;   ///< the bucket that is to have it does not have it yet
        bool unsent = false;    ///< the server of its uplink does not have all of it yet
    };
    std::vector<File> files;
    std::uint64_t free = 0;   ///< bytes of the disk
    /// What time it is; nothing while the clock is not believed, and then nothing is too old.
    std::optional<WallTime> now;
};

/// The files that go, oldest first; never those that are open, pinned or unmoved, and those that are unsent
/// only for want of room, behind all others. A pure function.
std::vector<std::uint64_t> to_remove(const Stock& stock, const Keep& keep);

/// Whether the wall clock can be believed: it moved with the monotonic one since it was last asked. After a
/// jump by more than `jump_max` it is not, until it has gone steadily for `hold`: so a clock that was set to
/// next year deletes nothing before somebody had the time to see the warning.
class ClockTrust {
public:
    static constexpr Duration jump_max = 1h;
    static constexpr Duration hold = 24h;

    /// What time it was when a process before this one, or a recording, last knew: a clock that is more than
    /// `jump_max` away from it at first is not believed either, be it that it was set or that nothing ran.
    void remember(WallTime before) { before_ = before; }
    /// What time it is, or nothing.
    std::optional<WallTime> believe(WallTime utc, Instant now);
    bool holds() const { return held_.has_value(); }

private:
    std::optional<WallTime> before_;
    std::optional<WallTime> utc_;
    Instant at_;
    std::optional<Instant> held_;   // since when it is not believed
};

}   // namespace millrace::archive
