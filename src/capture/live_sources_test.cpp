#include "base/child.hpp"
#include "capture/devices.hpp"
#include "capture/libav_grabber.hpp"
#include "capture/live_for_tests.hpp"
#include "capture/raw_pictures.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <fstream>
#include <thread>

namespace millrace::capture {
namespace {

using namespace testing;

/// A pipe with these bytes in it, and its writer gone.
class Filled {
public:
    explicit Filled(std::vector<std::uint8_t> bytes) {
        EXPECT_EQ(::pipe(ends_.data()), 0);
        writer_ = std::thread{[bytes = std::move(bytes), end = ends_[1]] {
            std::size_t written = 0;
            while (written < bytes.size()) {
                const ssize_t count = ::write(end, bytes.data() + written, bytes.size() - written);
                written += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
            }
            ::close(end);
        }};
    }
    Filled(const Filled&) = delete;
    Filled& operator=(const Filled&) = delete;
    ~Filled() {
        writer_.join();
        ::close(ends_[0]);
    }
    int descriptor() const { return ends_[0]; }

private:
    std::array<int, 2> ends_{-1, -1};
    std::thread writer_;
};

}   // namespace

TEST(RawPictures, row_0_27_pictures_on_a_pipe_keep_their_bytes) {
    struct Case {
        PixelFormat format;
        std::size_t bytes;
    };
    for (const auto& [format, bytes] :
         {Case{PixelFormat::yuv420p, 270 * 50 * 3 / 2}, Case{PixelFormat::bgr24, 270 * 50 * 3},
          Case{PixelFormat::rgb24, 270 * 50 * 3}}) {
        std::vector<std::uint8_t> all(bytes * 2);
        for (std::size_t i = 0; i < all.size(); ++i) {
            all[i] = static_cast<std::uint8_t>(i * 7);
        }
        const Filled pipe{all};
        RawOptions options;
        options.size = {270, 50};   // its rows are no multiple of anything
        options.format = format;
        RawPictures pictures{pipe.descriptor(), options};
        for (std::size_t picture = 0; picture < 2; ++picture) {
            const Outcome<std::vector<Grab>> grabs = pictures.next();
            ASSERT_TRUE(grabs && grabs->size() == 1);
            const AVFrame& frame = *std::get<ffmpeg::Frame>(grabs->front().what);
            std::size_t at = picture * bytes;
            const bool planar = format == PixelFormat::yuv420p;
            for (unsigned plane = 0; plane < (planar ? 3U : 1U); ++plane) {
                const std::size_t row = planar ? (plane == 0 ? 270 : 135) : 270 * 3;
                for (int y = 0; y < (plane == 0 ? 50 : 25); ++y) {
                    ASSERT_TRUE(std::equal(all.begin() + static_cast<std::ptrdiff_t>(at),
                                           all.begin() + static_cast<std::ptrdiff_t>(at + row),
                                           frame.data[plane] + y * frame.linesize[plane]));
                    at += row;
                }
            }
        }
        EXPECT_TRUE(pictures.next()->empty()) << "the writer closed it";
    }
}

TEST(RawPictures, half_a_picture_at_the_end_is_said) {
    const Filled pipe{std::vector<std::uint8_t>(64 * 64 * 3 + 5)};
    RawOptions options;
    options.size = {64, 64};
    RawPictures pictures{pipe.descriptor(), options};
    EXPECT_TRUE(pictures.next());
    const Outcome<std::vector<Grab>> half = pictures.next();
    ASSERT_FALSE(half);
    EXPECT_NE(half.error().words.find("is its size right?"), std::string::npos);
}

TEST(RawPictures, who_takes_over_in_the_midst_of_a_picture_begins_with_the_next) {
    constexpr std::size_t bytes = 64 * 64 * 3;
    std::vector<std::uint8_t> all;
    for (std::uint8_t picture = 1; picture <= 3; ++picture) {
        all.insert(all.end(), bytes, picture);
    }
    const int place = ::memfd_create("place", MFD_CLOEXEC);
    ASSERT_EQ(::ftruncate(place, off_t{stdin_place_size}), 0);
    const Filled pipe{all};
    StdinPlace before{place};
    std::array<std::uint8_t, 1000> begun{};
    ASSERT_EQ(::read(pipe.descriptor(), begun.data(), begun.size()), ssize_t{begun.size()});
    before.count(begun.size());
    RawOptions options;
    options.size = {64, 64};
    RawPictures pictures{pipe.descriptor(), options, place};
    for (const int wanted : {2, 3}) {
        const Outcome<std::vector<Grab>> grabs = pictures.next();
        ASSERT_TRUE(grabs && grabs->size() == 1);
        const AVFrame& frame = *std::get<ffmpeg::Frame>(grabs->front().what);
        EXPECT_TRUE(
            std::all_of(frame.data[0], frame.data[0] + bytes, [&](int byte) { return byte == wanted; }));
    }
    EXPECT_TRUE(pictures.next()->empty());
    EXPECT_EQ(before.bytes(), all.size());
    ::close(place);
}

TEST(LibavGrabber, row_2_7_a_device_of_libavdevice_gives_pictures_with_its_rate_and_says_when_it_is_lost) {
    const Outcome<std::unique_ptr<Grabber>> device =
        LibavGrabber::open({.format = "lavfi",
                            .device = "testsrc=size=320x240:rate=25:duration=0.2",
                            .options = {},
                            .rate = {25, 1}});
    ASSERT_TRUE(device) << device.error().words;
    for (int i = 0; i < 5; ++i) {
        const Outcome<std::vector<Grab>> grabs = (*device)->next();
        ASSERT_TRUE(grabs && grabs->size() == 1);
        EXPECT_EQ(std::get<ffmpeg::Frame>(grabs->front().what)->width, 320);
        EXPECT_EQ(grabs->front().rate, (FrameRate{25, 1}));
    }
    const Outcome<std::vector<Grab>> lost = (*device)->next();
    ASSERT_FALSE(lost);
    EXPECT_NE(lost.error().words.find("was lost"), std::string::npos) << lost.error().words;
    EXPECT_FALSE(lost.error().lasting);
}

TEST(LibavGrabber, row_3_2_a_microphone_gives_samples) {
    const Outcome<std::unique_ptr<Grabber>> device = LibavGrabber::open(
        {.format = "lavfi", .device = "sine=frequency=440", .options = {}, .pictures = false});
    ASSERT_TRUE(device) << device.error().words;
    const Outcome<std::vector<Grab>> grabs = (*device)->next();
    ASSERT_TRUE(grabs && !grabs->empty());
    EXPECT_GT(std::get<ffmpeg::Frame>(grabs->front().what)->nb_samples, 0);
}

TEST(LiveSources, a_camera_that_is_missing_is_a_fault_that_may_pass) {
    const Outcome<std::unique_ptr<Source>> source = open_source("v4l2:/dev/video99", moment_at(0s));
    ASSERT_TRUE(source);
    const Collected got{**source};
    ASSERT_TRUE(got.fault);
    EXPECT_EQ(got.fault->words, "/dev/video99 is not there");
    EXPECT_FALSE(got.fault->lasting);
}

TEST(LiveSources, a_device_that_cannot_be_opened_is_said_in_words) {
    struct Case {
        int error;
        std::string_view words;
    };
    for (const Case& one :
         {Case{AVERROR(ENOENT), "/dev/video0 is not there"},
          Case{AVERROR(ENODEV), "/dev/video0 is not there"},
          Case{AVERROR(EBUSY), "/dev/video0 is in use by another program"},
          Case{AVERROR(EACCES), "may not be opened"},
          Case{AVERROR(EINVAL), "has no pictures of this format, size and rate"},
          Case{AVERROR(EIO), "does not answer"}, Case{AVERROR(ENOMEM), "Cannot allocate memory"}}) {
        const Fault fault = device_fault("/dev/video0", one.error);
        EXPECT_NE(fault.words.find(one.words), std::string::npos) << fault.words;
        EXPECT_FALSE(fault.lasting);
    }
}

TEST(Devices, are_listed_for_people_and_for_programs) {
    const std::string folder = ::testing::TempDir() + "/millrace-devices";
    std::filesystem::create_directories(folder + "/x11");
    std::ofstream{folder + "/x11/X7"};
    std::ofstream{folder + "/video0"} << "no device";
    std::ofstream{folder + "/pcm"} << "00-00: ALC257 \"A\" : ALC257 : playback 1 : capture 1\n"
                                      "00-03: HDMI 0 : HDMI 0 : playback 1\n";
    std::vector<Device> found =
        find_devices({.devices = folder, .sound = folder, .screens = folder + "/x11", .pulse = "/x"});
    std::filesystem::remove_all(folder);
    ASSERT_EQ(found.size(), 3U);
    EXPECT_EQ(json_of(found[0]),
              R"({"kind":"screen","source":"screen::7","name":"X11 display 7","formats":[]})");
    EXPECT_EQ(json_of(found[1]),
              R"({"kind":"microphone","source":"alsa:plughw:0,0","name":"ALC257 \"A\"","formats":[]})");
    EXPECT_EQ(found[2].source, "pulse:default");
    found[0].formats.push_back({"mjpeg", "640x480", {30, 29.97}});
    EXPECT_NE(json_of(found[0]).find(R"([{"format":"mjpeg","size":"640x480","fps":[30,29.97]}])"),
              std::string::npos);
    EXPECT_NE(text_of(found).find("format=mjpeg&size=640x480  30, 29.97 fps"), std::string::npos);
    EXPECT_NE(text_of({}).find("test:"), std::string::npos);
}

