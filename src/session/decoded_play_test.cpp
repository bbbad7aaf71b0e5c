#include "session/decoded_play.hpp"

#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "session/played_child_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

class NoAdmission final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
};

/// Shows pictures to the test.
struct Screen final : PictureSink {
    void on_picture(const LentPicture& picture) override { lent.push_back(picture); }
    void on_dark(std::string_view why) override { dark = why; }
    void on_report(const hub::PlaybackReport& seen) override { report = seen; }

    std::vector<LentPicture> lent;
    std::string dark;
    hub::PlaybackReport report;
};

class Decoding : public testing::Test {
protected:
    Decoding() {
        desk_.spawner = &spawner_;
        home_.run([this] { play_.begin(desk_); });
        world_.time.settle();
    }
    ~Decoding() override { world_.time.stop(); }

    void publish(std::int64_t ms) {
        for (const media::AccessUnit& unit : flv::samples::units(h264_, ms)) {
            publisher_->unit(unit);
        }
    }
    /// There is a stream, and a child that decodes it.
    void begin() {
        publisher_ = std::make_unique<hub::toys::Publisher>(world_, world_.desk_a);
        publish(0);
        world_.time.run_for(DecodedPlay::look_every);
        spawner_.move();
        spawner_.move();
    }
    void picture(std::uint8_t slot, std::int64_t ms) {
        spawner_.say(media_link::Picture{
            .slot = slot,
            .layout = {64, 48},
            .number = number_++,
            .pts = ms * 90,
            .capture = {{world_.time.utc().microseconds - 30'000}, media::CaptureTime::Label::capture},
            .decoded_at = {}});
    }
    void give_back(std::size_t index, bool seen = true) {
        play_.give_back(screen_.lent.at(index), {seen, world_.time.now(), world_.time.utc()});
        world_.time.settle();
        spawner_.move();
    }
    template <class T>
    std::vector<T> heard() {
        spawner_.move();
        std::vector<T> found;
        for (media_link::Message& message : spawner_.newest().heard) {
            if (auto* one = std::get_if<T>(&message)) {
                found.push_back(*one);
            }
        }
        return found;
    }
    const hub::PlaybackReport& report() {
        world_.time.run_for(DecodedPlay::report_every);
        return screen_.report;
    }

    const media::Track h264_ = flv::samples::track(media::Codec::h264);
    hub::toys::World world_;
    VirtualExecutor& home_ = world_.desk_a.executor;
    VirtualExecutor& child_side_ = world_.time.add_executor();
    toys::PlayedSpawner spawner_{world_.time, child_side_};
    NoAdmission admission_;
    SeededRandom random_{3};
    Desk desk_{home_, world_.directory, admission_, random_};
    Screen screen_;
    DecodedPlay play_{{.stream = "live/cam"}, std::move(*net::PictureMemory::make()), screen_};
    std::unique_ptr<hub::toys::Publisher> publisher_;
    std::uint64_t number_ = 0;
};

}   // namespace

TEST_F(Decoding, a_stream_is_decoded_as_soon_as_it_is_there) {
    EXPECT_EQ(spawner_.asked, 0) << "there is no stream";
    EXPECT_EQ(report().dark, "nothing has come yet");
    begin();
    ASSERT_EQ(spawner_.asked, 1);
    EXPECT_GE(spawner_.wished.memory, 0) << "the ring goes with the child";
    EXPECT_EQ(heard<media_link::Start>().at(0).source, "decode:");
    EXPECT_EQ(heard<media::AccessUnit>().size(), 4U) << "from the key frame on";
    picture(2, 0);
    ASSERT_EQ(screen_.lent.size(), 1U);
    EXPECT_EQ(screen_.lent[0].planes().y.size(), 64U * 48U);
    give_back(0);
    EXPECT_EQ(heard<media_link::Release>().at(0).slot, 2U);
    EXPECT_EQ(report().shown, 1U);
    EXPECT_EQ(report().dark, "");
}

TEST_F(Decoding, row_4_25_every_picture_is_counted_once) {
    begin();
    spawner_.say(media_link::Played{.units = 4, .pictures = 2, .broken = 1, .waiting = 1, .late = 1});
    picture(0, 0);
    picture(1, 40);
    give_back(0);
    give_back(1, false);
    const hub::PlaybackReport& now = report();
    EXPECT_EQ(now.received, 4U);
    EXPECT_EQ(now.decoded, 2U);
    EXPECT_EQ(now.shown, 1U);
    EXPECT_EQ(now.unseen, 1U);
    EXPECT_EQ(now.broken, 1U);
    EXPECT_EQ(now.waiting, 1U);
    EXPECT_EQ(now.late, 1U);
    EXPECT_EQ(now.received, now.decoded + now.broken + now.skipped + now.waiting);
    EXPECT_EQ(now.latency.count, 1U) << "of those that were seen";
    EXPECT_EQ(now.capture_origin, media::CaptureTime::Label::capture);
}

TEST_F(Decoding, row_4_13_it_is_black_half_a_second_after_the_end_and_back_by_itself) {
    begin();
    picture(0, 0);
    give_back(0);
    home_.run([this] { publisher_->publication->finish(); });
    world_.time.run_for(100ms);
    picture(1, 40);
    EXPECT_EQ(screen_.lent.size(), 2U) << "what was under way is shown";
    give_back(1);
    world_.time.run_for(400ms);
    EXPECT_EQ(screen_.dark, "the sender ended the stream");
    picture(2, 80);
    EXPECT_EQ(screen_.lent.size(), 2U) << "black stays black";
    publisher_ = std::make_unique<hub::toys::Publisher>(world_, world_.desk_a);
    publish(1000);
    picture(2, 1000);
    EXPECT_EQ(screen_.lent.size(), 3U);
    EXPECT_EQ(report().dark, "");
}

TEST_F(Decoding, a_stream_that_ended_before_its_decoder_was_there_shows_its_picture) {
    publisher_ = std::make_unique<hub::toys::Publisher>(world_, world_.desk_a);
    publish(0);
    world_.time.run_for(DecodedPlay::look_every);
    home_.run([this] { publisher_->publication->finish(); });
    world_.time.run_for(1s);
    EXPECT_EQ(screen_.dark, "") << "nothing was shown that could end";
    spawner_.move();
    spawner_.move();
    EXPECT_EQ(heard<media::AccessUnit>().size(), 4U);
    EXPECT_FALSE(heard<media::Track>().empty()) << "what is inside the decoder comes out";
    world_.time.run_for(1s);   // it takes its time
    picture(0, 0);
    ASSERT_EQ(screen_.lent.size(), 1U);
    give_back(0);
    world_.time.run_for(200ms);
    EXPECT_EQ(screen_.dark, "");
    world_.time.run_for(200ms);
    EXPECT_EQ(screen_.dark, "the sender ended the stream");
}

TEST_F(Decoding, row_4_13_a_sender_that_falls_silent_is_black_after_two_seconds) {
    begin();
    picture(0, 0);
    give_back(0);
    world_.time.run_for(1900ms);
    EXPECT_EQ(screen_.dark, "");
    world_.time.run_for(200ms);
    EXPECT_EQ(screen_.dark, "nothing comes from the stream");
}

TEST_F(Decoding, a_child_that_crashes_is_replaced_and_shows_nothing_twice) {
    begin();
    picture(0, 0);
    picture(1, 40);
    spawner_.die();
    world_.time.run_for(200ms);
    ASSERT_EQ(spawner_.asked, 2);
    spawner_.move();
    spawner_.move();
    EXPECT_EQ(heard<media::AccessUnit>().size(), 4U);
    give_back(0);
    EXPECT_TRUE(heard<media_link::Release>().empty()) << "the slot was another child's";
    picture(0, 0);
    picture(1, 40);
    EXPECT_EQ(screen_.lent.size(), 2U);
    EXPECT_EQ(heard<media_link::Release>().size(), 2U);
    picture(2, 80);
    EXPECT_EQ(screen_.lent.size(), 3U);
}

TEST_F(Decoding, sound_is_counted_over_children_and_each_is_told_that_it_is_muted) {
    begin();
    play_.mute(true);
    EXPECT_TRUE(report().muted);
    const auto volumes = [this] {
        std::vector<std::uint64_t> values;
        for (const media_link::Command& command : heard<media_link::Command>()) {
            EXPECT_EQ(command.what, media_link::Command::What::volume);
            values.push_back(command.value);
        }
        return values;
    };
    EXPECT_EQ(volumes(), std::vector<std::uint64_t>{0});
    spawner_.say(media_link::Played{.sounds = 9,
                                    .sounds_late = 2,
                                    .sound_played_us = 400'000,
                                    .sound_filled_us = 20'000,
                                    .sound_dropped_us = 40'000});
    spawner_.die();
    world_.time.run_for(200ms);
    spawner_.move();
    spawner_.move();
    world_.time.run_for(DecodedPlay::report_every);
    EXPECT_EQ(volumes(), std::vector<std::uint64_t>{0}) << "the new one, too";
    spawner_.say(media_link::Played{.sounds_late = 1, .sound_played_us = 100'000, .silent = "no\ncard"});
    const hub::PlaybackReport& now = report();
    EXPECT_EQ(now.sounds_late, 3U);
    EXPECT_NEAR(now.sound_played_seconds, 0.5, 1e-9);
    EXPECT_NEAR(now.sound_filled_seconds, 0.02, 1e-9);
    EXPECT_NEAR(now.sound_dropped_seconds, 0.04, 1e-9);
    EXPECT_EQ(now.silent, "no\\x0acard") << "the child's words are not trusted";
    play_.mute(false);
    EXPECT_FALSE(report().muted);
    EXPECT_EQ(volumes().back(), 100U);
}

TEST_F(Decoding, a_stream_that_is_over_is_waited_for_anew) {
    begin();
    picture(0, 0);
    give_back(0);
    publisher_.reset();
    world_.time.run_for(15s);
    const int asked = spawner_.asked;   // a child of a test says nothing, and is replaced
    world_.time.run_for(15s);
    EXPECT_EQ(spawner_.asked, asked) << "there is nothing to decode";
    begin();
    EXPECT_EQ(spawner_.asked, asked + 1);
    picture(0, 0);
    EXPECT_EQ(screen_.lent.size(), 2U);
}

}   // namespace millrace::session
