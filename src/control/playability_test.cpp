#include "control/playability.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::control {
namespace {

std::vector<media::Track> tracks_of(std::initializer_list<media::Codec> codecs) {
    std::vector<media::Track> tracks;
    for (const media::Codec codec : codecs) {
        media::TrackConfig config;
        config.codec = codec;
        tracks.push_back({.kind = media::kind_of(codec),
                          .config = std::make_shared<const media::TrackConfig>(std::move(config))});
    }
    return tracks;
}

std::string where(std::initializer_list<media::Codec> codecs) {
    std::string text;
    for (const Obstacle& one : obstacles(tracks_of(codecs))) {
        text += fmt::format("{}{}: {}", text.empty() ? "" : "; ", name(one.screen), media::name(one.codec));
        EXPECT_TRUE(one.text.ends_with('.')) << one.text;
    }
    return text;
}

}   // namespace

TEST(Playability, names_what_will_not_play_where_and_the_fix) {
    using media::Codec;
    EXPECT_EQ(where({Codec::h264, Codec::aac}), "");
    EXPECT_EQ(where({Codec::h265}), "Chrome and Edge: h265; Firefox: h265; RTMP and FLV players: h265");
    EXPECT_EQ(where({Codec::mjpeg}), "HLS with MPEG-TS: mjpeg; RTMP and FLV players: mjpeg");
    EXPECT_NE(where({Codec::h264, Codec::pcma}).find("Safari: pcma"), std::string::npos);
    const std::vector<Obstacle> h265 = obstacles(tracks_of({Codec::h265}));
    EXPECT_TRUE(h265.front().sometimes);
    EXPECT_NE(h265.front().text.find("H.264"), std::string::npos);
    EXPECT_TRUE(obstacles(std::array{media::Track{}}).empty()) << "announced, and not known yet";
}

}   // namespace millrace::control
