#include "container/flv_muxer.hpp"

#include "base/byte_writer.hpp"

namespace millrace::flv {
namespace {

constexpr std::size_t body_size_max = 0xFFFFFF;   // what 24 bits can say

void log_tag(const Message& message, BlockLog& log, Instant now) {
    const auto header = tag_header(message.type, message.timestamp_ms, message.body_size());
    const auto trailer = tag_trailer(message.body_size());
    log.message({header, message.prefix, message.payload, trailer}, now);
}

}   // namespace

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
    programme_.configure(tracks);
    for (const Message& message : programme_.news()) {
        log_tag(message, log, now);
    }
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const BodyPrefix prefix{unit};
    const TagType type = unit.kind() == media::Kind::video ? TagType::video : TagType::audio;
    const Message message{type, static_cast<std::uint32_t>(unit.dts_ms()), prefix.span(), unit.payload};
    if (!programme_.takes(unit) || message.body_size() > body_size_max) {
        return;
    }
    stamp(unit, log, now);
    programme_.advance(unit);
    log_tag(message, log, now);
}

void Muxer::stamp(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const std::vector<std::byte> body = programme_.time_due(unit);
    if (!body.empty()) {
        log_tag({TagType::script, script_timestamp, body, {}}, log, now);
    }
}

void Muxer::end(BlockLog& log, Instant now) {
    const std::vector<std::byte> body = programme_.sequence_end();
    if (!body.empty()) {
        log_tag({TagType::video, programme_.timestamp_ms(), body, {}}, log, now);
    }
}

Bytes Muxer::lead(std::span<const media::Track> tracks) const {
    return Bytes::copy(file_header(announced_by(tracks)));
}

Bytes Muxer::resume() const {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    for (const Message& message : programme_.resume()) {
        writer.bytes(tag_header(message.type, message.timestamp_ms, message.body_size()));
        writer.bytes(message.prefix);
        writer.bytes(message.payload);
        writer.bytes(tag_trailer(message.body_size()));
    }
    return Bytes{std::move(out)};
}

}   // namespace millrace::flv
