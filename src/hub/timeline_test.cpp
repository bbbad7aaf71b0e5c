#include "hub/timeline.hpp"

#include "media/time.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

const auto video_config = std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
const auto audio_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::aac, .timescale = 44'100, .sample_rate = 44'100});

/// A publisher with 25 pictures and 44,100 samples a second, whose clock can be bent.
class Publisher {
public:
    media::AccessUnit video(std::int64_t ms) { return place({.track = 0, .config = video_config}, ms); }
    media::AccessUnit audio(std::int64_t ms) {
        return place({.track = 1, .config = audio_config, .duration = 1024}, ms);
    }
    void wait(Duration span) { now_ = now_ + span; }
    Timeline& timeline() { return timeline_; }

private:
    media::AccessUnit place(media::AccessUnit unit, std::int64_t ms) {
        unit.dts = media::rescale_nearest(ms, 1000, unit.config->timescale);
        unit.pts = unit.dts;
        timeline_.place(unit, now_);
        return unit;
    }
    Timeline timeline_;
    Instant now_ = Instant{} + 1s;
};

TEST(Timeline, a_sane_publishers_times_pass_unchanged_from_any_start) {
    for (const std::int64_t start : {0LL, 18'000'000LL, 2'160'000'000LL, 2'147'483'000LL, 4'294'967'000LL}) {
        Publisher publisher;
        for (int i = 0; i < 200; ++i) {
            publisher.wait(40ms);
            const media::AccessUnit unit = publisher.video(start + i * 40);
            EXPECT_EQ(unit.dts, (start + i * 40) * 90);
            EXPECT_FALSE(unit.discontinuity);
        }
    }
}

TEST(Timeline, audio_advances_by_its_samples_not_by_rounded_milliseconds) {
    Publisher publisher;
    const std::int64_t first = publisher.audio(0).dts;
    for (int i = 1; i < 1000; ++i) {
        publisher.wait(23ms);
        const std::int64_t ms = media::rescale_nearest(i * 1024, 44'100, 1000);
        const media::AccessUnit unit = publisher.audio(ms);
        EXPECT_EQ(unit.dts, first + i * 1024);
        EXPECT_EQ(unit.dts_ms(), ms);
        EXPECT_FALSE(unit.discontinuity);
    }
}

TEST(Timeline, audio_that_starts_between_milliseconds_keeps_every_one_of_them_and_soon_its_samples) {
    Publisher publisher;
    std::int64_t last = 0;
    for (int i = 0; i < 1000; ++i) {
        publisher.wait(23ms);
        const std::int64_t ms = media::rescale_nearest(1'764'321 + i * 1024, 44'100, 1000);
        const media::AccessUnit unit = publisher.audio(ms);
        EXPECT_EQ(unit.dts_ms(), ms) << "frame " << i;
        EXPECT_TRUE(i < 500 || unit.dts - last == 1024) << "frame " << i;
        last = unit.dts;
    }
}

TEST(Timeline, an_audio_step_beyond_the_slack_is_followed_and_marked) {
    Publisher publisher;
    publisher.audio(0);
    publisher.wait(123ms);
    const media::AccessUnit unit = publisher.audio(123);
    EXPECT_TRUE(unit.discontinuity);
    EXPECT_EQ(unit.dts_ms(), 123);
}

/// Bends both tracks' clocks by `jump` in the middle and checks that what comes out stays monotonic, together
/// and marked.
void expect_repaired(std::int64_t jump) {
    Publisher publisher;
    std::int64_t last_video = -1;
    std::int64_t last_audio = -1;
    int marks = 0;
    for (int i = 0; i < 500; ++i) {
        publisher.wait(40ms);
        const std::int64_t at = 1'000'000 + i * 40 + (i >= 250 ? jump : 0);
        const media::AccessUnit video = publisher.video(at);
        const media::AccessUnit audio = publisher.audio(at);
        EXPECT_GT(video.dts_ms(), last_video) << "frame " << i;
        EXPECT_GT(audio.dts_ms(), last_audio) << "frame " << i;
        EXPECT_LE(std::abs(video.dts_ms() - audio.dts_ms()), 40) << "frame " << i;
        EXPECT_NEAR(static_cast<double>(video.dts_ms()), static_cast<double>(1'000'000 + i * 40), 60);
        last_video = video.dts_ms();
        last_audio = audio.dts_ms();
        marks += video.discontinuity ? 1 : 0;
    }
    EXPECT_EQ(marks, 1);
}

TEST(Timeline, case_10_a_jump_of_ten_seconds_is_closed_and_marked) {
    expect_repaired(10'000);
}
/// The most that audio and video are ever apart when both clocks are bent by `jump` after 4 s. Pictures come
/// every 40 ms, sound every 23 ms, and what `burst` ms bring arrives at once.
std::int64_t apart_after(std::int64_t jump, std::int64_t bent_at, std::int64_t burst) {
    Publisher publisher;
    std::int64_t worst = 0;
    std::int64_t video = 1'000'000;   // how far each track is ahead of the publisher's unbent clock
    std::int64_t audio = 1'000'000;
    for (std::int64_t t = 0; t < 8000; ++t) {
        if (t % burst == 0) {
            publisher.wait(std::chrono::milliseconds{burst});
        }
        const std::int64_t at = 1'000'000 + t + (t >= bent_at ? jump : 0);
        if (t % 40 == 0) {
            video = publisher.video(at).dts_ms() - t;
        }
        if (t % 23 == 0) {
            audio = publisher.audio(at).dts_ms() - t;
            const bool both_bent = t < bent_at || t >= bent_at + 40;
            worst = both_bent ? std::max(worst, std::abs(audio - video)) : worst;
        }
    }
    return worst;
}

TEST(Timeline, case_10_tracks_stay_together_where_one_may_follow_a_step_and_another_must_jump) {
    for (const std::int64_t around : {-200, 3000}) {
        for (std::int64_t jump = around - 100; jump <= around + 400; jump += 3) {
            for (const std::int64_t burst : {1, 40, 350}) {
                for (const std::int64_t bent_at : {4000, 4003, 4017, 4025}) {
                    EXPECT_LE(apart_after(jump, bent_at, burst), 100)
                        << jump << " ms at " << bent_at << ", in bursts of " << burst << " ms";
                }
            }
        }
    }
}

TEST(Timeline, case_10_a_jump_of_a_day_is_closed_and_marked) {
    expect_repaired(86'400'000);
}
TEST(Timeline, case_10_a_step_back_of_an_hour_is_closed_and_marked) {
    expect_repaired(-900'000);
}
TEST(Timeline, case_10_a_restart_at_zero_is_closed_and_marked) {
    expect_repaired(-1'010'000);
}

TEST(Timeline, case_10_equal_and_slightly_backward_times_still_advance) {
    Publisher publisher;
    std::int64_t last = -1;
    for (const std::int64_t ms : {0, 40, 40, 40, 30, 20, 80, 120, 120, 160}) {
        publisher.wait(40ms);
        const media::AccessUnit unit = publisher.video(ms);
        EXPECT_GT(unit.dts_ms(), last);
        EXPECT_FALSE(unit.discontinuity);
        last = unit.dts_ms();
    }
    EXPECT_EQ(last, 160) << "small slips leave no lasting offset";
}

TEST(Timeline, a_pause_of_the_publisher_is_a_pause_not_a_jump) {
    Publisher publisher;
    publisher.video(0);
    publisher.wait(9s);
    const media::AccessUnit unit = publisher.video(9000);
    EXPECT_EQ(unit.dts_ms(), 9000);
    EXPECT_FALSE(unit.discontinuity);
}

TEST(Timeline, a_file_pushed_faster_than_its_time_passes_unchanged) {
    Publisher publisher;
    for (int i = 0; i < 1000; ++i) {
        EXPECT_EQ(publisher.video(i * 40).dts_ms(), i * 40);
    }
}

TEST(Timeline, composition_offsets_are_kept_through_a_jump) {
    Timeline timeline;
    media::AccessUnit unit{.config = video_config, .dts = 0, .pts = 7200};
    timeline.place(unit, Instant{} + 1s);
    EXPECT_EQ(unit.pts - unit.dts, 7200);
    media::AccessUnit later{.config = video_config, .dts = 90'000 * 1000, .pts = 90'000 * 1000 + 3600};
    timeline.place(later, Instant{} + 1040ms);
    EXPECT_TRUE(later.discontinuity);
    EXPECT_EQ(later.pts - later.dts, 3600);
}

TEST(Timeline, a_returning_publisher_goes_on_by_the_arrival_clock) {
    Publisher publisher;
    publisher.video(5000);
    publisher.audio(5000);
    publisher.timeline().restart();
    publisher.wait(4s);
    const media::AccessUnit video = publisher.video(77);
    const media::AccessUnit audio = publisher.audio(77);
    EXPECT_TRUE(video.discontinuity);
    EXPECT_EQ(video.dts_ms(), 9000);
    EXPECT_NEAR(static_cast<double>(audio.dts_ms()), 9000, 40);
}

TEST(Timeline, a_returning_publisher_whose_clock_went_on_only_while_it_sent_keeps_sound_with_its_pictures) {
    Publisher publisher;
    publisher.video(5000);
    publisher.audio(5000);
    publisher.timeline().restart();
    publisher.wait(4s);
    EXPECT_EQ(publisher.video(5040).dts_ms(), 9000);
    const media::AccessUnit audio = publisher.audio(5040);
    EXPECT_NEAR(static_cast<double>(audio.dts_ms()), 9000, 40);
    EXPECT_TRUE(audio.discontinuity);
    publisher.wait(40ms);
    EXPECT_EQ(publisher.video(5080).dts_ms(), 9040);
}

TEST(Timeline, a_late_track_with_a_clock_of_its_own_is_brought_to_the_others) {
    Publisher publisher;
    for (int i = 0; i < 100; ++i) {
        publisher.wait(40ms);
        publisher.video(3'600'000 + i * 40);
    }
    const media::AccessUnit audio = publisher.audio(0);
    EXPECT_NEAR(static_cast<double>(audio.dts_ms()), 3'600'000 + 99 * 40, 40);
    publisher.wait(40ms);
    EXPECT_EQ(publisher.video(3'600'000 + 4000).dts_ms(), 3'604'000) << "the others are not moved";
}

}   // namespace
}   // namespace millrace::hub
