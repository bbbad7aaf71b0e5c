#include "hub/moments.hpp"

#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

constexpr std::int64_t begin = 1'800'000'000'000'000;

/// Pictures every 40 ms.
Moments film(int pictures) {
    Moments moments;
    for (int i = 0; i < pictures; ++i) {
        media::AccessUnit unit{.track = 0, .config = toys::video_config, .dts = i * 3600, .pts = i * 3600};
        unit.capture = {{begin + i * 40'000}, media::CaptureTime::Label::capture};
        moments.note(unit);
    }
    return moments;
}

/// The time of the picture that was found, in ms; -1: none.
std::int64_t found(const Moments& moments, std::int64_t capture_ms) {
    media::TimedMessage message{.body = {}, .capture = {begin + capture_ms * 1000}};
    return moments.bind(message) ? message.pts / 90 : -1;
}

TEST(Moments, row_0_28_a_result_finds_the_picture_of_its_capture_time) {
    const Moments moments = film(50);
    EXPECT_EQ(found(moments, 400), 400);
    EXPECT_EQ(found(moments, 419), 400);
    EXPECT_EQ(found(moments, 421), 440);
    EXPECT_EQ(found(moments, 1960), 1960) << "the newest";
    EXPECT_EQ(found(moments, 1979), 1960);
    EXPECT_EQ(found(moments, 2000), 2000) << "a picture that is still on its way";
    EXPECT_EQ(found(moments, 3960), 3960);
    EXPECT_EQ(found(moments, 3970), -1) << "too far ahead";
    EXPECT_EQ(found(moments, -400), 0) << "a little before the first";
    EXPECT_EQ(found(moments, -600), -1);
}

TEST(Moments, a_result_without_a_time_is_of_the_newest_picture) {
    const Moments moments = film(3);
    media::TimedMessage message;
    ASSERT_TRUE(moments.bind(message));
    EXPECT_EQ(message.pts, 80 * 90);
    EXPECT_EQ(message.capture.microseconds, begin + 80'000);
    EXPECT_EQ(Moments{}.bind(message).error().code, Errc::not_found);
}

TEST(Moments, what_is_old_is_forgotten_and_reordered_pictures_find_their_places) {
    const Moments moments = film(1000);
    EXPECT_EQ(found(moments, 39'960), 39'960);
    EXPECT_EQ(found(moments, 30'000), 30'000);
    EXPECT_EQ(found(moments, 20'000), -1);
    Moments reordered;
    for (const std::int64_t i : {0, 3, 1, 2}) {
        media::AccessUnit unit{.track = 0, .config = toys::video_config, .dts = 0, .pts = i * 3600};
        unit.capture = {{begin + i * 40'000}, media::CaptureTime::Label::capture};
        reordered.note(unit);
    }
    EXPECT_EQ(found(reordered, 40), 40);
    EXPECT_EQ(found(reordered, 80), 80);
}

}   // namespace
}   // namespace millrace::hub
