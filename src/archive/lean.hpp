#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <functional>

namespace millrace::archive {

// A fragment's records for one who has most of its samples already:
//
//   whole u8 | head of the record | whole 1: body; 0: body up to the header of its mdat, which is the last

/// Samples of chunks with fewer bytes stay in.
constexpr std::size_t lean_samples_min = 32;

/// The fragment's records, which are as they were written, without their samples. Empty: none would go.
Bytes lean_records(ByteSpan records, std::uint64_t file);

/// The unit of a track with that decode time, or null.
using FindUnit = std::function<media::AccessUnitRef(media::TrackId track, std::int64_t dts)>;

/// The records with their samples in again, `size` bytes; whether they are what they were only their hash
/// can tell. Errc::not_found: a unit is not there; malformed; exhausted: more than `size`.
Result<Bytes> fill_records(ByteSpan lean, std::uint64_t file, std::size_t size, const FindUnit& find);

}   // namespace millrace::archive
