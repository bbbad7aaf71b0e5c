#include "session/send_rate.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <vector>

namespace millrace::session {
namespace {

/// An encoder, a queue and a link in steps of 10 ms. The system holds what the link's own buffer takes; the
/// rest waits with us, and a key frame lets us skip it.
class SimulatedPush {
public:
    /// An encoder that makes so large a part of what it is told.
    explicit SimulatedPush(double configured, double obeys = 1)
        : configured_{configured}, obeys_{obeys}, made_at_{configured * obeys} {}

    void run(Duration span, double link_bps) {
        for (const Instant end = now_ + span; now_ < end; now_ = now_ + step) {
            make();
            carry(link_bps);
            if (now_ >= look_at_) {
                look_at_ = now_ + SendRate::look_every;
                look();
            }
        }
    }

    SendRate rate;
    std::optional<double> path;   ///< what its transport says
    Duration delay{};             ///< the true one, of what arrives now
    double bitrate() const { return made_at_; }
    int skips = 0;

private:
    static constexpr Duration step = 10ms;
    static constexpr double system_bytes = 40'000;   // its buffer and the path's
    struct Piece {
        Instant made;
        double bytes;
    };

    void make() { pieces_.push_back({now_, made_at_ / 8 / 100}); }
    void carry(double link_bps) {
        double room = link_bps / 8 / 100;
        while (room > 0 && !pieces_.empty()) {
            Piece& first = pieces_.front();
            const double part = std::min(room, first.bytes);
            first.bytes -= part;
            room -= part;
            delivered_ += part;
            delay = now_ - first.made;
            if (first.bytes <= 0) {
                pieces_.erase(pieces_.begin());
            }
        }
    }
    void look() {
        double held = 0;
        SendRate::Sight sight;
        for (const Piece& piece : pieces_) {
            if (held + piece.bytes <= system_bytes) {
                held += piece.bytes;
            } else {
                sight.waiting += static_cast<std::uint64_t>(piece.bytes);
                sight.age = std::max(sight.age, now_ - piece.made);
            }
        }
        sight.held = static_cast<std::uint64_t>(held);
        sight.handed_over = static_cast<std::uint64_t>(delivered_) + sight.held;
        sight.path = path;
        const SendRate::Wish wish = rate.look(sight, now_);
        if (wish.bitrate) {
            made_at_ = obeys_ * std::min(configured_, static_cast<double>(*wish.bitrate));
        }
        if (wish.key_frame) {
            skip();
        }
    }
    void skip() {
        ++skips;
        double held = 0;
        const auto first = std::ranges::find_if(pieces_, [&held](const Piece& piece) {
            held += piece.bytes;
            return held > system_bytes;
        });
        pieces_.erase(first, pieces_.end());
    }

