#include "playback/sound_pacer.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

namespace millrace::playback {
namespace {

const Instant start = Instant::from_nanoseconds(1'000'000'000'000);
constexpr std::size_t unit_frames = 1024;   // as AAC has them
constexpr Duration step = 10ms;
/// Frames of a millisecond say which one of the stream it is, so what is heard says where it belongs.
constexpr std::int64_t frames_a_millisecond = sound_rate / 1000;

struct Heard {
    std::int64_t millisecond = 0;   ///< of the stream; 0: silence
    Instant at;
};

/// A sound card on virtual time, with a clock of its own.
struct Card final : SoundDevice {
    capture::Outcome<std::size_t> write(std::span<const std::int16_t> samples) override {
        if (lost) {
            return std::unexpected(capture::Fault{"it was pulled out", false});
        }
        const std::size_t frames = std::min(samples.size() / sound_channels, room);
        for (std::size_t i = 0; i < frames; ++i) {
            const Duration since = std::max(until, now) - start;
            until = start + since + Duration{static_cast<std::int64_t>(std::lround(1e9 / rate))};
            heard.push_back({samples[i * sound_channels], start + since});
        }
        return frames;
    }
    Duration held() override { return knows ? std::max(until - now, Duration{0}) : Duration{0}; }

    Instant now = start;
    Instant until = start;
    double rate = sound_rate;
    std::size_t room = SIZE_MAX;
    bool knows = true;
    bool lost = false;
    std::vector<Heard> heard;
};

/// A stream whose sound comes in units at an even pace, each as far ahead as it is wanted, and is heard.
class PlayedSound : public testing::Test {
protected:
    /// Plays for so long; units for which `comes` is false are lost on the way.
    void play(
        Duration time, const std::function<bool(std::size_t)>& comes = [](std::size_t) { return true; }) {
        for (const Instant end = card_.now + time; card_.now < end; card_.now = card_.now + step) {
            while (moment_of(next_) <= card_.now + pacer_.ahead()) {
                if (comes(next_ / unit_frames)) {
                    pacer_.take(unit(next_), card_.now);
                }
                next_ += unit_frames;
            }
            ASSERT_TRUE(pacer_.feed(card_, card_.now));
        }
    }
    Instant moment_of(std::size_t frame) const { return start + line_ + sound_duration(frame); }
    Sound unit(std::size_t first) const {
        Sound sound{.samples = {}, .at = moment_of(first), .stream_time = sound_duration(first)};
        for (std::size_t i = 0; i < unit_frames; ++i) {
            const auto millisecond = static_cast<std::int16_t>((first + i) / frames_a_millisecond + 1);
            sound.samples.insert(sound.samples.end(), sound_channels, millisecond);
        }
        return sound;
    }
    /// The farthest that anything was heard from its moment, from `begin` on.
    Duration apart(Instant begin = start) const {
        Duration most{};
        for (const Heard& one : card_.heard) {
            const Instant due = start + line_ + std::chrono::milliseconds{one.millisecond - 1};
            const Duration apart = one.at > due ? one.at - due : due - one.at;
            most = one.millisecond == 0 || one.at < begin ? most : std::max(most, apart);
        }
        return most;
    }
    bool in_order() const {
        std::int64_t before = 0;
        for (const Heard& one : card_.heard) {
            if (one.millisecond != 0 && one.millisecond < before) {
                return false;
            }
            before = one.millisecond == 0 ? before : one.millisecond;
        }
        return true;
    }
    std::size_t silent_frames(Instant begin) const {
        return static_cast<std::size_t>(std::ranges::count_if(
            card_.heard, [begin](const Heard& one) { return one.millisecond == 0 && one.at >= begin; }));
    }
    const SoundPacer::Counters& counters() const { return pacer_.counters(); }

