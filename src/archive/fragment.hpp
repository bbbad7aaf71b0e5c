#pragma once

#include "archive/record.hpp"

#include <optional>

namespace millrace::archive {

/// A run of chunks in a file that begins where a segment of the run begins, mostly with a key frame: the unit
/// that is indexed, listed and played.
struct Fragment {
    std::uint64_t number = 0;   ///< of the segment, in its run
    std::uint64_t offset = 0;   ///< in the file
    std::uint64_t size = 0;     ///< with the heads of its records
    WallTime utc;
    std::int64_t media_us = 0;   ///< decode time of its first unit on the run's timeline
    std::int64_t duration_us = 0;
    bool key = false;
    bool discontinuity = false;
    bool damaged = false;   ///< a record of it is not as it was written
    bool operator==(const Fragment&) const = default;
};

/// Makes fragments of a file's records, told in order: the same for who writes a file and who reads it again.
/// One that came by an uplink is whole, or it is none: it will be sent again.
class FragmentTally {
public:
    /// A chunk stands whole at `offset`. The fragment that it ends, if it begins another.
    std::optional<Fragment> add(const RecordHead& head, std::uint64_t offset);
    /// Something that is not readable stands behind the last record: the fragment ends with what is whole in
    /// front of it, and what is left of it behind is left out.
    void harm();
    /// The one under way, as far as it goes.
    const std::optional<Fragment>& open() const { return open_; }
    /// Nothing follows.
    std::optional<Fragment> finish();

private:
    std::optional<Fragment> open_;
    media::TrackId lead_ = 0;   // whose chunks say how long it is
    bool whole_ = true;         // or nothing may be missing, and its end did not come
    bool harmed_ = false;       // what follows up to the next beginning is left out
};

}   // namespace millrace::archive
