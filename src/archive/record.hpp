#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"
#include "media/track.hpp"

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace millrace::archive {

// A file of the archive is records, one behind the other, each a head and a body. The head is a `uuid` box
// and the body is boxes too (ISO/IEC 14496-12 §4.2), so that the file is fragmented MP4 for anybody's player:
//
//   size u32 = 84 | "uuid" | record_id 16 bytes
//   version u8 = 1 | kind u8 | track u8 | flags u8 | body size u32 | CRC-32C of the body u32
//   number u64 (0, 1, 2, … in the file) | fragment u64 | dts s64 | duration s64 | timescale u32
//   UTC in microseconds s64 | CRC-32C of the file's id and the head before this u32
//
//   kind 1, begins the file:   free box with FileFacts | ftyp moov
//                              facts: stream run codecs cause, each with its size u16 | before_end s64 |
//                              first_begin s64, in microseconds of UTC; both, or neither
//   kind 2, a chunk:           [prft] moof mdat of one track
//                              of the track `results_track` emsg, one or more: what was said of the pictures
//   kind 3, the file is done:  free box with the cause
//
// The file's id in the checksum: a record that another file left on the same blocks is none of this one.

// An id has 40 bits. Above them stands whose file it is, where the archives of several nodes are shown as one
// (`catalogue.hpp`); no checksum has that.

constexpr unsigned file_id_bits = 40;
constexpr std::uint64_t own_id(std::uint64_t file) {
    return file & ((UINT64_C(1) << file_id_bits) - 1);
}
constexpr std::uint64_t node_of(std::uint64_t file) {
    return file >> file_id_bits;
}

constexpr std::size_t head_size = 84;
constexpr std::size_t body_size_max = std::size_t{80} << 20U;
constexpr std::array<unsigned char, 16> record_id{0x6D, 0x69, 0x6C, 0x6C, 0x72, 0x61, 0x63, 0x65,
                                                  0x9E, 0x41, 0x4B, 0x0A, 0x8C, 0x1D, 0x52, 0xE7};

/// No track of media has this number: a chunk of it is results, behind the media that it was said of.
constexpr media::TrackId results_track = 0xFF;

enum class RecordKind : std::uint8_t { file = 1, chunk = 2, seal = 3 };

/// The head of a record.
struct RecordHead {
    static constexpr std::uint8_t begins_fragment = 1;
    static constexpr std::uint8_t key = 2;              ///< begins with a key frame
    static constexpr std::uint8_t discontinuity = 4;    ///< time or coding jumped just before it
    static constexpr std::uint8_t uplinked = 8;         ///< came by an uplink, which brings whole fragments,
    static constexpr std::uint8_t ends_fragment = 16;   ///< and this is the last of one

    RecordKind kind = RecordKind::chunk;
    media::TrackId track = 0;
    std::uint8_t flags = 0;
    std::uint32_t body_size = 0;
    std::uint32_t body_sum = 0;
    std::uint64_t number = 0;
    std::uint64_t fragment = 0;   ///< the run's number of the segment that it belongs to
    std::int64_t dts = 0;         ///< this and the next in ticks of `timescale`
    std::int64_t duration = 0;
    std::uint32_t timescale = 1;
    WallTime utc;   ///< of its first unit, by the file's clock

    bool begins() const { return (flags & begins_fragment) != 0; }
    bool operator==(const RecordHead&) const = default;
};

std::vector<std::byte> head_bytes(const RecordHead& head, std::uint64_t file);
/// Errc::malformed: not a head of this file, or not as it was written.
Result<RecordHead> read_head(ByteSpan bytes, std::uint64_t file);

/// What a file says of itself.
struct FileFacts {
    static constexpr std::size_t text_size_max = 4096;

    std::string stream;
    std::string run;      ///< "1763646000-1a2b3c4d"
    std::string codecs;   ///< "avc1.64001f,mp4a.40.2"
    std::string cause;    ///< why nothing was recorded just before it; empty: it goes on from another file
    // What retention took is known by these to who makes the index anew. Older files do not have them.
    std::optional<WallTime> before_end{};    ///< of the stream's recording before this one
    std::optional<WallTime> first_begin{};   ///< of its first ever
    bool operator==(const FileFacts&) const = default;
};

/// The body of a file's first record: the facts in front of `init`.
std::vector<std::byte> facts_body(const FileFacts& facts, ByteSpan init);
struct ReadFacts {
    FileFacts facts;
    std::size_t init_offset = 0;   ///< in the body
};
Result<ReadFacts> read_facts(ByteSpan body);

/// The body of a file's last record.
std::vector<std::byte> seal_body(const std::string& cause);
Result<std::string> read_seal(ByteSpan body);

}   // namespace millrace::archive
