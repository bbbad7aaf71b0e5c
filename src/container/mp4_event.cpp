#include "container/mp4_event.hpp"

#include "base/byte_writer.hpp"
#include "base/date_time.hpp"
#include "container/mp4_box.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <optional>

namespace millrace::mp4 {

// emsg, version 1: timescale u32 | presentation_time u64 | event_duration u32 | id u32 | scheme_id_uri, 0 |
//   value, 0: "2026-11-20T14:09:32.123456Z" | message_data

namespace {

constexpr std::uint32_t version_1 = 0x01000000;
constexpr std::size_t fixed_size = 20;   // from timescale to id

/// A text up to its 0, which is taken, too; nothing where there is none.
std::optional<std::string_view> take_text(ByteReader& reader) {
    const std::string_view rest = as_text(reader.rest());
    const std::size_t size = rest.find('\0');
    if (size == rest.npos) {
        return std::nullopt;
    }
    reader.skip(size + 1);
    return rest.substr(0, size);
}

/// Nothing: it is of another scheme.
Result<std::optional<media::TimedMessage>> read_event(const Box& box) {
    constexpr Error wrong{Errc::malformed, "an event message that cannot be read"};
    FullBox event{box};
    const std::uint32_t timescale = event.reader.u32();
    const auto time = static_cast<std::int64_t>(event.reader.u64());
    event.reader.skip(8);
    if (event.version != 1 || !event.reader.ok()) {
        return std::optional<media::TimedMessage>{};
    }
    const auto scheme = take_text(event.reader);
    const auto value = scheme ? take_text(event.reader) : std::nullopt;
    if (!value) {
        return std::unexpected(wrong);
    }
    if (*scheme != message_scheme && *scheme != klv_scheme) {
        return std::optional<media::TimedMessage>{};
    }
    const bool klv = *scheme == klv_scheme;
    const auto capture = parse_date_time(*value);
    const ByteSpan body = event.reader.rest();
    if (timescale != media::TimedMessage::timescale || time < 0 || (!value->empty() && !capture) ||
        body.size() > media::TimedMessage::bytes_max) {
        return std::unexpected(wrong);
    }
    return std::optional{
        media::TimedMessage{.kind = klv ? media::TimedMessage::Kind::klv : media::TimedMessage::Kind::result,
                            .body = Bytes::copy(body),
                            .capture = capture.value_or(WallTime{}),
                            .pts = time}};
}

}   // namespace

void write_event_head(std::vector<std::byte>& out, const media::TimedMessage& message, std::uint32_t id) {
    const std::string value = media::capture_text(message.capture);
    const bool klv = message.kind == media::TimedMessage::Kind::klv;
    const std::string_view scheme = klv ? klv_scheme : message_scheme;
    ByteWriter writer{out};
    writer.u32(static_cast<std::uint32_t>(box_header_size + 4 + fixed_size + scheme.size() + 1 +
                                          value.size() + 1 + message.body.size()));
    writer.u32(four_cc("emsg"));
    writer.u32(version_1);
    writer.u32(static_cast<std::uint32_t>(media::TimedMessage::timescale));
    writer.u64(static_cast<std::uint64_t>(std::max<std::int64_t>(message.pts, 0)));
    writer.u32(0);
    writer.u32(id);
    writer.text(scheme);
    writer.u8(0);
    writer.text(value);
    writer.u8(0);
}

Result<std::vector<media::TimedMessage>> read_events(ByteSpan boxes) {
    std::vector<media::TimedMessage> messages;
    BoxPath path;
    const Result<> read = for_each_box(boxes, path, [&](const Box& box) -> Result<> {
        if (box.type != four_cc("emsg")) {
            return {};
        }
        Result<std::optional<media::TimedMessage>> message = read_event(box);
        if (!message) {
            return std::unexpected(message.error());
        }
        if (*message) {
            messages.push_back(std::move(**message));
        }
        return {};
    });
    return read ? Result<std::vector<media::TimedMessage>>{std::move(messages)}
                : std::unexpected(read.error());
}

}   // namespace millrace::mp4