    double configured_;
    double obeys_;
    double made_at_;
    std::vector<Piece> pieces_;
    double delivered_ = 0;
    Instant now_ = Instant::from_nanoseconds(1'000'000'000);
    Instant look_at_ = now_;
};

TEST(SendRate, leaves_an_encoder_alone_while_the_link_is_free) {
    SimulatedPush push{4e6};
    push.run(20s, 8e6);
    EXPECT_FALSE(push.rate.target());
    EXPECT_EQ(push.bitrate(), 4e6);
}

TEST(SendRate, a_key_frame_that_leaves_as_it_looks_is_no_full_link) {
    SendRate rate;
    Instant now = Instant::from_nanoseconds(1'000'000'000);
    std::uint64_t sent = 0;
    for (int look = 0; look < 1'000; ++look, now = now + SendRate::look_every) {
        const std::uint64_t held = look % 20 == 0 ? 60'000 : 0;
        sent += 300 + held;
        const SendRate::Wish wish =
            rate.look({.handed_over = sent, .held = held, .waiting = 0, .age = {}}, now);
        ASSERT_FALSE(wish.bitrate) << look;
        ASSERT_FALSE(wish.key_frame) << look;
    }
    EXPECT_EQ(rate.delay(), 0ms);
}

TEST(SendRate, a_path_that_is_long_is_not_full_however_seldom_a_picture_comes) {
    struct Case {
        int every_ms;
        std::uint64_t bytes;
    };
    for (const Case& one : {Case{30, 8'000}, {100, 20'000}, {200, 40'000}, {500, 40'000}, {1000, 60'000}}) {
        for (const int way_ms : {20, 120, 200, 300, 600}) {
            SendRate rate;
            const Instant begin = Instant::from_nanoseconds(1'000'000'000);
            std::deque<std::pair<int, std::uint64_t>> on_its_way;
            SendRate::Sight sight;
            std::uint64_t arrived = 0;
            for (int ms = 0; ms < 60'000; ms += 10) {
                if (ms % one.every_ms == 0) {
                    sight.handed_over += one.bytes;
                    on_its_way.emplace_back(ms + way_ms, sight.handed_over);
                }
                for (; !on_its_way.empty() && on_its_way.front().first <= ms; on_its_way.pop_front()) {
                    arrived = on_its_way.front().second;
                }
                sight.held = sight.handed_over - arrived;
                if (ms % 100 == 50) {
                    const SendRate::Wish wish = rate.look(sight, begin + ms * 1ms);
                    ASSERT_FALSE(wish.bitrate || wish.key_frame)
                        << "a picture each " << one.every_ms << " ms, a way of " << way_ms << " ms, at " << ms
                        << " ms: " << rate.delay() / 1ms << " ms";
                }
            }
        }
    }
}

TEST(SendRate, a_link_that_falls_from_8_to_1_Mbit_has_no_half_second_queue_2_s_later_and_ever_after) {
    SimulatedPush push{4e6};
    push.run(10s, 8e6);
    push.run(2s, 1e6);
    for (int tenth = 0; tenth < 300; ++tenth) {
        push.run(100ms, 1e6);
        ASSERT_LT(push.delay, 500ms) << tenth;
    }
    EXPECT_GT(push.bitrate(), 0.5e6) << "the link is used";
    EXPECT_LT(push.bitrate(), 1.1e6);
}

TEST(SendRate, an_encoder_does_as_it_is_configured_again_once_the_link_carries_it) {
    SimulatedPush push{4e6};
    push.run(5s, 8e6);
    push.run(10s, 1e6);
    push.run(15s, 8e6);
    EXPECT_EQ(push.bitrate(), 4e6);
    EXPECT_FALSE(push.rate.target());
    EXPECT_LT(push.delay, 50ms);
}

TEST(SendRate, a_link_that_carries_nothing_for_a_while_is_tried_again) {
    SimulatedPush push{2e6};
    push.run(5s, 8e6);
    push.run(4s, 0);
    EXPECT_LE(push.bitrate(), 2.0 * SendRate::bitrate_min);
    push.run(30s, 8e6);
    EXPECT_EQ(push.bitrate(), 2e6);
}

TEST(SendRate, an_encoder_follows_the_rate_that_a_transport_found_up_and_down_at_once) {
    SimulatedPush push{4e6};
    push.run(5s, 8e6);
    push.path = 1e6;
    push.run(5s, 1e6);
    EXPECT_NEAR(push.bitrate(), 0.85e6, 0.01e6);
    push.path = 0.5e6;
    push.run(300ms, 0.5e6);
    EXPECT_NEAR(push.bitrate(), 0.425e6, 0.01e6);
    push.path = 0.6e6;
    push.run(800ms, 0.6e6);
    EXPECT_NEAR(push.bitrate(), 0.51e6, 0.01e6);
    push.path = 3e6;
    push.run(200ms, 8e6);
    EXPECT_NEAR(push.bitrate(), 3e6, 0.01e6) << "much more than it carried when it was full: all of it";
    push.path = 8e6;
    push.run(200ms, 8e6);
    EXPECT_EQ(push.bitrate(), 4e6);
    EXPECT_FALSE(push.rate.target());
}

TEST(SendRate, row_0_30_an_encoder_that_makes_less_than_it_is_told_is_told_more_but_not_much_more) {
    SimulatedPush some{4e6, 0.7};
    some.run(5s, 8e6);
    some.path = 1e6;
    some.run(20s, 1e6);
    EXPECT_NEAR(some.bitrate(), 0.85e6, 0.02e6) << "as one that makes all of it";
    some.path = 1.2e6;
    some.run(10s, 8e6);
    EXPECT_NEAR(some.bitrate(), 1.02e6, 0.02e6);
    SimulatedPush little{4e6, 0.3};
    little.run(5s, 8e6);
    little.path = 0.5e6;
    little.run(20s, 0.5e6);
    ASSERT_TRUE(little.rate.target());
    EXPECT_NEAR(static_cast<double>(*little.rate.target()), 0.425e6 / SendRate::obeyed_min, 0.01e6);
}

TEST(SendRate, an_encoder_whose_path_has_no_limit_any_more_is_back_within_two_seconds) {
    SimulatedPush push{4e6};
    push.run(5s, 8e6);
    push.path = 1e6;
    push.run(5s, 1e6);
    push.path = 0;
    push.run(2s, 8e6);
    EXPECT_EQ(push.bitrate(), 4e6);
    EXPECT_LT(push.delay, 50ms);
}

}   // namespace
}   // namespace millrace::session
