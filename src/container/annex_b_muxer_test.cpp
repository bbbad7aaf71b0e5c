#include "container/annex_b_muxer.hpp"

#include "container/flv_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::annex_b {
namespace {

Bytes bytes(std::string_view text) {
    return Bytes::copy(text);
}

media::ConfigRef config_of(std::string_view sps, media::Codec codec = media::Codec::h264) {
    media::TrackConfig config{.codec = codec, .timescale = 1000};
    config.sps = {bytes(sps)};
    config.pps = {bytes("pps")};
    return std::make_shared<const media::TrackConfig>(std::move(config));
}

media::AccessUnit unit_of(const media::ConfigRef& config, bool key, std::string_view payload) {
    media::AccessUnit unit;
    unit.config = config;
    unit.key = key;
    unit.payload = bytes(payload);
    return unit;
}

using namespace std::string_view_literals;
constexpr std::string_view two_nals = "\x00\x00\x00\x03one\x00\x00\x00\x03two"sv;

std::string written(Shape shape, bool key) {
    Muxer muxer{shape};
    BlockLog log;
    const media::ConfigRef config = config_of("sps");
    const std::array tracks{media::Track{.kind = media::Kind::video, .config = config}};
    EXPECT_TRUE(muxer.configure(tracks, log, {}));
    muxer.write(unit_of(config, key, two_nals), log, {});
    return std::string{as_text(flv::samples::bytes_of(log))};
}

TEST(AnnexB, a_key_frame_comes_with_its_parameter_sets) {
    EXPECT_EQ(written(Shape::plain, true),
              "\x00\x00\x00\x01sps\x00\x00\x00\x01pps\x00\x00\x00\x01one\x00\x00\x00\x01two"sv);
    EXPECT_EQ(written(Shape::plain, false), "\x00\x00\x00\x01one\x00\x00\x00\x01two"sv);
}

TEST(AnnexB, row_2_17_a_message_ends_with_the_delimiter_of_the_next_or_begins_with_its_size) {
    EXPECT_EQ(written(Shape::closed, false),
              "\x00\x00\x00\x01one\x00\x00\x00\x01two\x00\x00\x00\x01\x09\xF0"sv);
    EXPECT_EQ(written(Shape::prefixed, false), "\x00\x00\x00\x0E\x00\x00\x00\x01one\x00\x00\x00\x01two"sv);
}

TEST(AnnexB, other_parameter_sets_end_what_only_takes_its_first_ones) {
    BlockLog log;
    const auto track = [](std::string_view sps) {
        return std::array{media::Track{.kind = media::Kind::video, .config = config_of(sps)}};
    };
    for (const Shape shape : {Shape::plain, Shape::prefixed, Shape::closed}) {
        Muxer muxer{shape};
        EXPECT_TRUE(muxer.configure(track("sps"), log, {}));
        EXPECT_TRUE(muxer.configure(track("sps"), log, {}));
        EXPECT_EQ(muxer.configure(track("other"), log, {}), shape != Shape::closed);
    }
}

TEST(AnnexB, h265_where_it_is_wanted_has_its_video_parameter_sets_first_and_no_other_codec_follows) {
    media::TrackConfig config{.codec = media::Codec::h265, .timescale = 1000};
    config.vps = {bytes("vps")};
    config.sps = {bytes("sps")};
    config.pps = {bytes("pps")};
    const auto shared = std::make_shared<const media::TrackConfig>(std::move(config));
    const std::array tracks{media::Track{.kind = media::Kind::video, .config = shared}};
    Muxer muxer{Shape::plain, Codecs::h264_or_h265};
    EXPECT_TRUE(muxer.carries(tracks.front()));
    BlockLog log;
    EXPECT_TRUE(muxer.configure(tracks, log, {}));
    muxer.write(unit_of(shared, true, two_nals), log, {});
    EXPECT_EQ(as_text(flv::samples::bytes_of(log)),
              "\x00\x00\x00\x01vps\x00\x00\x00\x01sps\x00\x00\x00\x01pps"
              "\x00\x00\x00\x01one\x00\x00\x00\x01two"sv);
    const std::array other{media::Track{.kind = media::Kind::video, .config = config_of("sps")}};
    EXPECT_FALSE(muxer.configure(other, log, {}));
}

TEST(AnnexB, carries_h264_alone) {
    const Muxer muxer{Shape::plain};
    using media::Codec;
    EXPECT_TRUE(muxer.carries({.kind = media::Kind::video, .config = config_of("sps")}));
    EXPECT_TRUE(muxer.carries({.kind = media::Kind::video, .config = nullptr}));
    for (const Codec codec : {Codec::h265, Codec::av1, Codec::aac, Codec::mjpeg}) {
        EXPECT_FALSE(muxer.carries({.kind = media::kind_of(codec), .config = config_of("sps", codec)}));
    }
}

}   // namespace
}   // namespace millrace::annex_b
