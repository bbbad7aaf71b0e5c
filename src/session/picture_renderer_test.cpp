#include "session/picture_renderer.hpp"

#include "base/virtual_time.hpp"
#include "container/flv_samples.hpp"
#include "media/jpeg.hpp"
#include "media/jpeg_for_tests.hpp"
#include "session/played_child_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Writes down what a renderer tells.
struct Diary final : hub::Renderer::Listener {
    void on_ready() override { said += "ready "; }
    void on_picture(media::AccessUnit picture) override {
        said += fmt::format("picture {} ", picture.pts_ms());
        pictures.push_back(std::move(picture));
    }
    void on_failed(Error why) override { said += fmt::format("failed {} ", name(why.code)); }
    std::string take() { return std::exchange(said, {}); }

    std::string said;
    std::vector<media::AccessUnit> pictures;
};

class PictureRendering : public testing::Test {
protected:
    PictureRendering() { order({}); }
    ~PictureRendering() override {
        drop();
        time_.stop();
    }

    void order(hub::PictureWish wish) {
        home_.run([&] {
            renderer_ =
                std::make_unique<PictureRenderer>(home_, spawner_, PictureOrder{"live/cam", wish}, diary_);
        });
        time_.settle();
    }
    void drop() {
        home_.run([this] { renderer_.reset(); });
        time_.settle();
    }
    bool offer(const media::AccessUnit& unit) {
        bool taken = false;
        home_.run([&] { taken = renderer_->offer(unit); });
        time_.settle();
        return taken;
    }
    static std::vector<media::AccessUnit> coded() {
        return flv::samples::units(flv::samples::track(media::Codec::h264), 1000);
    }
    static media::AccessUnit picture(std::int64_t ms) {
        media::AccessUnit unit{.payload = media::jpeg::Sample{320, 240}.bytes(),
                               .dts = ms * 90,
                               .pts = ms * 90,
                               .key = true,
                               .capture = {{ms * 1000}, media::CaptureTime::Label::sender},
                               .cut = {}};
        unit.config = media::jpeg::config_from({.width = 320, .height = 240});
        return unit;
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

    VirtualTime time_;
    VirtualExecutor& home_ = time_.add_executor();
    VirtualExecutor& child_side_ = time_.add_executor();
    toys::PlayedSpawner spawner_{time_, child_side_};
    Diary diary_;
    std::unique_ptr<PictureRenderer> renderer_;
};

}   // namespace

TEST(PictureStart, says_only_what_is_asked) {
    EXPECT_EQ(start_text({}), "jpeg:");
    EXPECT_EQ(start_text({.fps = 10}), "jpeg:?fps=10");
    EXPECT_EQ(start_text({.width = 640, .height = 360, .fps = 10, .quality = 70}),
              "jpeg:?width=640&height=360&fps=10&quality=70");
}

TEST_F(PictureRendering, units_go_to_the_child_and_its_pictures_come_back) {
    EXPECT_FALSE(offer(coded().front())) << "the child has not said hello";
    spawner_.move();
    EXPECT_EQ(diary_.take(), "ready ");
    ASSERT_EQ(heard<media_link::Start>().size(), 1U);
    EXPECT_EQ(heard<media_link::Start>().front().source, "jpeg:");
    for (const media::AccessUnit& unit : coded()) {
        EXPECT_TRUE(offer(unit));
    }
    const auto units = heard<media::AccessUnit>();
    ASSERT_EQ(units.size(), 4U);
    EXPECT_EQ(units.front().payload, coded().front().payload);
    EXPECT_EQ(heard<media::Track>().size(), 1U);
    spawner_.say(picture(1000));
    EXPECT_EQ(diary_.take(), "picture 1000 ");
    EXPECT_EQ(diary_.pictures.front().capture.utc.microseconds, 1'000'000);
    EXPECT_EQ(diary_.pictures.front().payload, picture(1000).payload);
}

TEST_F(PictureRendering, a_child_that_crashes_is_there_again_within_a_second) {
    spawner_.move();
    spawner_.say(picture(0));
    diary_.take();
    spawner_.die();
    EXPECT_FALSE(offer(coded().front()));
    time_.run_for(200ms);
    ASSERT_EQ(spawner_.asked, 2);
    spawner_.move();
    EXPECT_EQ(diary_.take(), "ready ");
    EXPECT_TRUE(offer(coded().front()));
}

TEST_F(PictureRendering, a_child_that_says_nothing_is_replaced) {
    spawner_.move();
    time_.run_for(media_link::silence_max + ChildAtWork::pause_min + 100ms);
    EXPECT_EQ(spawner_.asked, 2);
}

TEST_F(PictureRendering, children_that_never_give_a_picture_are_given_up) {
    for (int i = 0; i < ChildAtWork::fruitless_max; ++i) {
        spawner_.move();
        spawner_.die();
        time_.run_for(ChildAtWork::pause_max);
    }
    EXPECT_EQ(spawner_.asked, ChildAtWork::fruitless_max);
    EXPECT_TRUE(diary_.said.ends_with("failed unsupported ")) << diary_.said;
    EXPECT_FALSE(offer(coded().front()));
}

TEST_F(PictureRendering, a_missing_program_is_given_up_too) {
    drop();
    spawner_.missing = true;
    spawner_.asked = 0;
    diary_.take();
    order({.fps = 5});
    time_.run_for(1min);
    EXPECT_EQ(spawner_.asked, ChildAtWork::fruitless_max);
    EXPECT_EQ(diary_.take(), "failed unsupported ");
}

TEST_F(PictureRendering, a_lasting_fault_is_not_tried_again_and_a_passing_one_costs_a_picture) {
    spawner_.move();
    diary_.take();
    spawner_.say(media_link::Fault{false, "the frame cannot be decoded"});
    spawner_.say(picture(40));
    EXPECT_EQ(diary_.take(), "picture 40 ");
    spawner_.say(media_link::Fault{true, "no decoder for this"});
    time_.run_for(1min);
    EXPECT_EQ(spawner_.asked, 1);
    EXPECT_EQ(diary_.take(), "failed unsupported ");
}

TEST_F(PictureRendering, a_child_that_does_not_read_gets_no_more_than_a_feed_keeps) {
    spawner_.move();
    media::AccessUnit large = coded().front();
    std::vector<std::byte> payload;
    media::append_nal(payload, std::vector<std::byte>(1'000'000, std::byte{0x65}));
    large.payload = Bytes{std::move(payload)};
    int taken = 0;
    while (offer(large)) {
        ++taken;
        ASSERT_LT(taken, 20);
    }
    EXPECT_GE(taken, 8);
    spawner_.move();
    spawner_.move();
    EXPECT_TRUE(offer(large)) << "there is room again";
}

TEST_F(PictureRendering, dropping_it_ends_the_child_and_nothing_is_heard_any_more) {
    spawner_.move();
    diary_.take();
    drop();
    spawner_.say(picture(0));
    EXPECT_TRUE(spawner_.newest().gone);
    EXPECT_EQ(diary_.take(), "");
    EXPECT_EQ(home_.tasks().size(), 0U);
}

TEST_F(PictureRendering, dropping_it_while_a_child_starts_leaves_nothing) {
    drop();
    order({});
    drop();
    time_.run_for(1min);
    EXPECT_EQ(home_.tasks().size(), 0U);
}

}   // namespace millrace::session
