#include "protocol/rtmp/media_message.hpp"

#include "base/byte_reader.hpp"

#include <utility>

namespace millrace::rtmp {

namespace {

constexpr std::uint8_t amf0_string = 2;

/// How many bytes stand before the name of a data message: the zero byte of the AMF3 kind and the string
/// "@setDataFrame", by which an encoder asks a server to keep what follows.
std::size_t data_wrapper_size(const Message& message) {
    ByteReader reader{message.body};
    if (message.type == MessageType::data_amf3 && !message.body.empty()) {
        reader.skip(1);
    }
    const std::size_t plain = message.body.size() - reader.remaining();
    if (reader.u8() == amf0_string && as_text(reader.take(reader.u16())) == "@setDataFrame") {
        return message.body.size() - reader.remaining();
    }
    return plain;
}

std::optional<MediaType> media_type(MessageType type) {
    switch (type) {
        case MessageType::audio: return MediaType::audio;
        case MessageType::video: return MediaType::video;
        case MessageType::data:
        case MessageType::data_amf3: return MediaType::data;
        default: return std::nullopt;
    }
}

}   // namespace

flv::Tag tag_of(Media media) {
    const auto type = [&media] {
        switch (media.type) {
            case MediaType::audio: return flv::TagType::audio;
            case MediaType::video: return flv::TagType::video;
            case MediaType::data: break;
        }
        return flv::TagType::script;
    };
    return {type(), media.timestamp_ms, std::move(media.body)};
}

std::optional<Media> media_in(Message message) {
    const auto type = media_type(message.type);
    if (!type) {
        return std::nullopt;
    }
    const std::size_t wrapper = *type == MediaType::data ? data_wrapper_size(message) : 0;
    if (message.body.size() <= wrapper) {
        return std::nullopt;
    }
    const Bytes whole{std::move(message.body)};
    return Media{*type, message.timestamp_ms, whole.slice(wrapper, whole.size() - wrapper)};
}

// An aggregate: tags as in an FLV file, the first one's time being the message's.
//
//    | type (1) | length (3) | time (3) | time's top byte (1) | stream id (3) | body | length so far (4) |
Result<std::vector<Media>> media_in_aggregate(const Message& message) {
    std::vector<Media> parts;
    ByteReader reader{message.body};
    std::optional<std::uint32_t> first_time;
    for (std::size_t count = 0; !reader.at_end(); ++count) {
        if (count == aggregate_parts_max) {
            return fail(Errc::exhausted, "an aggregate message has too many parts");
        }
        const auto type = media_type(MessageType{reader.u8()});
        const std::uint32_t length = reader.u24();
        const std::uint32_t low = reader.u24();
        const std::uint32_t time = low | std::uint32_t{reader.u8()} << 24U;
        reader.skip(3);
        const ByteSpan body = reader.take(length);
        reader.skip(4);
        if (!reader.ok()) {
            return fail(Errc::malformed, "an aggregate message breaks off");
        }
        if (!first_time) {
            first_time = time;
        }
        if (type && *type != MediaType::data && !body.empty()) {
            parts.push_back({*type, message.timestamp_ms + (time - *first_time), Bytes::copy(body)});
        }
    }
    return parts;
}

}   // namespace millrace::rtmp
