#pragma once

#include "media/access_unit.hpp"

#include <deque>
#include <map>

namespace millrace::hub {

/// The newest live units of an uplinked stream, as its edge sent them: what its archive's link need not carry
/// again. They share the memory of what the stream has. One owner.
class RecentUnits {
public:
    static constexpr std::int64_t kept_us = 10'000'000;
    static constexpr std::size_t bytes_max = 8U << 20U;
    static constexpr std::size_t units_max = 8'192;

    /// What is older than the bounds let stay is forgotten.
    void take(media::AccessUnitRef unit);
    /// Null: it did not come, or is forgotten; the time is in the track's ticks.
    media::AccessUnitRef find(media::TrackId track, std::int64_t dts) const;
    /// Whether all that was sent of that time must be here, on the edge's media time; not yet: it may come.
    enum class Cover : std::uint8_t { no, not_yet, yes };
    Cover covers(std::int64_t begin_us, std::int64_t end_us) const;
    /// Nothing before that is asked for again.
    void forget_before(std::int64_t us);
    /// The latest that came; zero: none did.
    std::int64_t newest_us() const { return newest_us_; }
    std::size_t bytes() const { return bytes_; }

private:
    using Key = std::pair<media::TrackId, std::int64_t>;
    struct Arrival {
        Key key;
        std::int64_t us = 0;
    };

    void forget_oldest();

    std::map<Key, media::AccessUnitRef> units_;
    std::deque<Arrival> order_;   // as they came
    std::int64_t newest_us_ = 0;
    std::size_t bytes_ = 0;
};

}   // namespace millrace::hub
