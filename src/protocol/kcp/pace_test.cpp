#include "protocol/kcp/trial_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

/// A path whose rate falls and rises again, under a camera that is told 85 % of what the path carries.
class SteppedPath {
public:
    static constexpr double wide = 8e6;   // bits a second, as all of these
    static constexpr double narrow = 1e6;
    static constexpr double most = 4e6;   ///< that the camera may make
    static constexpr Duration falls = 6s;
    static constexpr Duration stays_wide = 6s;
    static constexpr Duration frame = 33'333us;

    struct Kind {
        Duration jitter{};    ///< datagrams come up to so much later than others, in order
        double part = 1;      ///< of what it is told, that it makes
        double follows = 1;   ///< of the difference, with each frame
    };

    SteppedPath(const Kind& kind, std::uint64_t seed)
        : rises{14s + static_cast<std::int64_t>(seed) * 37ms},
          ends{rises + stays_wide},
          kind_{kind},
          pair_{{.near = mode("video"), .far = mode("video"), .line = line(wide), .seed = seed}} {}

    const Duration rises;
    const Duration ends;

    void run() {
        for (Instant now; now < Instant{} + ends;) {
            now = std::min({pair_.next(), next_frame_, next_step_});
            step(now);
            pair_.arrive(now);
            while (pair_.far.next_message()) {
                came_.push_back({under_way_.front(), now - under_way_.front()});
                under_way_.pop_front();
            }
            if (next_frame_ <= now) {
                make_frame(now);
            }
            pair_.leave(now);
        }
    }
    /// Of the frames of that time, how many came within a delay.
    double share_within(Duration delay, Duration from, Duration to) const {
        double all = 0;
        double good = 0;
        for (const Came& one : came_) {
            if (one.captured >= Instant{} + from && one.captured < Instant{} + to) {
                ++all;
                good += one.late <= delay ? 1 : 0;
            }
        }
        return all > 0 ? good / all : 0;
    }
    /// Seconds behind the rise until the camera is told four fifths of the most, and until it makes four
    /// fifths of what it does at most.
    double told_after() const { return behind_the_rise(told_again_); }
    double made_after() const { return behind_the_rise(made_again_); }
    const Conversation& near() const { return pair_.near; }

private:
    struct Came {
        Instant captured;
        Duration late;
    };

    Line line(double rate) const {
        return {.delay_min = 30ms, .delay_max = 30ms + kind_.jitter, .bytes_per_second = rate / 8};
    }
    double behind_the_rise(Instant then) const {
        return static_cast<double>((then - (Instant{} + rises)) / 1ms) / 1000;
    }
    void step(Instant now) {
        if (now < next_step_) {
            return;
        }
        const bool falling = next_step_ == Instant{} + falls;
        pair_.up.change(line(falling ? narrow : wide));
        next_step_ = falling ? Instant{} + rises : Instant::never();
    }
    /// It leaves frames out while what waits would take 300 ms.
    void make_frame(Instant now) {
        next_frame_ = next_frame_ + frame;
        const double found = pair_.near.path().rate * 8;
        const double told = found > 0 ? std::min(most, 0.85 * found) : most;
        pair_.near.seek_more(told < most);
        rate_ += kind_.follows * (kind_.part * told - rate_);
        const double waits = static_cast<double>(pair_.near.waiting_bytes()) * 8 / (found > 0 ? found : wide);
        skipping_ = waits > (skipping_ ? 0.1 : 0.3);
        if (!skipping_) {
            under_way_.push_back(now);
            EXPECT_TRUE(pair_.near.send(picture({.bits_per_second = rate_}, number_++), now));
        } else {
            number_ = 0;   // the next is a key frame
        }
        if (now >= Instant{} + rises && told >= 0.8 * most) {
            told_again_ = std::min(told_again_, now);
            made_again_ = rate_ >= 0.8 * kind_.part * most ? std::min(made_again_, now) : made_again_;
        }
    }

    Kind kind_;
    Pair pair_;
    Instant next_frame_;
    Instant next_step_ = Instant{} + falls;
    std::size_t number_ = 0;
    double rate_ = 0;
    bool skipping_ = false;
    std::deque<Instant> under_way_;
    std::vector<Came> came_;
    Instant told_again_ = Instant::never();
    Instant made_again_ = Instant::never();
};

/// Over many seeds, of which each rises at another place between two frames, key frames and looks.
struct Steps {
    std::vector<double> in_time;   ///< share of the frames that come within 500 ms on the narrow path
    std::vector<double> told;      ///< seconds
    std::vector<double> made;
};

Steps steps(const SteppedPath::Kind& kind) {
    constexpr std::uint64_t seeds = 60;
    Steps all;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        SteppedPath path{kind, seed};
        path.run();
        constexpr auto settled = SteppedPath::falls + 2s;
        all.in_time.push_back(path.share_within(500ms, settled, path.rises));
        EXPECT_EQ(path.share_within(1500ms, settled, path.rises), 1.0) << seed;
        EXPECT_EQ(path.share_within(500ms, path.rises + 1s, path.ends), 1.0) << seed;
        all.told.push_back(path.told_after());
        all.made.push_back(path.made_after());
        EXPECT_GT(path.near().counters().repeats, 0U) << seed;
        const auto bytes = static_cast<double>(path.near().counters().bytes_sent);
        EXPECT_LT(static_cast<double>(path.near().counters().repeats) * 1'372, 0.05 * bytes) << seed;
    }
    std::ranges::sort(all.in_time);
    std::ranges::sort(all.told);
    std::ranges::sort(all.made);
    return all;
}

TEST(KcpPace, row_0_30_video_is_back_two_seconds_behind_a_path_that_fell_from_8_to_1_mbit_and_rose) {
    using Kind = SteppedPath::Kind;
    for (const Kind& kind :
         {Kind{}, Kind{.follows = 0.1}, Kind{.part = 0.5}, Kind{.part = 0.5, .follows = 0.1}}) {
        const Steps all = steps(kind);
        EXPECT_EQ(all.in_time.front(), 1.0);
        EXPECT_LE(all.told.back(), 2.0) << kind.part << ' ' << kind.follows;
        EXPECT_LE(all.made.back(), 2.0) << kind.part << ' ' << kind.follows;
    }
}

TEST(KcpPace, row_3_5_video_follows_a_path_from_8_to_1_to_8_mbit_whose_delay_varies_by_half) {
    const Steps all = steps({.jitter = 32ms});
    EXPECT_EQ(quantile(all.in_time, 0.5), 1.0);
    EXPECT_GE(quantile(all.in_time, 0.1), 0.98);
    EXPECT_GT(all.in_time.front(), 0.75);
    EXPECT_LE(quantile(all.told, 0.5), 1.5);
    EXPECT_LE(quantile(all.told, 0.9), 2.0);
    EXPECT_LT(all.told.back(), 3.0);
}

TEST(KcpPace, row_3_5_likewise_under_an_encoder_that_makes_half_of_what_it_is_told) {
    constexpr std::uint64_t seeds = 60;
    for (const double follows : {1.0, 0.1}) {
        std::vector<double> told;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            SteppedPath path{{.jitter = 32ms, .part = 0.5, .follows = follows}, seed};
            path.run();
            told.push_back(path.told_after());
        }
        std::ranges::sort(told);
        EXPECT_LE(quantile(told, 0.5), 2.0) << follows;
        EXPECT_LE(quantile(told, 0.9), 3.5) << follows;
    }
}

}   // namespace
}   // namespace millrace::kcp
