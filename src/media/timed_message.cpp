#include "media/timed_message.hpp"

#include "base/date_time.hpp"
#include "base/json_words.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>

namespace millrace::media {

namespace {

using web::JsonWord;
using web::JsonWords;

/// Whole microseconds since 1970, from then up to the year 9999.
std::optional<WallTime> microseconds_of(std::string_view number) {
    constexpr std::int64_t year_10000 = 253'402'300'800'000'000;
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), value);
    const bool whole = error == std::errc{} && end == number.data() + number.size();
    return whole && value > 0 && value < year_10000 ? std::optional{WallTime{value}} : std::nullopt;
}

/// Zero where there is no such member; nothing where it cannot be read.
std::optional<WallTime> capture_of(const JsonWords& words) {
    if (const auto text = words.find("capture", JsonWord::Kind::text)) {
        return parse_date_time(*text);
    }
    if (const auto number = words.find("capture", JsonWord::Kind::number)) {
        return microseconds_of(*number);
    }
    const bool other = words.find("capture", JsonWord::Kind::other).has_value() ||
                       words.find("capture", JsonWord::Kind::nested).has_value();
    return other ? std::nullopt : std::optional{WallTime{}};
}

}   // namespace

Result<TimedMessage> read_message(std::string_view json) {
    if (json.size() > TimedMessage::bytes_max) {
        return fail(Errc::malformed, "a result has at most 16 KiB");
    }
    const Result<JsonWords> words = JsonWords::parse_nested(json);
    if (!words) {
        return std::unexpected(words.error());
    }
    const std::optional<WallTime> capture = capture_of(*words);
    if (!capture) {
        return fail(Errc::malformed,
                    "a result's capture is a UTC time such as 2026-11-20T14:09:32.123456Z, or "
                    "microseconds since 1970");
    }
    // Inside of its texts JSON has no line ends (RFC 8259 §7).
    std::string line{json};
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    const std::size_t from = line.find('{');
    const std::size_t to = line.rfind('}');
    return TimedMessage{.json = Bytes::copy(as_bytes(std::string_view{line}.substr(from, to + 1 - from))),
                        .capture = *capture};
}

std::string message_text(std::string_view head, const TimedMessage& message) {
    std::string capture = date_time_text(message.capture);
    // It ends with milliseconds and Z.
    capture.insert(capture.size() - 1, fmt::format("{:03}", message.capture.microseconds % 1000));
    const double pts = static_cast<double>(message.pts) / static_cast<double>(TimedMessage::timescale);
    return fmt::format(R"({{{},"capture":"{}","pts":{:.6f},"result":{}}})", head, capture, pts,
                       as_text(message.json));
}

}   // namespace millrace::media
