#pragma once

#include "base/hops.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <array>
#include <string>
#include <variant>
#include <vector>

namespace millrace::link {

/// Of what is spoken inside a link. Ends of different versions part in words.
inline constexpr std::uint16_t version = 1;

inline constexpr std::size_t name_size_max = 600;
inline constexpr std::size_t query_size_max = 4'096;
inline constexpr std::size_t words_size_max = 512;
inline constexpr std::size_t run_size_max = 64;
/// A message before somebody was let in.
inline constexpr std::size_t greeting_bytes_max = 8U << 10U;

/// Which way media goes, as the caller sees it.
/// uplink: publishes, and sends what it recorded of it by another link beside. log: is that other link, on
/// which log_message.hpp is spoken behind the welcome.
enum class Direction : std::uint8_t { publish = 1, play = 2, uplink = 3, log = 4 };

/// The caller's first word.
struct Hello {
    std::uint16_t version = link::version;
    Direction direction = Direction::publish;
    std::string name;    ///< of the stream; not looked at yet
    std::string query;   ///< raw; may hold user, pass or token
    Hops hops{};         ///< of a publisher: where the stream came through; of a player: who wants it
};

/// The host's answer where the caller was let in.
struct Welcome {
    std::uint16_t version = link::version;
    Hops hops{};   ///< to a player: where the stream came through
};

/// Why nothing comes of it, or why it ends now; either end, at any time.
struct Refusal {
    Errc code = Errc::refused;
    std::string words;
};

using ChunkHash = std::array<std::byte, 32>;

/// What the sender's chunk of these units was: those of the track from `dts` on, before `end`.
struct ChunkProof {
    media::TrackId track = 0;
    std::uint16_t units = 0;
    std::int64_t dts = 0;   ///< of the first; these two in the track's timescale
    std::int64_t end = 0;   ///< when the last one ends
    ChunkHash hash{};       ///< SHA-256 of the chunk's bytes

    bool operator==(const ChunkProof&) const = default;
};

/// The units behind it are of this run, with its times: the caller's first word behind the welcome.
struct Run {
    std::string id;   ///< not looked at yet
};

/// A segment of the run begins with the unit behind it.
struct SegmentCut {
    media::Cut cut;
    std::uint32_t units = 0;   ///< that were sent since the cut before
    bool whole = false;        ///< not said but seen: all of these came
};

/// What the receiver of media asks of its sender.
struct Wish {
    enum class What : std::uint8_t { key_frame, bitrate };
    What what = What::key_frame;
    std::uint64_t value = 0;   ///< bitrate: bits a second
};

/// What an application says to who sends: one JSON object of at most `bytes_max`, not looked at yet.
struct Note {
    static constexpr std::size_t bytes_max = 16U << 10U;
    Bytes json;
};

/// The publisher said its end. Another may follow where the link stays.
struct End {};

using Message = std::variant<Hello, Welcome, Refusal, media::Track, media::AccessUnit, ChunkProof, Wish, End,
                             media::TimedMessage, Run, SegmentCut, Note>;

/// Appends the message with its length. A unit travels without its configuration, which stands in the track
/// before it. What does not fit is Errc::exhausted, and nothing is appended; words are cut.
Result<> write(std::vector<std::byte>& out, const Message& message);

/// Reads what stands behind a message's length. A unit comes without configuration. Nothing: a word of a
/// later version, to be passed over.
Result<std::optional<Message>> read(ByteSpan message);

}   // namespace millrace::link
