#include "hub/verdicts.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

constexpr WallTime utc{1'800'000'000'000'000};

Instant at(Duration since) {
    return Instant::from_nanoseconds(since.count());
}

std::vector<std::string_view> codes(const Verdicts& verdicts) {
    std::vector<std::string_view> codes;
    for (const Verdict& verdict : verdicts.list()) {
        codes.push_back(verdict.code);
    }
    return codes;
}

std::string only_text(const Health& health) {
    Verdicts verdicts;
    verdicts.judge(health, at(0s), utc);
    return verdicts.list().size() == 1 ? verdicts.list()[0].text : "not one verdict";
}

Health sound() {
    return {.since_key = 1s, .gop = 2s};
}

/// Judges each second from `from` to `to` with this average QP.
void judge(Verdicts& verdicts, std::optional<double> qp, Duration from, Duration to) {
    for (Duration now = from; now <= to; now += 1s) {
        Health health = sound();
        health.slice_qp = qp;
        verdicts.judge(health, at(now), utc);
    }
}

TEST(Verdicts, row_4_24_a_qp_that_is_out_of_its_band_for_ten_seconds_is_spoken_of) {
    Verdicts verdicts;
    judge(verdicts, 33.0, 0s, 9s);
    EXPECT_TRUE(codes(verdicts).empty());
    judge(verdicts, 33.0, 10s, 11s);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"qp_high"});
    EXPECT_EQ(verdicts.list()[0].weight, Weight::note);
    EXPECT_NE(verdicts.list()[0].text.find("above the band of 20 to 25"), std::string::npos);
    judge(verdicts, std::nullopt, 12s, 30s);
    judge(verdicts, 22.0, 31s, 40s);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"qp_high"}) << "in it, but not for long";
    judge(verdicts, 22.0, 41s, 42s);
    EXPECT_TRUE(codes(verdicts).empty());
    judge(verdicts, 12.0, 43s, 60s);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"qp_low"});
    verdicts.end();
    EXPECT_TRUE(codes(verdicts).empty());
}

TEST(Verdicts, row_4_24_a_qp_that_leaves_its_band_now_and_then_is_not_spoken_of) {
    Verdicts verdicts;
    for (Duration now = 0s; now < 60s; now += 10s) {
        judge(verdicts, 33.0, now, now + 8s);
        judge(verdicts, 24.0, now + 9s, now + 9s);
    }
    EXPECT_TRUE(codes(verdicts).empty());
}

TEST(Verdicts, says_nothing_of_a_sound_stream) {
    Verdicts verdicts;
    EXPECT_TRUE(verdicts.judge(sound(), at(0s), utc).empty());
    EXPECT_TRUE(verdicts.list().empty());
    EXPECT_TRUE(verdicts.judge({}, at(1s), utc).empty());
}

TEST(Verdicts, says_in_words_what_is_wrong_and_how_to_mend_it) {
    struct Row {
        std::string_view code;
        std::string_view words;
        void (*spoil)(Health& health);
    };
    const std::vector<Row> rows{
        {"silent", "connected but sends nothing", [](Health& health) { health.silent = 3s; }},
        {"no_key_frame", "No key frame came for over 20 s: newcomers see nothing",
         [](Health& health) { health.since_key = 43s; }},
        {"joining_slow", "over 8 MB back", [](Health& health) { health.cached = false; }},
        {"segments_between_pictures", "further apart than the 10 s that a segment may last",
         [](Health& health) { health.forced_cut_seconds = 10; }},
        {"key_frames_far", "Key frames come every 8 s", [](Health& health) { health.gop = 8300ms; }},
        {"b_frames", "keep every picture 67 ms back", [](Health& health) { health.reordering = 66'700us; }},
        {"clock_drift", "clock runs slow by about 50 ms in a minute. Let",
         [](Health& health) { health.drift_ms_per_minute = 58; }},
        {"clock_drift", "clock runs fast by about 2000 ms in a minute. It does not send at the pace",
         [](Health& health) { health.drift_ms_per_minute = -2900; }},
        {"frames_lost", "over 10 frames came broken", [](Health& health) { health.unusable = 12; }},
        {"timestamps_jump", "jumped 1 time:", [](Health& health) { health.jumps = 1; }},
        {"track_left_out", "The form ts cannot carry AV1, and goes out without that track",
         [](Health& health) { health.left_out = {{"ts", media::Codec::av1}}; }},
    };
    for (const Row& row : rows) {
        Health health = sound();
        row.spoil(health);
        Verdicts verdicts;
        verdicts.judge(health, at(0s), utc);
        ASSERT_EQ(verdicts.list().size(), 1U) << row.code;
        EXPECT_EQ(verdicts.list()[0].code, row.code);
        EXPECT_NE(verdicts.list()[0].text.find(row.words), std::string::npos) << verdicts.list()[0].text;
        EXPECT_TRUE(verdicts.list()[0].text.ends_with('.')) << verdicts.list()[0].text;
    }
}

TEST(Verdicts, case_f5_says_that_a_full_disk_keeps_nothing_and_what_to_do) {
    Health health = sound();
    health.not_recorded = "disk full";
    EXPECT_EQ(only_text(health),
              "Nothing of this stream is recorded now (disk full). Make room on the disk of "
              "storage.path, or let storage.keep say less; this node's log says whether bytes, files or a "
              "quota are used up. It goes on by itself.");
    health.not_recorded = "disk failed";
    EXPECT_NE(only_text(health).find("(disk failed). Look at the disk"), std::string::npos);
}

TEST(Verdicts, speak_of_a_disk_that_is_too_slow_for_a_minute) {
    Verdicts verdicts;
    Health health = sound();
    health.unrecorded = 30;
    verdicts.judge(health, at(0s), utc);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"disk_slow"});
    EXPECT_NE(verdicts.list()[0].text.find("over 20 frames were not recorded"), std::string::npos);
    verdicts.judge(health, at(61s), utc);
    EXPECT_TRUE(codes(verdicts).empty());
}

