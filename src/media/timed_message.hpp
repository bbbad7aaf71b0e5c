#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::media {

/// What is said of one picture: it travels beside the frames, never inside of them.
struct TimedMessage {
    /// result: what an application says; klv: metadata of the source (SMPTE 336M), as they came.
    enum class Kind : std::uint8_t { result, klv };
    static constexpr std::size_t bytes_max = 16U << 10U;
    static constexpr std::int64_t timescale = 90'000;

    Kind kind = Kind::result;
    Bytes body;           ///< of a result: one JSON object on one line; KLV without one: there will be some
    WallTime capture{};   ///< when the picture was taken; zero: not said
    /// Of that picture, in ticks of 90 kHz on the stream's run timeline. The stream's home says it.
    std::int64_t pts = 0;
    std::optional<std::int64_t> source_pts{};   ///< likewise, by the publisher's clock, where that says it
};

/// One JSON object of at most `TimedMessage::bytes_max` as one line: line ends between its words become
/// spaces. Errc::malformed, exhausted.
Result<Bytes> one_line(std::string_view json);

/// Reads a result: one JSON object of at most `bytes_max`, whose member "capture" is the UTC time at which
/// its picture was taken: a text of RFC 3339 with up to six digits behind the second, or microseconds since
/// 1970 as a whole number. It may be left out.
Result<TimedMessage> read_message(std::string_view json);

/// "2026-11-20T14:09:32.123456Z".
std::string capture_text(WallTime capture);

/// The same for messages of one kind, capture time and body, on any node.
std::uint64_t key_of(const TimedMessage& message);

/// Whether a result is of that class: its member "class" says so, or the "label" of one of its "boxes".
bool is_of_class(std::string_view json, std::string_view wanted);

/// `{"KEY":"result",MEMBERS"capture":"2026-11-20T14:09:32.123456Z","pts":12.345678,"result":…}`, `pts` in
/// seconds; `key` is what the way it goes calls its kinds of message, `members` are of that way and end with
/// a comma. Of KLV it is `"klv"`, in base64.
std::string message_text(std::string_view key, std::string_view members, const TimedMessage& message);

}   // namespace millrace::media
