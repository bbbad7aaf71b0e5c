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

template <class Options>
Options read(std::string_view text) {
    const Outcome<SourceOptions> options = parse_source(text);
    EXPECT_TRUE(options) << text << ": " << (options ? "" : options.error().words);
    const auto* mine = options ? std::get_if<Options>(&*options) : nullptr;
    return mine != nullptr ? *mine : Options{};
}

TEST(SourceOptions, row_2_7_devices_are_chosen_by_address) {
    const auto camera_device = read<DeviceOptions>(
        "v4l2:/dev/video0?size=640x480&fps=30&format=mjpeg&codec=h265&audio=pulse:&audio=opus");
    EXPECT_EQ(camera_device.camera, (DeviceName{"video4linux2", "/dev/video0"}));
    EXPECT_EQ(camera_device.size, (PictureSize{640, 480}));
    EXPECT_EQ(camera_device.rate, (FrameRate{30, 1}));
    EXPECT_EQ(camera_device.format, "mjpeg");
    EXPECT_EQ(camera_device.codec, media::Codec::h265);
    EXPECT_EQ(camera_device.microphone, (DeviceName{"pulse", "default"}));
    EXPECT_EQ(camera_device.audio, media::Codec::opus);
    EXPECT_FALSE(read<DeviceOptions>("v4l2:/dev/video0").audio) << "no microphone, no sound";
    const auto screen = read<DeviceOptions>("screen::0.0?region=640x480+10,20&fps=15");
    EXPECT_EQ(screen.camera, (DeviceName{"x11grab", ":0.0"}));
    EXPECT_EQ(screen.region, (PictureSize{640, 480}));
    EXPECT_EQ(screen.left, 10U);
    EXPECT_EQ(screen.top, 20U);
    EXPECT_EQ(read<DeviceOptions>("screen:").camera, (DeviceName{"x11grab", ""}));
    const auto microphone = read<DeviceOptions>("alsa:plughw:1,0");
    EXPECT_FALSE(microphone.camera);
    EXPECT_EQ(microphone.microphone, (DeviceName{"alsa", "plughw:1,0"}));
    EXPECT_EQ(microphone.audio, media::Codec::aac);
}

TEST(SourceOptions, row_0_27_raw_pictures_say_what_they_are) {
    const auto raw = read<RawOptions>("raw:-?size=640x360&fps=15&format=yuv420p&bitrate=1M");
    EXPECT_EQ(raw.size, (PictureSize{640, 360}));
    EXPECT_EQ(raw.rate, (FrameRate{15, 1}));
    EXPECT_EQ(raw.format, PixelFormat::yuv420p);
    EXPECT_EQ(raw.bitrate, 1'000'000U);
}

TEST(SourceOptions, a_program_is_a_list_of_words_without_a_shell) {
    const auto program =
        read<ExecOptions>("exec:/opt/my%20camera --name a%3Fb;$HOME  --fps 30?format=flv&codec=h264");
    EXPECT_EQ(program.words,
              (std::vector<std::string>{"/opt/my camera", "--name", "a?b;$HOME", "--fps", "30"}));
    EXPECT_EQ(program.format, "flv");
    ASSERT_TRUE(program.encode);
    EXPECT_FALSE(read<ExecOptions>("exec:cam").encode) << "passed on as it comes";
    EXPECT_FALSE(read<ExecOptions>("exec:cam?codec=copy").encode);
    const auto raw = read<ExecOptions>("exec:cam?format=raw&size=64x32&pixels=rgb24&codec=h265");
    EXPECT_EQ(raw.raw.size, (PictureSize{64, 32}));
    EXPECT_EQ(raw.raw.format, PixelFormat::rgb24);
    EXPECT_EQ(raw.raw.codec, media::Codec::h265);
}

TEST(SourceOptions, a_file_is_encoded_again_only_when_asked) {
    EXPECT_FALSE(read<FileOptions>("file:a.mp4?loop").encode);
    const auto file = read<FileOptions>("file:a.mp4?loop&codec=h265&bitrate=1M");
    EXPECT_TRUE(file.loop);
    ASSERT_TRUE(file.encode);
    EXPECT_EQ(file.encode->codec, media::Codec::h265);
    EXPECT_EQ(file.encode->bitrate, 1'000'000U);
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
        {"rtsp://10.0.0.7/1", "it has test:, file:, images:, v4l2:"},
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
        {"test:?codec=vp8", "codec='vp8': wanted is h264, h265, av1, mjpeg or copy"},
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
        {"test:?bframes=5", "bframes='5'"},
        {"test:?encoder=lib x", "encoder="},
        {"test:?quality=0", "quality='0'"},
        {"file:a.mp4?codec=vp8", "codec='vp8'"},
        {"v4l2:", "wants a device"},
        {"v4l2:/dev/video0?region=64x64", "no option 'region'"},
        {"v4l2:/dev/video0?audio=mp3", "audio='mp3'"},
        {"screen::0?region=64x64+1", "region="},
        {"screen::0?region=1x1", "region="},
        {"alsa:default?size=640x480", "no option 'size'"},
        {"raw:-", "wants raw:-?size"},
        {"raw:/dev/zero?size=64x64", "wants raw:-"},
        {"raw:-?size=64x64&format=nv12", "format='nv12'"},
        {"exec:", "wants a program"},
        {"exec:a%2", "cannot be read"},
        {"exec:a%00b", "cannot be read"},
        {"exec:a?format=raw", "wants size"},
        {"exec:a?format=avi", "format='avi'"},
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
