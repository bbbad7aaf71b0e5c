#include "hub/cutter.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::hub {
namespace {

using media::AccessUnit;
using media::ConfigRef;
using media::Kind;

ConfigRef new_video() {
    return std::make_shared<const media::TrackConfig>(media::TrackConfig{.timescale = 90'000});
}
ConfigRef new_audio(std::int64_t rate = 48'000) {
    return std::make_shared<const media::TrackConfig>(
        media::TrackConfig{.codec = media::Codec::aac, .timescale = rate});
}

/// A stream that is led by hand; keeps the cuts that were made.
class Cutting {
public:
    explicit Cutting(Duration segment = 2s, std::int64_t started = 1000) : cutter{segment} {
        cutter.open_run(started);
    }
    media::CutRef video(double seconds, bool key, bool discontinuity = false) {
        const auto dts = static_cast<std::int64_t>(std::llround(seconds * 90'000));
        return add({.track = 0,
                    .config = video_config,
                    .dts = dts,
                    .pts = dts + composition,
                    .key = key,
                    .discontinuity = discontinuity});
    }
    media::CutRef audio(double seconds, bool discontinuity = false) {
        const auto dts = static_cast<std::int64_t>(std::llround(seconds * 48'000));
        return add({.track = 1,
                    .config = audio_config,
                    .dts = dts,
                    .pts = dts,
                    .duration = 1024,
                    .key = true,
                    .discontinuity = discontinuity});
    }
    /// Pictures and audio of a steady publisher from `from` up to `to` seconds.
    void steady(double from, double to, double fps, double gop) {
        const auto count = static_cast<int>(std::llround((to - from) * fps));
        const auto group = static_cast<int>(std::llround(gop * fps));
        for (int i = 0; i < count; ++i) {
            video(from + i / fps, i % group == 0);
            if (with_audio) {
                audio(from + i / fps + 0.01);
            }
        }
    }
    std::vector<double> lengths() const {
        std::vector<double> lengths;
        for (std::size_t i = 1; i < cuts.size(); ++i) {
            lengths.push_back(seconds(*cuts[i]) - seconds(*cuts[i - 1]));
        }
        return lengths;
    }
    static double seconds(const media::Cut& cut) {
        return static_cast<double>(cut.time) / static_cast<double>(cut.timescale);
    }

    Cutter cutter;
    ConfigRef video_config = new_video();
    ConfigRef audio_config = new_audio();
    Kind lead = Kind::video;
    bool with_audio = true;
    std::int64_t composition = 0;
    WallTime utc{1'800'000'000'000'000};
    media::CaptureTime::Label label = media::CaptureTime::Label::arrival;
    std::vector<media::CutRef> cuts;

private:
    media::CutRef add(AccessUnit unit) {
        unit.capture = {utc, label};
        media::CutRef cut = cutter.consider(unit, lead);
        if (cut != nullptr) {
            cuts.push_back(cut);
        }
        return cut;
    }
};

TEST(Cutter, row_1_13_segments_are_whole_groups_of_pictures) {
    struct Row {
        double fps;
        double gop;
        double length;
        std::int64_t target;
    };
    for (const Row& row : {Row{25, 2, 2, 2}, Row{30, 1, 2, 2}, Row{50, 0.5, 2, 2}, Row{25, 1.4, 2.8, 3},
                           Row{30'000.0 / 1001, 60 * 1001 / 30'000.0, 2.002, 2}, Row{25, 4, 4, 4},
                           Row{1, 1, 2, 2}, Row{25, 9.6, 9.6, 10}}) {
        Cutting stream;
        stream.steady(0, 40, row.fps, row.gop);
        ASSERT_GT(stream.cuts.size(), 3U);
        for (const double length : stream.lengths()) {
            EXPECT_NEAR(length, row.length, 1e-4) << row.gop;
        }
        EXPECT_EQ(stream.cutter.target_duration(), row.target) << row.gop;
        EXPECT_FALSE(stream.cutter.cuts_between_pictures());
        for (const media::CutRef& cut : stream.cuts) {
            EXPECT_TRUE(cut->independent && !cut->discontinuity);
        }
    }
}

TEST(Cutter, a_key_frame_a_rounded_millisecond_early_still_begins_a_segment) {
    Cutting stream;
    for (int i = 0; i < 500; ++i) {
        stream.video(i * 0.04 - (i == 50 ? 0.001 : 0), i % 50 == 0);
    }
    EXPECT_NEAR(stream.lengths().at(0), 1.999, 1e-6);
    EXPECT_NEAR(stream.lengths().at(1), 2.001, 1e-6);
}

TEST(Cutter, begins_with_the_first_key_frame_and_numbers_from_the_run_start_in_unix_seconds) {
    constexpr std::int64_t started = 1'767'225'600 + 46'500 * 600;   // 46,500 steps after 2026 began
    Cutting stream{2s, started};
    EXPECT_FALSE(stream.audio(0));
    EXPECT_FALSE(stream.video(0.04, false));
    const media::CutRef first = stream.video(0.08, true);
    ASSERT_TRUE(first);
    EXPECT_EQ(first->number, started);
    EXPECT_EQ(first->discontinuity_sequence, 46'500U) << "small, for hls.js";
    EXPECT_EQ(first->time, 7200);
    EXPECT_FALSE(stream.audio(0.09)) << "a track that begins in the first segment is nothing new";
    stream.steady(2.08, 8, 25, 2);
    EXPECT_EQ(stream.cuts.back()->number, started + 3);
    EXPECT_EQ(stream.cuts.back()->discontinuity_sequence, 46'500U);
}

TEST(Cutter, row_0_20_numbers_of_a_later_run_never_fall_back) {
    Cutting stream{2s, 1000};
    stream.steady(0, 20, 25, 2);
    stream.cutter.open_run(1004);
    stream.video(0, true);
    EXPECT_EQ(stream.cuts.back()->number, 1010U) << "on from the last";
    EXPECT_EQ(stream.cuts.back()->discontinuity_sequence, 1U);
    EXPECT_TRUE(stream.cuts.back()->discontinuity);
    stream.cutter.open_run(5000);
    stream.video(0, true);
    EXPECT_EQ(stream.cuts.back()->number, 5000U);
    EXPECT_EQ(stream.cuts.back()->discontinuity_sequence, 2U);
    EXPECT_EQ(stream.cutter.target_duration(), 2);
    Cutting restarted{2s, 1060};
    restarted.video(0, true);
    EXPECT_GT(restarted.cuts.back()->number, 1010U) << "a new server, a minute later";
}

TEST(Cutter, row_0_20_f10_numbers_do_not_fall_back_behind_a_clock_that_was_set_back) {
    constexpr std::int64_t started = 1'767'225'600 + 46'500 * 600;
    for (const std::int64_t hours : {1, -1}) {
        Cutting stream{2s, started};
        const auto last = static_cast<std::uint64_t>(started + hours * 3'600);
        stream.cutter.begin_behind(last);
        stream.video(0, true);
        const bool set_back = hours > 0;
        const std::uint64_t first = stream.cuts.back()->number;
        EXPECT_EQ(first, set_back ? last + Cutter::unknown_numbers : started);
        EXPECT_EQ(stream.cuts.back()->discontinuity_sequence, set_back ? 46'507U : 46'500U);
        stream.cutter.begin_behind(first + 10);
        stream.video(2, true);
        EXPECT_EQ(stream.cuts.back()->number, first + 1) << "a run under way goes on";
    }
    Cutting stream{2s, started};
    stream.cutter.begin_behind(UINT64_MAX);
    stream.video(0, true);
    EXPECT_EQ(stream.cuts.back()->number, started) << "no such number is one";
}

TEST(Cutter, after_a_cut_between_pictures_the_next_key_frame_begins_a_segment) {
    Cutting stream;
    stream.steady(0, 8, 25, 2);
    stream.steady(8, 11, 25, 3);   // longer than any before
    stream.steady(11, 15, 25, 2);
    ASSERT_EQ(stream.cuts.size(), 8U);
    EXPECT_FALSE(stream.cuts[5]->independent) << "8 and 11 lie further apart than the target";
    EXPECT_TRUE(stream.cuts[6]->independent);
    EXPECT_EQ(stream.cuts[6]->time, 11 * 90'000);
    EXPECT_EQ(stream.cuts[7]->time, 13 * 90'000);
}

TEST(Cutter, a_short_group_is_a_segment_where_the_next_would_not_fit_in_with_it) {
    Cutting stream;
    for (int round = 0; round < 10; ++round) {   // a file of 5 s that is played again and again
        stream.steady(round * 5, round * 5 + 5, 25, 2);
    }
    EXPECT_FALSE(stream.cutter.cuts_between_pictures());
    ASSERT_EQ(stream.cuts.size(), 30U);
    for (std::size_t at = 0; at < stream.cuts.size(); ++at) {
        EXPECT_TRUE(stream.cuts[at]->independent);
        EXPECT_EQ(stream.cuts[at]->time, static_cast<std::int64_t>((at / 3 * 5 + at % 3 * 2) * 90'000));
    }
}

TEST(Cutter, a_group_of_pictures_that_outgrows_the_target_is_cut_between_pictures) {
    Cutting stream;
    stream.steady(0, 10, 25, 2);
    EXPECT_FALSE(stream.cutter.cuts_between_pictures());
    stream.steady(10, 40, 25, 6);
    EXPECT_TRUE(stream.cutter.cuts_between_pictures());
    EXPECT_EQ(stream.cutter.target_duration(), 2);
    int dependent = 0;
    for (const media::CutRef& cut : stream.cuts) {
        EXPECT_FALSE(cut->discontinuity);
        dependent += cut->independent ? 0 : 1;
    }
    EXPECT_GT(dependent, 5);
    for (const double length : stream.lengths()) {
        EXPECT_LE(length, 2.4 + 1e-6);
    }
    stream.steady(40, 60, 25, 2);
    EXPECT_FALSE(stream.cutter.cuts_between_pictures()) << "mended";
}

TEST(Cutter, row_0_19_before_the_target_is_fixed_a_segment_ends_at_ten_seconds) {
    Cutting stream;
    stream.steady(0, 60, 25, 60);
    EXPECT_EQ(stream.cutter.target_duration(), 10);
    for (const double length : stream.lengths()) {
        EXPECT_LE(std::llround(length), 10);
        EXPECT_GT(length, 9);
    }
}

TEST(Cutter, without_pictures_it_cuts_by_time_at_an_audio_frame) {
    Cutting stream;
    stream.lead = Kind::audio;
    for (int i = 0; i < 1000; ++i) {
        stream.audio(i * 1024 / 48'000.0);
    }
    EXPECT_EQ(stream.cuts.front()->timescale, 48'000);
    for (const double length : stream.lengths()) {
        EXPECT_NEAR(length, 94 * 1024 / 48'000.0, 1e-9);
    }
    EXPECT_EQ(stream.cutter.target_duration(), 2);
}

TEST(Cutter, the_time_of_a_cut_is_when_its_picture_is_shown) {
    Cutting stream;
    stream.composition = 7200;
    stream.steady(0, 8, 25, 2);
    EXPECT_EQ(stream.cuts.at(0)->time, 7200);
    EXPECT_EQ(stream.cuts.at(1)->time, 180'000 + 7200);
}

TEST(Cutter, case_F20_a_changed_configuration_is_a_discontinuity_at_once) {
    Cutting stream;
    stream.steady(0, 4, 25, 2);
    stream.video_config = new_video();
    stream.steady(4, 4.4, 25, 2);
    stream.video_config = new_video();
    stream.steady(4.4, 10, 25, 2);
    ASSERT_EQ(stream.cuts.size(), 6U);
    EXPECT_NEAR(stream.lengths().at(2), 0.4, 1e-6);
    EXPECT_FALSE(stream.cuts.at(1)->discontinuity);
    EXPECT_TRUE(stream.cuts.at(2)->discontinuity && stream.cuts.at(3)->discontinuity);
    EXPECT_EQ(stream.cuts.at(3)->discontinuity_sequence, stream.cuts.at(0)->discontinuity_sequence + 2);
    EXPECT_FALSE(stream.cuts.at(4)->discontinuity);
}

TEST(Cutter, case_F20_audio_that_begins_or_changes_cuts_at_the_next_picture) {
    Cutting stream;
    stream.with_audio = false;
    stream.steady(0, 5, 25, 2);
    EXPECT_FALSE(stream.audio(5.01)) << "off until now";
    const media::CutRef on = stream.video(5.04, false);
    ASSERT_TRUE(on);
    EXPECT_TRUE(on->discontinuity && !on->independent);
    stream.audio(5.04);
    stream.audio_config = new_audio();
    EXPECT_FALSE(stream.audio(5.06));
    ASSERT_TRUE(stream.video(5.08, false));
    EXPECT_FALSE(stream.video(5.12, false));
}

TEST(Cutter, tracks_that_change_together_make_one_cut) {
    for (const bool audio_first : {false, true}) {
        Cutting stream;
        stream.steady(0, 4, 25, 2);
        stream.video_config = new_video();
        stream.audio_config = new_audio();
        if (audio_first) {
            stream.audio(4.01);
        }
        stream.steady(4, 8, 25, 2);
        ASSERT_EQ(stream.cuts.size(), 4U) << audio_first;
        EXPECT_TRUE(stream.cuts.at(2)->discontinuity);
        EXPECT_FALSE(stream.cuts.at(3)->discontinuity);
    }
}

TEST(Cutter, row_1_24_a_publisher_that_returns_makes_one_discontinuity) {
    for (const bool audio_first : {false, true}) {
        Cutting stream;
        stream.steady(0, 5, 25, 2);
        stream.cutter.change_publisher();
        stream.video_config = new_video();
        stream.audio_config = new_audio();
        if (audio_first) {
            EXPECT_FALSE(stream.audio(8.98, true));
        }
        EXPECT_TRUE(stream.video(9, true, true));
        EXPECT_FALSE(stream.audio(9.01, !audio_first));
        stream.steady(9.04, 13, 25, 2);
        ASSERT_EQ(stream.cuts.size(), 5U);
        EXPECT_TRUE(stream.cuts.at(3)->discontinuity);
        EXPECT_FALSE(stream.cuts.at(4)->discontinuity);
        EXPECT_EQ(stream.cutter.target_duration(), 2);
    }
}

TEST(Cutter, a_small_step_of_audio_is_no_discontinuity) {
    Cutting stream;
    stream.steady(0, 3, 25, 2);
    stream.audio(3.05, true);
    EXPECT_FALSE(stream.video(3.04, false));
    stream.audio(4.05, true);
    EXPECT_TRUE(stream.video(3.08, false)) << "a large one is";
}

TEST(Cutter, where_pictures_stay_away_audio_is_cut_by_time) {
    Cutting stream;
    stream.steady(0, 4, 25, 2);
    for (int i = 0; i < 1000; ++i) {
        stream.audio(4 + i * 1024 / 48'000.0);
    }
    ASSERT_GT(stream.cuts.size(), 8U);
    for (std::size_t i = 2; i < stream.cuts.size(); ++i) {
        EXPECT_NEAR(stream.lengths().at(i - 1), 2, 1e-4);
        EXPECT_FALSE(stream.cuts.at(i)->independent);
    }
    stream.video(25.4, false);
    const media::CutRef back = stream.video(26, true);
    ASSERT_TRUE(back);
    EXPECT_TRUE(back->independent && !back->discontinuity);
}

TEST(Cutter, the_capture_clock_of_cuts_advances_exactly_with_the_media) {
    Cutting stream;
    for (int i = 0; i < 1000; ++i) {
        const std::int64_t jitter = i % 7 * 10'000;
        stream.utc = {1'800'000'000'000'000 + i * 40'000 + jitter};
        stream.video(i * 0.04, i % 50 == 0);
    }
    for (std::size_t i = 1; i < stream.cuts.size(); ++i) {
        EXPECT_EQ(stream.cuts[i]->utc.microseconds - stream.cuts[i - 1]->utc.microseconds, 2'000'000);
    }
    const std::int64_t before = stream.cuts.back()->utc.microseconds;
    stream.utc = {1'800'000'000'000'000 + 40'000'000 + 500'000};
    stream.video(40, true);
    EXPECT_EQ(stream.cuts.back()->utc.microseconds - before, 2'500'000) << "over 100 ms wrong";
    stream.label = media::CaptureTime::Label::capture;
    stream.utc = {1'700'000'000'123'456};
    stream.video(42, true);
    EXPECT_EQ(stream.cuts.back()->utc, stream.utc) << "the publisher's own word";
}

TEST(Cutter, equal_units_make_equal_cuts) {
    Cutting one;
    Cutting other;
    for (Cutting* stream : {&one, &other}) {
        stream->steady(0, 13, 25, 5);
        stream->video_config = new_video();
        stream->steady(13, 20, 30, 1);
    }
    ASSERT_EQ(one.cuts.size(), other.cuts.size());
    for (std::size_t i = 0; i < one.cuts.size(); ++i) {
        EXPECT_EQ(one.cuts[i]->number, other.cuts[i]->number);
        EXPECT_EQ(one.cuts[i]->time, other.cuts[i]->time);
        EXPECT_EQ(one.cuts[i]->utc, other.cuts[i]->utc);
        EXPECT_EQ(one.cuts[i]->discontinuity_sequence, other.cuts[i]->discontinuity_sequence);
    }
}

}   // namespace
}   // namespace millrace::hub
