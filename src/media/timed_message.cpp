#include "media/timed_message.hpp"

#include "base/base64.hpp"
#include "base/date_time.hpp"
#include "base/fnv.hpp"
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

/// Inside of its texts JSON has no line ends (RFC 8259 §7).
Bytes line_of(std::string_view json) {
    std::string line{json};
    std::ranges::replace_if(line, [](char c) { return c == '\n' || c == '\r' || c == '\t'; }, ' ');
    const std::size_t from = line.find('{');
    const std::size_t to = line.rfind('}');
    return Bytes::copy(as_bytes(std::string_view{line}.substr(from, to + 1 - from)));
}

}   // namespace

Result<Bytes> one_line(std::string_view json) {
    if (json.size() > TimedMessage::bytes_max) {
        return fail(Errc::malformed, "a result or a message has at most 16 KiB");
    }
    const Result<JsonWords> words = JsonWords::parse_nested(json);
    return words ? Result<Bytes>{line_of(json)} : std::unexpected(words.error());
}

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
    return TimedMessage{.body = line_of(json), .capture = *capture};
}

std::uint64_t key_of(const TimedMessage& message) {
    const auto kind = static_cast<std::uint64_t>(message.kind);
    const auto capture = static_cast<std::uint64_t>(message.capture.microseconds);
    return Fnv{}.add(kind).add(capture).add(message.body).sum();
}

bool is_of_class(std::string_view json, std::string_view wanted) {
    const Result<JsonWords> words = JsonWords::parse_nested(json);
    if (!words) {
        return false;
    }
    if (words->find("class", JsonWord::Kind::text) == wanted) {
        return true;
    }
    const auto boxes = words->find("boxes", JsonWord::Kind::nested);
    return boxes && std::ranges::any_of(web::json_objects(*boxes), [wanted](const std::string& box) {
               const Result<JsonWords> said = JsonWords::parse_nested(box);
               return said && said->find("label", JsonWord::Kind::text) == wanted;
           });
}

std::string capture_text(WallTime capture) {
    std::string text = date_time_text(capture);
    // It ends with milliseconds and Z.
    text.insert(text.size() - 1, fmt::format("{:03}", capture.microseconds % 1000));
    return text;
}

std::string message_text(std::string_view key, std::string_view members, const TimedMessage& message) {
    const double pts = static_cast<double>(message.pts) / static_cast<double>(TimedMessage::timescale);
    const bool klv = message.kind == TimedMessage::Kind::klv;
    const std::string_view kind = klv ? "klv" : "result";
    const std::string body =
        klv ? fmt::format(R"("{}")", encode_base64(message.body)) : std::string{as_text(message.body)};
    return fmt::format(R"({{"{}":"{}",{}"capture":"{}","pts":{:.6f},"{}":{}}})", key, kind, members,
                       capture_text(message.capture), pts, kind, body);
}

}   // namespace millrace::media
