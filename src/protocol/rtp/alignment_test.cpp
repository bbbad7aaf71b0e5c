#include "protocol/rtp/alignment.hpp"

#include <gtest/gtest.h>

namespace millrace::rtp {
namespace {

media::AccessUnit unit_at(std::int64_t pts, std::int64_t timescale) {
    media::TrackConfig config;
    config.timescale = timescale;
    media::AccessUnit unit;
    unit.config = std::make_shared<const media::TrackConfig>(config);
    unit.pts = unit.dts = pts;
    return unit;
}

constexpr std::int64_t a_day_ago = -86'400'000'000;
static_assert(Alignment::start == 1s);   // the timescales below

TEST(Alignment, lays_tracks_by_arrival_where_nobody_says_more) {
    Alignment alignment;
    media::AccessUnit picture = unit_at(900'000, 90'000);
    media::AccessUnit sound = unit_at(123'456, 8'000);
    alignment.place(0, picture, Instant{} + 5s, {});
    alignment.place(1, sound, Instant{} + 5s + 40ms, {});
    EXPECT_EQ(picture.pts, 90'000);
    EXPECT_EQ(sound.pts, 8'320);
    media::AccessUnit next = unit_at(903'600, 90'000);
    alignment.place(0, next, Instant{} + 9s, {});
    EXPECT_EQ(next.pts, 93'600);
}

TEST(Alignment, leaves_room_for_what_belongs_before_the_first_unit) {
    Alignment alignment;
    media::AccessUnit picture = unit_at(900'000, 90'000);
    picture.dts -= 7'200;   // two B-frames follow
    alignment.place(0, picture, Instant{}, a_day_ago);
    EXPECT_EQ(picture.dts, 82'800);
    media::AccessUnit sound = unit_at(123'456, 8'000);
    alignment.place(1, sound, Instant{} + 10ms, a_day_ago - 21'000);
    EXPECT_EQ(sound.pts, 8'000 - 168);
}

TEST(Alignment, believes_rtp_info_and_sender_reports_before_arrival) {
    Alignment by_info;
    by_info.begins_at(0, 10s);
    by_info.begins_at(1, 100s);
    media::AccessUnit picture = unit_at(900'000 + 9'000, 90'000);   // 100 ms after the beginning
    media::AccessUnit sound = unit_at(800'000 + 800, 8'000);        // as well
    by_info.place(0, picture, Instant{}, {});
    by_info.place(1, sound, Instant{} + 700ms, {});
    EXPECT_EQ(picture.pts, 99'000);
    EXPECT_EQ(sound.pts, 8'800);
    Alignment by_reports;
    picture = unit_at(0, 90'000);
    sound = unit_at(5'000, 8'000);
    by_reports.place(0, picture, Instant{}, a_day_ago);
    by_reports.place(1, sound, Instant{} + 700ms, a_day_ago + 250'000);
    EXPECT_EQ(sound.pts, 10'000);
}

TEST(Alignment, moves_a_track_slowly_and_by_a_marked_step_where_it_is_far_off) {
    Alignment alignment;
    media::AccessUnit picture = unit_at(0, 90'000);
    alignment.place(0, picture, Instant{}, 0);
    media::AccessUnit sound = unit_at(0, 8'000);
    alignment.place(1, sound, Instant{}, {});
    std::int64_t last = sound.pts;
    for (std::int64_t i = 1; i <= 1'000; ++i) {
        sound = unit_at(i * 160, 8'000);
        alignment.place(1, sound, Instant{}, i * 20'000 + 100'000);   // it is 100 ms late, they say
        EXPECT_FALSE(sound.discontinuity);
        EXPECT_NEAR(static_cast<double>(sound.pts - last), 160, 3);
        last = sound.pts;
    }
    EXPECT_NEAR(static_cast<double>(sound.pts), 168'800, 2);
    sound = unit_at(1'001 * 160, 8'000);
    alignment.place(1, sound, Instant{}, 1'001 * 20'000 + 5'000'000);
    EXPECT_TRUE(sound.discontinuity);
    EXPECT_EQ(sound.pts, 1'001 * 160 + 48'000);
    sound = unit_at(1'002 * 160, 8'000);
    alignment.place(1, sound, Instant{}, a_day_ago);   // a clock that nobody set
    EXPECT_FALSE(sound.discontinuity);
}

}   // namespace
}   // namespace millrace::rtp
