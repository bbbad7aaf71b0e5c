#include "session/clock_exchange.hpp"

#include "base/json_words.hpp"

#include <fmt/format.h>

namespace millrace::session {

namespace {

std::string milliseconds(WallTime at) {
    return fmt::format("{}.{:03}", at.microseconds / 1000, at.microseconds % 1000);
}

}   // namespace

Result<std::optional<std::string>> ClockExchange::hear(ByteSpan message, Instant now, WallTime received) {
    if (message.size() > message_size_max) {
        return fail(Errc::exhausted, "a message of more than 256 bytes");
    }
    if (!rate_.spend(now)) {
        return fail(Errc::exhausted, "more than 10 messages a second");
    }
    const Result<web::JsonWords> said = web::JsonWords::parse(as_text(message));
    if (!said) {
        return std::unexpected(said.error());
    }
    if (said->find("t", web::JsonWord::Kind::text) != "clock") {
        return std::nullopt;
    }
    const std::optional<std::string_view> theirs = said->find("c", web::JsonWord::Kind::number);
    if (!theirs) {
        return fail(Errc::malformed, "a question for the clock whose c is no number");
    }
    return fmt::format(R"({{"t":"clock","c":{},"r":{})", *theirs, milliseconds(received));
}

std::string ClockExchange::finish(std::string answer, WallTime sent) {
    return std::move(answer) + R"(,"s":)" + milliseconds(sent) + "}";
}

}   // namespace millrace::session
