#include "control/playability.hpp"

#include <array>

namespace millrace::control {

namespace {

using media::Codec;

constexpr std::string_view send_h264 = "Let the encoder send H.264.";
constexpr std::string_view send_aac = "Let the encoder send AAC.";

struct Row {
    Codec codec;
    Screen screen;
    bool sometimes;
    std::string_view why;
    std::string_view fix;
};

// What the columns of docs/guide/probe.md say. Opus and AAC play wherever they are not named.
constexpr std::array rows{
    Row{Codec::h265, Screen::chrome, true, "Chrome and Edge show H.265 only with a hardware decoder.",
        send_h264},
    Row{Codec::h265, Screen::firefox, true, "Firefox shows H.265 only where the system decodes it.",
        send_h264},
    Row{Codec::h265, Screen::rtmp_players, true,
        "RTMP and FLV carry H.265 in the enhanced form, which older players do not know.", send_h264},
    Row{Codec::av1, Screen::safari, true, "Safari shows AV1 only on machines that decode it in hardware.",
        send_h264},
    Row{Codec::av1, Screen::hls_ts, false, "MPEG-TS carries no AV1.", "Play index.m3u8 or .mp4 instead."},
    Row{Codec::av1, Screen::rtmp_players, true,
        "RTMP and FLV carry AV1 in the enhanced form, which older players do not know.", send_h264},
    Row{Codec::mjpeg, Screen::hls_ts, false, "HLS carries no MJPEG.",
        "Show .mjpeg in an img element, or let the encoder send H.264."},
    Row{Codec::mjpeg, Screen::rtmp_players, false, "RTMP and FLV carry no MJPEG.", send_h264},
    Row{Codec::av1, Screen::mjpeg_img, false, "No pictures are made of AV1 here.", send_h264},
    Row{Codec::opus, Screen::hls_ts, true, "Few players know Opus in MPEG-TS.", send_aac},
    Row{Codec::opus, Screen::rtmp_players, true,
        "RTMP and FLV carry Opus in the enhanced form, which older players do not know.", send_aac},
    Row{Codec::mp3, Screen::safari, true, "Safari plays MP3 in HLS, but not in MP4.", send_aac},
    Row{Codec::mp3, Screen::firefox, true, "Firefox plays MP3 in MP4 only of late.", send_aac},
};

bool is_telephone(Codec codec) {
    return codec == Codec::pcma || codec == Codec::pcmu || codec == Codec::g722 || codec == Codec::l16;
}

}   // namespace

std::string_view name(Screen screen) {
    switch (screen) {
        case Screen::chrome: return "Chrome and Edge";
        case Screen::firefox: return "Firefox";
        case Screen::safari: return "Safari";
        case Screen::hls_ts: return "HLS with MPEG-TS";
        case Screen::rtmp_players: return "RTMP and FLV players";
        case Screen::mjpeg_img: return "MJPEG";
    }
    return "players";
}

std::vector<Obstacle> obstacles(std::span<const media::Track> tracks) {
    std::vector<Obstacle> found;
    constexpr std::array all{Screen::chrome, Screen::firefox,      Screen::safari,
                             Screen::hls_ts, Screen::rtmp_players, Screen::mjpeg_img};
    for (const Screen screen : all) {
        for (const media::Track& track : tracks) {
            if (track.config == nullptr) {
                continue;
            }
            const Codec codec = track.config->codec;
            if (is_telephone(codec) && screen != Screen::mjpeg_img) {
                found.push_back({screen, codec, false,
                                 "Only RTSP carries this sound: it goes out everywhere else without it. " +
                                     std::string{send_aac}});
            }
            for (const Row& row : rows) {
                if (row.codec == codec && row.screen == screen) {
                    found.push_back({screen, codec, row.sometimes, fmt::format("{} {}", row.why, row.fix)});
                }
            }
        }
    }
    return found;
}

}   // namespace millrace::control