    Card card_;
    SoundPacer pacer_;
    Duration line_ = 200ms;   // from the stream's time to ours
    std::size_t next_ = 0;
};

constexpr Duration close_by = 5ms;

}   // namespace

TEST_F(PlayedSound, row_4_11_each_sample_is_heard_at_its_moment_and_none_is_missing) {
    play(10s);
    EXPECT_LE(apart(), close_by);
    EXPECT_TRUE(in_order());
    EXPECT_EQ(silent_frames(start + line_ + 1ms), 0U);
    EXPECT_EQ(counters().filled + counters().dropped, 0ns);
    EXPECT_EQ(counters().late, 0U);
    EXPECT_GE(counters().played, 9800ms);
    ASSERT_TRUE(pacer_.line());
    EXPECT_LE(std::abs((*pacer_.line() - (start - Instant{}) - line_) / 1us), close_by / 1us);
}

TEST_F(PlayedSound, row_4_11_a_card_with_a_clock_of_its_own_is_met_without_a_gap) {
    for (const double error : {300e-6, -300e-6}) {
        card_ = Card{};
        pacer_ = SoundPacer{};
        next_ = 0;
        card_.rate = sound_rate * (1 + error);
        play(30s);
        EXPECT_LE(apart(), SoundPacer::apart_max) << error;
        EXPECT_TRUE(in_order());
        EXPECT_EQ(counters().filled + counters().dropped, 0ns) << error;
    }
}

TEST_F(PlayedSound, silence_stands_for_what_did_not_come) {
    play(3s, [](std::size_t unit) { return unit != 50 && unit != 51; });
    const Duration missing = sound_duration(2 * unit_frames);
    EXPECT_LE(apart(), SoundPacer::apart_max);
    EXPECT_NEAR(static_cast<double>(counters().filled / 1us), static_cast<double>(missing / 1us), 10e3);
    EXPECT_EQ(counters().dropped, 0ns);
    play(4s, [](std::size_t unit) { return unit > 270; });
    EXPECT_LE(counters().filled, missing + 10ms) << "a pause of more than two seconds is no gap";
}

TEST_F(PlayedSound, what_comes_behind_its_moment_is_left_out_and_counted) {
    play(1s);
    const auto before = counters();
    line_ = -500ms;   // the stream has gone on meanwhile
    pacer_.take(unit(next_), card_.now);
    next_ += unit_frames;
    EXPECT_EQ(counters().late, before.late + 1);
    const auto now = static_cast<std::size_t>(sound_frames(card_.now - start - line_ + pacer_.ahead()));
    next_ = now / unit_frames * unit_frames;
    play(2s);
    EXPECT_GE(counters().dropped, sound_duration(unit_frames));
    EXPECT_LE(apart(card_.now - 1500ms), SoundPacer::apart_max);
}

TEST_F(PlayedSound, row_4_11_where_the_line_moves_sound_follows_within_40_ms) {
    play(2s);
    for (const Duration by : {100ms, -100ms, 15ms}) {
        line_ += by;
        play(1s);
        EXPECT_LE(apart(card_.now - 500ms), SoundPacer::apart_max) << by / 1ms;
    }
    EXPECT_GE(counters().dropped, 70ms);
    EXPECT_GE(counters().filled, 70ms);
}

TEST_F(PlayedSound, a_card_that_runs_dry_holds_more_from_then_on) {
    play(1s);
    const Duration before = pacer_.ahead();
    card_.now = card_.now + 150ms;   // nobody fed it
    play(2s);
    EXPECT_EQ(pacer_.ahead(), before + SoundPacer::held_step);
    EXPECT_LE(apart(card_.now - 1s), SoundPacer::apart_max);
    for (int i = 0; i < 20; ++i) {
        card_.now = card_.now + 300ms;
        play(500ms);
    }
    EXPECT_EQ(pacer_.ahead(), SoundPacer::held_max + SoundPacer::handed_over);
}

TEST_F(PlayedSound, a_card_that_does_not_know_what_it_holds_is_fed_by_our_clock) {
    card_.knows = false;
    play(5s);
    EXPECT_LE(apart(), close_by);
    EXPECT_TRUE(in_order());
    EXPECT_EQ(counters().filled + counters().dropped, 0ns);
    EXPECT_LE(card_.until - card_.now, SoundPacer::held_min + step);
}

TEST_F(PlayedSound, a_card_with_little_room_gets_every_sample_once) {
    card_.room = 700;
    play(2s);
    EXPECT_TRUE(in_order());
    EXPECT_EQ(silent_frames(start + line_ + 1ms), 0U);
    EXPECT_EQ(counters().dropped, 0ns);
}

TEST_F(PlayedSound, muted_sound_goes_on_unheard) {
    play(1s);
    const Instant muted = card_.until;
    pacer_.set_volume(0);
    play(1s);
    EXPECT_GE(silent_frames(muted), static_cast<std::size_t>(sound_frames(card_.until - muted)));
    pacer_.set_volume(100);
    play(1s);
    EXPECT_LE(apart(), close_by);
    EXPECT_EQ(counters().filled + counters().dropped, 0ns);
}

TEST_F(PlayedSound, what_waits_is_bounded) {
    const Duration ahead = 10s;
    line_ += ahead;
    for (std::size_t i = 0; i < 500; ++i) {
        pacer_.take(unit(i * unit_frames), card_.now);
    }
    EXPECT_GE(counters().dropped, sound_duration(500 * unit_frames) - SoundPacer::waiting_max - 50ms);
}

TEST_F(PlayedSound, a_card_that_is_lost_is_said) {
    play(1s);
    card_.lost = true;
    card_.now = card_.now + 50ms;
    EXPECT_EQ(pacer_.feed(card_, card_.now).error().words, "it was pulled out");
}

TEST(PlayedSounds, a_card_that_is_missing_is_said_in_one_sentence) {
    const capture::Outcome<std::unique_ptr<SoundDevice>> card = open_sound_card("hw:CARD=none_of_that_name");
    ASSERT_FALSE(card);
    const std::string& words = card.error().words;
    EXPECT_TRUE(words ==
                    "the sound card hw:CARD=none_of_that_name is not there; aplay -L lists those that are" ||
                words == "sound needs the package libasound2, which is not here")
        << words;
}

}   // namespace millrace::playback
