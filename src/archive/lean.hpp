#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <functional>
#include <optional>

namespace millrace::archive {

// A fragment's records for one who has most of what is in them already:
//
//   how u8 | head of the record | how 0: body up to the header of its mdat, which is the last; 1: body;
//                                 2: id of the first event u32 | for each event: pts s64 | key u64
//                                 (media::key_of)

/// Samples of chunks with fewer bytes stay in.
constexpr std::size_t lean_samples_min = 32;

/// The fragment's records, which are as they were written, without their samples and results. Empty: none
/// would go.
Bytes lean_records(ByteSpan records, std::uint64_t file);

/// What came live.
struct LiveMedia {
    /// The unit of a track with that decode time, or null.
    std::function<media::AccessUnitRef(media::TrackId track, std::int64_t dts)> unit;
    /// The message with that `media::key_of`, if it came; its time on the timeline is not asked
    /// for.
    std::function<std::optional<media::TimedMessage>(std::uint64_t key)> message;
};

/// The records with their samples and results in again, `size` bytes; whether they are what they were only
/// their hash can tell. Errc::would_block: a result is not there, and may still come; not_found: a unit is
/// not, or is another; malformed; exhausted: more than `size`.
Result<Bytes> fill_records(ByteSpan lean, std::uint64_t file, std::size_t size, const LiveMedia& live);

}   // namespace millrace::archive
