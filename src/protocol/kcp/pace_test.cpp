#include "protocol/kcp/trial_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

/// A path whose rate falls and rises again, under a camera that follows the rate it is told.
class SteppedPath {
public:
    static constexpr double wide = 8e6;   // bits a second, as all of these
    static constexpr double narrow = 1e6;
    static constexpr double most = 4e6;   ///< that the camera makes
    static constexpr Duration falls = 6s;
    static constexpr Duration rises = 14s;
    static constexpr Duration ends = 20s;
    static constexpr Duration frame = 33'333us;

    explicit SteppedPath(std::uint64_t seed)
        : pair_{{.near = mode("video"),
                 .far = mode("video"),
                 .line = {.bytes_per_second = wide / 8},
                 .seed = seed}} {}

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
    /// When the camera made four fifths of the most again.
    Instant wide_again() const { return wide_again_; }

private:
    struct Came {
        Instant captured;
        Duration late;
    };

    void step(Instant now) {
        if (now < next_step_) {
            return;
        }
        const bool falling = next_step_ == Instant{} + falls;
        pair_.up.change({.bytes_per_second = (falling ? narrow : wide) / 8});
        next_step_ = falling ? Instant{} + rises : Instant::never();
    }
    /// It leaves frames out while what waits would take 300 ms.
    void make_frame(Instant now) {
        next_frame_ = next_frame_ + frame;
        const double told = pair_.near.path().rate * 8;
        const double makes = told > 0 ? std::min(most, 0.85 * told) : most;
        const double waits = static_cast<double>(pair_.near.waiting_bytes()) * 8 / (told > 0 ? told : wide);
        skipping_ = waits > (skipping_ ? 0.1 : 0.3);
        if (!skipping_) {
            under_way_.push_back(now);
            EXPECT_TRUE(pair_.near.send(picture({.bits_per_second = makes}, number_++), now));
        } else {
            number_ = 0;   // the next is a key frame
        }
        if (now >= Instant{} + rises && makes >= 0.8 * most) {
            wide_again_ = std::min(wide_again_, now);
        }
    }

    Pair pair_;
    Instant next_frame_;
    Instant next_step_ = Instant{} + falls;
    std::size_t number_ = 0;
    bool skipping_ = false;
    std::deque<Instant> under_way_;
    std::vector<Came> came_;
    Instant wide_again_ = Instant::never();
};

TEST(KcpPace, row_3_5_video_follows_a_path_from_8_to_1_to_8_mbit_within_two_seconds) {
    std::vector<double> narrow;
    std::vector<double> seconds_to_rise;
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        SteppedPath path{seed};
        path.run();
        constexpr auto settled = SteppedPath::falls + 2s;
        narrow.push_back(path.share_within(500ms, settled, SteppedPath::rises));
        EXPECT_GT(narrow.back(), 0.75) << seed;
        EXPECT_EQ(path.share_within(1500ms, settled, SteppedPath::rises), 1.0) << seed;
        EXPECT_EQ(path.share_within(500ms, SteppedPath::rises + 1s, SteppedPath::ends), 1.0) << seed;
        const Duration rise = path.wide_again() - (Instant{} + SteppedPath::rises);
        EXPECT_LT(rise, 3s) << seed;
        seconds_to_rise.push_back(static_cast<double>(rise / 1ms) / 1000);
    }
    std::ranges::sort(narrow);
    std::ranges::sort(seconds_to_rise);
    EXPECT_EQ(quantile(narrow, 0.5), 1.0);
    EXPECT_GE(quantile(narrow, 0.1), 0.98);
    EXPECT_LE(quantile(seconds_to_rise, 0.9), 2.0);
}

}   // namespace
}   // namespace millrace::kcp