TEST(LiveSources, a_programs_raw_pictures_become_a_stream_that_ends_with_it) {
    const Outcome<std::unique_ptr<Source>> source = open_source(
        "exec:head -c 276480 /dev/zero?format=raw&size=256x144&fps=30&pixels=yuv420p", moment_at(0s));
    ASSERT_TRUE(source);
    const Collected got{**source};
    EXPECT_FALSE(got.fault) << got.fault->words;
    EXPECT_EQ(got.video.size(), 5U);
}

TEST(LiveSources, how_a_program_ended_is_said) {
    struct Case {
        std::string_view text;
        std::string_view words;
    };
    constexpr Case cases[] = {
        {"exec:/nonexistent/camera?format=raw&size=64x64", "cannot be started"},
        {"exec:false?format=raw&size=64x64", "ended with code 1"},
        {"exec:sh -c kill%20-9%20$$?format=raw&size=64x64", "ended by signal 9"},
        {"exec:echo nonsense?format=flv", "what the program writes"},
    };
    for (const Case& one : cases) {
        const Outcome<std::unique_ptr<Source>> source = open_source(one.text, moment_at(0s));
        ASSERT_TRUE(source);
        const Collected got{**source};
        ASSERT_TRUE(got.fault) << one.text;
        EXPECT_NE(got.fault->words.find(one.words), std::string::npos) << got.fault->words;
    }
}

}   // namespace millrace::capture
