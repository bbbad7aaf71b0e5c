#pragma once

#include "base/bytes.hpp"
#include "base/rate_limit.hpp"
#include "base/result.hpp"

#include <optional>
#include <string>

namespace millrace::session {

/// A client asks for our clock over the WebSocket it has anyway, as by NTP (RFC 5905 §8):
///
///     it says    {"t":"clock","c":1795199730983.5}
///     we answer  {"t":"clock","c":1795199730983.5,"r":1795199731002.113,"s":1795199731002.131}
///
/// `c` is any number, its own clock as a rule, and comes back as it was written; `r` and `s` are when we
/// heard it and when we answered, in milliseconds of UTC since 1970. With the time the answer arrives it
/// knows how far the clocks are apart, to half of what the way took. One for each conversation.
class ClockExchange {
public:
    static constexpr std::size_t message_size_max = 256;
    static constexpr int questions_per_second_max = 10;

    /// The answer to a text message up to its `s`, which finish() adds as late as it can; nothing for a
    /// message that asks something else. An error: the client is not to be listened to any more.
    Result<std::optional<std::string>> hear(ByteSpan message, Instant now, WallTime received);
    static std::string finish(std::string answer, WallTime sent);

private:
    RateLimit<questions_per_second_max, questions_per_second_max> rate_;
};

}   // namespace millrace::session
