#include "protocol/ws/framed.hpp"

#include "base/web.hpp"

#include <fmt/core.h>

namespace millrace::ws {

namespace {

std::string_view kind_text(media::Kind kind) {
    switch (kind) {
        case media::Kind::video: return "video";
        case media::Kind::audio: return "audio";
        case media::Kind::data: break;
    }
    return "data";
}

std::string track_text(const media::Track& track) {
    const media::TrackConfig& config = *track.config;
    std::string text = fmt::format(R"({{"id":{},"kind":"{}","codec":{})", track.id, kind_text(track.kind),
                                   web::json_quoted(config.codec_string));
    if (track.kind == media::Kind::video) {
        text += fmt::format(R"(,"width":{},"height":{})", config.width, config.height);
    } else {
        text += fmt::format(R"(,"rate":{},"channels":{})", config.sample_rate, config.channels);
    }
    return text + '}';
}

}   // namespace

std::string tracks_text(std::string_view type, std::span<const media::Track> tracks) {
    std::string list;
    for (const media::Track& track : tracks) {
        list += (list.empty() ? "" : ",") + track_text(track);
    }
    const std::string whole = fmt::format(R"({}; codecs="{}")", type, media::codec_list(tracks));
    return fmt::format(R"({{"t":"tracks","type":{},"tracks":[{}]}})", web::json_quoted(whole), list);
}

std::vector<std::byte> text_frame(std::string_view text) {
    std::vector<std::byte> frame;
    append_frame(frame, {.opcode = Opcode::text}, as_bytes(text));
    return frame;
}

}   // namespace millrace::ws
