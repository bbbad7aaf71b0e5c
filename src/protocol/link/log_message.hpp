#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "protocol/link/message.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

/// What is said where an edge's archive goes to a server: a conversation of its own, behind a Hello that asks
/// for `Direction::log` and its Welcome.
namespace millrace::link {

inline constexpr std::size_t log_words_max = 4'096;
inline constexpr std::size_t log_init_max = std::size_t{1} << 20U;
/// Of a gap.
inline constexpr std::size_t log_cause_max = 64;
/// So many gaps of a stream are said, the newest.
inline constexpr std::size_t log_gaps_max = 256;
inline constexpr std::size_t log_piece_max = std::size_t{16} << 10U;
inline constexpr std::size_t log_message_max = log_init_max + 4 * log_words_max;
/// A fragment without what came live.
inline constexpr std::size_t log_lean_max = std::size_t{4} << 20U;
inline constexpr std::uint64_t log_fragment_max = std::uint64_t{64} << 20U;

/// A file of the edge's archive, said before the first offer from it.
struct LogFile {
    std::uint64_t id = 0;
    std::string run;
    std::string codecs;
    std::string cause;   ///< of the gap before it
    Bytes init;          ///< its ftyp and moov
    bool operator==(const LogFile&) const = default;
};

/// A fragment of it as the edge's index has it.
struct LogFragment {
    std::uint64_t file = 0;
    std::uint64_t place = 0;    ///< in the file
    std::uint64_t size = 0;     ///< of its records, heads and all
    std::uint64_t number = 0;   ///< of the segment, in its run
    std::int64_t utc_us = 0;
    std::int64_t media_us = 0;
    std::int64_t duration_us = 0;
    bool key = false;
    bool discontinuity = false;
    bool operator==(const LogFragment&) const = default;
};

/// The edge has this; `hash` is SHA-256 of the chunks in it, one behind the other, without the records'
/// heads.
struct LogOffer {
    std::uint32_t serial = 0;
    std::uint32_t lean_size = 0;   ///< of it without what goes live, too; 0: it goes whole alone
    LogFragment fragment;
    ChunkHash hash{};
    bool operator==(const LogOffer&) const = default;
};

/// The server's word about an offer.
enum class LogVerdict : std::uint8_t {
    want = 1,     ///< send it, whole
    have = 2,     ///< it is on the server's disk for sure
    refuse = 3,   ///< it will not be taken
    later = 4,    ///< the server cannot keep it now; offer it again
    lean = 5,     ///< send it without what came live
};
struct LogAnswer {
    std::uint32_t serial = 0;
    LogVerdict verdict = LogVerdict::want;
    bool operator==(const LogAnswer&) const = default;
};

/// The next bytes of the records of a fragment that was wanted.
struct LogPiece {
    std::uint32_t serial = 0;
    Bytes bytes;
};

/// The edge does not have this, and never will: what the server lacks of it is missing for that reason.
struct LogGap {
    std::int64_t begin_us = 0;   ///< UTC
    std::int64_t end_us = 0;
    std::string cause;
    bool operator==(const LogGap&) const = default;
};

using LogMessage = std::variant<LogFile, LogOffer, LogAnswer, LogPiece, Refusal, LogGap>;

/// Appends the message with its length. Errc::exhausted: a text or body that does not fit.
Result<> write(std::vector<std::byte>& out, const LogMessage& message);
/// Reads what stands behind a message's length; nothing: a word of a later version. Errc::malformed.
Result<std::optional<LogMessage>> read_log(ByteSpan message);

/// Messages out of the bytes that come, however they were cut. Holds the beginning of one.
class LogReader {
public:
    /// Errc::malformed, exhausted; what `take` returns is what it said.
    template <class Take>
    Result<> read(ByteSpan bytes, Take take) {
        input_.insert(input_.end(), bytes.begin(), bytes.end());
        std::size_t at = 0;
        Result<> done;
        while (done) {
            const Result<std::optional<ByteSpan>> message = next(ByteSpan{input_}.subspan(at));
            if (!message) {
                done = std::unexpected(message.error());
            } else if (!*message) {
                break;
            } else {
                Result<std::optional<LogMessage>> read = read_log(**message);
                at += (*message)->size() + 4;
                if (!read) {
                    done = std::unexpected(read.error());
                } else if (*read) {
                    done = take(std::move(**read));
                }
            }
        }
        input_.erase(input_.begin(), input_.begin() + static_cast<std::ptrdiff_t>(at));
        return done;
    }

private:
    /// The whole message at the front, without its length.
    static Result<std::optional<ByteSpan>> next(ByteSpan input);
    std::vector<std::byte> input_;
};

}   // namespace millrace::link
