#include "session/links_for_tests.hpp"

namespace millrace::session {
namespace {

/// A camera that makes what it is told or a part of that, at most 4 Mbit/s, with a key frame of five times
/// the size each two seconds, and its link over a path whose rate falls and rises again.
class LinkRate : public toys::LinkTest {
protected:
    static constexpr double most = 4e6;   // bits a second, as all of these
    static constexpr double wide = 8e6;
    static constexpr double narrow = 1e6;

    LinkRate() : LinkTest{true} {}

    void carries(double rate) {
        path({.delay = 20ms,
              .bytes_per_second = static_cast<std::uint64_t>(rate / 8),
              .queue = static_cast<std::size_t>(rate / 8 / 5)});
    }
    double makes() const {
        const std::uint64_t asked = publisher_->bitrate_asked.value_or(SendRate::unlimited);
        return std::min(most, static_cast<double>(asked));
    }
    /// A picture of 40 ms, in its own time.
    void film() {
        constexpr double of_a_key = 5;
        constexpr int gop = 50;
        if (std::exchange(key_frames_asked_, publisher_->key_frames_asked) != publisher_->key_frames_asked) {
            number_ = 0;
        }
        const bool key = number_++ % gop == 0;
        rate_ += follows_ * (makes() * obeys_ - rate_);
        const double usual = rate_ / 8 / 25 * gop / (gop + of_a_key - 1);
        media::AccessUnit unit = picture(key);
        std::vector<std::byte> large(static_cast<std::size_t>(usual * (key ? of_a_key : 1)), std::byte{1});
        const std::size_t nal_size = large.size() - 4;
        for (unsigned byte = 0; byte < 4; ++byte) {
            large[byte] = static_cast<std::byte>(nal_size >> (24 - 8 * byte));
        }
        large[4] = key ? std::byte{0x65} : std::byte{0x41};
        unit.payload = Bytes{std::move(large)};
        publisher_->unit(std::move(unit));
        at_ms_ += 40;
        pass(40ms);
    }
    void film_for(Duration span) {
        for (Duration passed{}; passed < span; passed += 40ms) {
            film();
        }
    }
    /// What is made is `part` of what it is told, which it takes up by `follows` of the difference a picture.
    void encode(double part, double follows) {
        obeys_ = part;
        follows_ = follows;
    }
    double rate() const { return rate_; }
    /// Five falls and rises at different places between two key frames; what is made is `part` of what it may
    /// be so long behind each rise.
    void fall_and_rise(double part, Duration back_after) {
        carries(wide);
        publish();
        push({address("live/copy")});
        film_for(6s);
        for (int turn = 0; turn < 5; ++turn) {
            carries(narrow);
            film_for(2s);
            for (int i = 0; i < 170; ++i) {
                film();
                EXPECT_LT(rate(), 1.6 * narrow) << turn << ", picture " << i;
                EXPECT_LT(report().queue_age, 500ms) << turn << ", picture " << i;
            }
            carries(wide);
            film_for(back_after);
            for (int i = 0; i < 100; ++i) {
                EXPECT_GE(rate(), 0.8 * part * most) << turn << ", picture " << i;
                film();
            }
            EXPECT_EQ(makes(), most) << turn;
        }
        EXPECT_EQ(report().reconnects(), 0U);
    }
    int number_ = 0;

private:
    int key_frames_asked_ = 0;
    double obeys_ = 1;
    double follows_ = 1;
    double rate_ = most;
};

TEST_F(LinkRate, row_0_30_the_encoder_is_back_two_seconds_after_a_path_that_fell_from_8_to_1_mbit_rose) {
    constexpr double most_again = 0.8 * most;
    carries(wide);
    publish();
    push({address("live/copy")});
    film_for(6s);
    ASSERT_EQ(makes(), most);
    // Each time at another place between two key frames.
    for (int turn = 0; turn < 5; ++turn) {
        carries(narrow);
        film_for(2s);
        double made = 0;
        constexpr int pictures = 170;
        for (int i = 0; i < pictures; ++i) {
            film();
            made += makes() / pictures;
            EXPECT_LT(makes(), 2 * narrow) << turn;
            EXPECT_LT(report().queue_age, 500ms) << turn << ", picture " << i;
        }
        EXPECT_GT(made, 0.6 * narrow) << turn;
        EXPECT_LT(made, narrow) << turn;
        carries(wide);
        film_for(2s);
        for (int i = 0; i < 100; ++i) {
            EXPECT_GE(makes(), most_again) << turn << ", picture " << i;
            film();
        }
        EXPECT_EQ(makes(), most) << turn;
    }
    EXPECT_EQ(report().reconnects(), 0U);
}

/// KCP looks for room that what is made does not use.
TEST_F(LinkRate, row_0_30_an_encoder_that_makes_less_than_it_is_told_is_back_two_seconds_after_it_as_well) {
    constexpr double part = 0.5;
    encode(part, 1);
    fall_and_rise(part, 2s);
}

TEST_F(LinkRate, row_0_30_and_one_that_makes_less_and_takes_its_time) {
    constexpr double part = 0.7;
    encode(part, 0.15);   // two thirds of it in seven pictures
    fall_and_rise(part, 2s);
}

}   // namespace
}   // namespace millrace::session