TEST(Verdicts, speak_of_chunks_that_came_out_otherwise) {
    Verdicts verdicts;
    Health health = sound();
    health.chunks_different = 3;
    verdicts.judge(health, at(0s), utc);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"chunks_differ"});
    EXPECT_NE(verdicts.list()[0].text.find("3 chunks came out other"), std::string::npos);
    verdicts.judge(health, at(61s), utc);
    EXPECT_TRUE(codes(verdicts).empty());
}

TEST(Verdicts, begins_once_changes_in_steps_and_ends_once) {
    Verdicts verdicts;
    Health health = sound();
    std::vector<std::string> told;
    for (int second = 1; second < 120; ++second) {
        health.since_key = second * Duration{1s};
        for (const VerdictChange& change : verdicts.judge(health, at(second * Duration{1s}), utc)) {
            told.push_back(fmt::format("{} {}", static_cast<int>(change.what), change.verdict.code));
        }
    }
    EXPECT_EQ(told, (std::vector<std::string>{"0 no_key_frame", "1 no_key_frame", "1 no_key_frame",
                                              "1 no_key_frame"}));
    const auto changes = verdicts.judge(sound(), at(120s), utc);
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].what, VerdictChange::What::ends);
    EXPECT_TRUE(verdicts.judge(sound(), at(121s), utc).empty());
}

TEST(Verdicts, remembers_since_when) {
    Verdicts verdicts;
    Health health = sound();
    health.reordering = 40ms;
    verdicts.judge(health, at(0s), {5});
    health.reordering = 80ms;
    verdicts.judge(health, at(1s), {6});
    EXPECT_EQ(verdicts.list()[0].since.microseconds, 5);
    EXPECT_NE(verdicts.list()[0].text.find("80 ms"), std::string::npos);
}

TEST(Verdicts, speaks_of_losses_for_a_minute_and_counts_each_spell_anew) {
    Verdicts verdicts;
    Health health = sound();
    health.unusable = 3;
    verdicts.judge(health, at(0s), utc);
    verdicts.judge(health, at(59s), utc);
    EXPECT_EQ(codes(verdicts), std::vector<std::string_view>{"frames_lost"});
    verdicts.judge(health, at(60s), utc);
    EXPECT_TRUE(codes(verdicts).empty());
    health.unusable = 5;
    verdicts.judge(health, at(70s), utc);
    EXPECT_NE(verdicts.list()[0].text.find("2 frames came broken"), std::string::npos);
}

TEST(Verdicts, drift_about_the_limit_does_not_come_and_go) {
    Verdicts verdicts;
    Health health = sound();
    health.drift_ms_per_minute = 21;
    verdicts.judge(health, at(0s), utc);
    health.drift_ms_per_minute = 18;
    verdicts.judge(health, at(1s), utc);
    EXPECT_EQ(codes(verdicts).size(), 1U);
    health.drift_ms_per_minute = 14;
    verdicts.judge(health, at(2s), utc);
    EXPECT_TRUE(codes(verdicts).empty());
    health.drift_ms_per_minute = 18;
    verdicts.judge(health, at(3s), utc);
    EXPECT_TRUE(codes(verdicts).empty());
}

TEST(Verdicts, a_segment_as_long_as_its_key_frames_are_apart_is_no_fault) {
    Health health = sound();
    health.gop = 2040ms;
    EXPECT_EQ(only_text(health), "not one verdict");
    health.segment = 6s;
    health.gop = 4s;
    EXPECT_EQ(only_text(health), "not one verdict");
    health.gop = 6s;
    EXPECT_NE(only_text(health), "not one verdict");
}

TEST(Verdicts, nobody_publishes_and_all_is_over) {
    Verdicts verdicts;
    Health health = sound();
    health.unusable = 4;
    health.reordering = 40ms;
    verdicts.judge(health, at(0s), utc);
    EXPECT_EQ(verdicts.end().size(), 2U);
    EXPECT_TRUE(verdicts.list().empty());
    EXPECT_TRUE(verdicts.end().empty());
}

}   // namespace
}   // namespace millrace::hub
