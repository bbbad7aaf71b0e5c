#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::media {

/// What an application says of one picture, a result: it travels beside the frames, never inside of them.
struct TimedMessage {
    static constexpr std::size_t bytes_max = 16U << 10U;
    static constexpr std::int64_t timescale = 90'000;

    Bytes json;         ///< one JSON object on one line, as its sender wrote it
    WallTime capture;   ///< when the picture was taken; zero: not said
    /// Of that picture, in ticks of 90 kHz on the stream's run timeline. The stream's home says it.
    std::int64_t pts = 0;
};

/// Reads a result: one JSON object of at most `bytes_max`, whose member "capture" is the UTC time at which
/// its picture was taken: a text of RFC 3339 with up to six digits behind the second, or microseconds since
/// 1970 as a whole number. It may be left out. Line ends between the words become spaces.
Result<TimedMessage> read_message(std::string_view json);

/// `{HEAD,"capture":"2026-11-20T14:09:32.123456Z","pts":12.345678,"result":…}`, `pts` in seconds; `head` is
/// what the way it goes puts first: `"t":"result"`.
std::string message_text(std::string_view head, const TimedMessage& message);

}   // namespace millrace::media
