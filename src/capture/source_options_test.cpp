#include "capture/source_options.hpp"

#include <gtest/gtest.h>

namespace millrace::capture {

namespace {

CameraOptions camera(std::string_view text) {
    const Outcome<SourceOptions> options = parse_source(text);
    EXPECT_TRUE(options) << text << ": " << (options ? "" : options.error().words);
    return options ? std::get<CameraOptions>(*options) : CameraOptions{};
}

}   // namespace

TEST(SourceOptions, a_bare_test_source_has_defaults) {
    for (const std::string_view text : {"test:", "test:?"}) {
        const CameraOptions options = camera(text);
        EXPECT_EQ(options.width, 1280U);
        EXPECT_EQ(options.height, 720U);
        EXPECT_EQ(options.frame_rate, (FrameRate{30, 1}));
        EXPECT_EQ(options.codec, media::Codec::h264);
        EXPECT_EQ(options.bitrate, 2'000'000U);
        EXPECT_EQ(options.gop, 1s);
        EXPECT_TRUE(options.audio);
    }
}

TEST(SourceOptions, every_option_is_read) {
    const CameraOptions options = camera(
        "test:?size=640x360&fps=30000/1001&codec=h265&bitrate=1.5M&gop=500ms&audio=none&preset=veryfast");
    EXPECT_EQ(options.width, 640U);
    EXPECT_EQ(options.height, 360U);
    EXPECT_EQ(options.frame_rate, (FrameRate{30'000, 1001}));
    EXPECT_EQ(options.codec, media::Codec::h265);
    EXPECT_EQ(options.bitrate, 1'500'000U);
    EXPECT_EQ(options.gop, 500ms);
    EXPECT_FALSE(options.audio);
    EXPECT_EQ(options.preset, "veryfast");
    EXPECT_EQ(camera("test:?bitrate=800k").bitrate, 800'000U);
    EXPECT_EQ(camera("test:?bitrate=123456").bitrate, 123'456U);
}

TEST(SourceOptions, files_have_a_path_and_may_loop) {
    const Outcome<SourceOptions> looped = parse_source("file:a movie?.mp4?loop");
    ASSERT_TRUE(looped);
    EXPECT_EQ(std::get<FileOptions>(*looped).path, "a movie?.mp4");
    EXPECT_TRUE(std::get<FileOptions>(*looped).loop);
    const Outcome<SourceOptions> once = parse_source("file:/srv/movie.mp4");
    ASSERT_TRUE(once);
    EXPECT_EQ(std::get<FileOptions>(*once).path, "/srv/movie.mp4");
    EXPECT_FALSE(std::get<FileOptions>(*once).loop);
}

TEST(SourceOptions, images_are_a_list_and_a_rate) {
    const Outcome<SourceOptions> options = parse_source("images:1.jpg,a b/2.jpg,3.jpg?fps=3/2");
    ASSERT_TRUE(options);
    const auto& images = std::get<ImagesOptions>(*options);
    EXPECT_EQ(images.paths, (std::vector<std::string>{"1.jpg", "a b/2.jpg", "3.jpg"}));
    EXPECT_EQ(images.frame_rate, (FrameRate{3, 2}));
    EXPECT_EQ(std::get<ImagesOptions>(*parse_source("images:1.jpg")).frame_rate, (FrameRate{1, 1}));
    std::string many = "images:1.jpg";
    for (std::size_t i = 0; i < ImagesOptions::images_max; ++i) {
        many += ",1.jpg";
    }
    EXPECT_FALSE(parse_source(many));
}

TEST(SourceOptions, what_is_unknown_or_out_of_range_is_refused_by_name) {
    struct Case {
        std::string_view text;
        std::string_view words;
    };
    constexpr Case cases[] = {
        {"", "is no source"},
        {"tests:", "'tests:' is no source"},
        {"test", "is no source"},
        {"test:size=640x360", "is no source"},
        {"rtsp://10.0.0.7/1", "it has test:, file: and images:"},
        {"test:?colour=red", "no option 'colour'"},
        {"test:?size", "size=''"},
        {"test:?&", "no option ''"},
        {"test:?size=640", "size='640': wanted is WIDTHxHEIGHT"},
        {"test:?size=641x360", "size="},
        {"test:?size=254x144", "size="},
        {"test:?size=8192x144", "size="},
        {"test:?size=640x360x2", "size="},
        {"test:?size=-640x360", "size="},
        {"test:?fps=0", "fps='0'"},
        {"test:?fps=121", "fps="},
        {"test:?fps=1/0", "fps="},
        {"test:?fps=1/2", "fps="},
        {"test:?codec=vp8", "codec='vp8': wanted is h264 or h265"},
        {"test:?bitrate=2G", "bitrate="},
        {"test:?bitrate=M", "bitrate="},
        {"test:?bitrate=49k", "bitrate="},
        {"test:?bitrate=nan", "bitrate="},
        {"test:?bitrate=1e9", "bitrate="},
        {"test:?gop=1", "gop='1'"},
        {"test:?gop=11s", "gop="},
        {"test:?audio=mp3", "audio="},
        {"test:?preset=placebo", "preset="},
        {"test:?preset=a\nb", "preset='a?b'"},
        {"file:", "wants a path"},
        {"file:a.mp4?lop", "no option 'lop'"},
        {"images:", "wants files"},
        {"images:a.jpg,,b.jpg", "wants files"},
        {"images:?fps=1", "wants files"},
        {"images:a.jpg?fps=0", "fps='0'"},
        {"images:a.jpg?fps=61", "fps='61'"},
        {"images:a.jpg?fps=1/2", "fps='1/2'"},
        {"images:a.jpg?loop", "no option 'loop'"},
    };
    for (const Case& one : cases) {
        const Outcome<SourceOptions> options = parse_source(one.text);
        ASSERT_FALSE(options) << one.text;
        EXPECT_NE(options.error().words.find(one.words), std::string::npos) << options.error().words;
        EXPECT_TRUE(options.error().lasting);
    }
}

TEST(SourceOptions, frames_are_due_at_their_own_moments) {
    for (const FrameRate rate :
         {FrameRate{30, 1}, FrameRate{25, 1}, FrameRate{30'000, 1001}, FrameRate{120, 1}}) {
        EXPECT_EQ(rate.due_by(-1ns), 0);
        for (const std::int64_t frame : {0LL, 1LL, 2LL, 29LL, 1000LL, 10'000'000LL}) {
            EXPECT_EQ(rate.due_by(rate.at(frame)), frame + 1);
            EXPECT_EQ(rate.due_by(rate.at(frame) - 1ns), frame);
        }
    }
    EXPECT_EQ((FrameRate{30, 1}.at(30 * 3600)), Duration{1h}) << "no drift";
}

}   // namespace millrace::capture
