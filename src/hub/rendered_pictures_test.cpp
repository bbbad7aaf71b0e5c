#include "hub/rendered_pictures.hpp"

#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace toys;

const auto jpeg_config = std::make_shared<const media::TrackConfig>(
    media::TrackConfig{.codec = media::Codec::mjpeg, .width = 640, .height = 480});

/// Writes each picture as its time in a line.
class TimesMuxer {
public:
    bool carries(const media::Track& /*track*/) const { return true; }
    bool configure(std::span<const media::Track> /*tracks*/, BlockLog& /*log*/, Instant /*now*/) {
        return true;
    }
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
        log.message({as_bytes(fmt::format("{} ", unit.pts_ms()))}, now);
    }
    void unpublished(BlockLog& /*log*/, Instant /*now*/) {}
    void end(BlockLog& log, Instant now) { log.message({as_bytes("end")}, now); }
    Bytes lead(std::span<const media::Track> /*tracks*/) const { return {}; }
    Bytes resume() const { return {}; }
};

/// What the test sees of the renderers that were asked for, and plays them with.
struct Studio {
    struct Puppet final : Renderer {
        Puppet(Studio& its_studio, Listener& its_listener) : studio{its_studio}, listener{its_listener} {
            studio.newest = this;
            ++studio.made;
        }
        ~Puppet() override {
            ++studio.ended;
            studio.newest = studio.newest == this ? nullptr : studio.newest;
        }
        bool offer(const media::AccessUnit& unit) override {
            if (studio.room == 0) {
                return false;
            }
            --studio.room;
            studio.offered += fmt::format("{}{} ", unit.pts_ms(), unit.key ? "k" : "");
            return true;
        }
        Studio& studio;
        Listener& listener;
    };

    MakeRenderer maker() {
        return [this](Executor& /*home*/, Renderer::Listener& listener) {
            return std::make_unique<Puppet>(*this, listener);
        };
    }
    std::string take_offered() { return std::exchange(offered, {}); }

    World& world;
    Puppet* newest = nullptr;
    int made = 0;
    int ended = 0;
    std::size_t room = 1000;
    std::string offered{};
};

/// A viewer of pictures in one of the wire forms.
struct PictureViewer {
    PictureViewer(Desk& its_desk, Studio& studio, PictureWish wish = {}, std::string_view form = "times")
        : world{studio.world}, desk{its_desk}, answer{its_desk.executor} {
        Flavour flavour = hub::flavour<TimesMuxer>({.form = form, .pictures = wish});
        flavour.renderer = studio.maker();
        desk.executor.run([&] { desk.mirrors.join(flavour, {.stream = "live/cam"}, answer.reply()); });
        desk.executor.tasks().spawn(wait(*this));
        world.time.settle();
    }
    ~PictureViewer() { leave(); }
    PictureViewer(const PictureViewer&) = delete;
    PictureViewer& operator=(const PictureViewer&) = delete;

    static Task<> wait(PictureViewer& self) {
        Result<Joined> joined = co_await self.answer.within(Instant::never());
        if (!joined) {
            self.refused = joined.error();
            co_return;
        }
        self.joined = std::move(*joined);
        const Entrance* const entrance = self.joined->log->newest_entrance();
        self.from = entrance != nullptr ? entrance->offset : self.joined->log->head();
    }
    void leave() {
        desk.executor.run([this] { joined.reset(); });
        world.time.settle();
    }
    std::string read() {
        std::array<ByteSpan, 64> slices;
        std::string text;
        for (const ByteSpan slice :
             std::span{slices}.first(joined->log->gather(from, joined->log->head(), slices))) {
            text += as_text(slice);
        }
        from = joined->log->head();
        return text;
    }

    World& world;
    Desk& desk;
    Answer<Joined> answer;
    std::optional<Joined> joined;
    std::optional<Error> refused;
    std::uint64_t from = 0;
};

struct Rendered : testing::Test {
    void ready() {
        home().run([this] { studio.newest->listener.on_ready(); });
        world.time.settle();
    }
    void picture(std::int64_t ms) {
        home().run([this, ms] {
            studio.newest->listener.on_picture(
                {.config = jpeg_config, .dts = ms * 90, .pts = ms * 90, .key = true});
        });
        world.time.settle();
    }
    VirtualExecutor& home() { return world.desk_a.executor; }

    World world;
    Publisher publisher{world, world.desk_a};
    Studio studio{world};
};

}   // namespace

TEST_F(Rendered, the_first_viewer_starts_a_renderer_and_all_share_it) {
    publisher.video(0, true);
    publisher.video(40);
    EXPECT_EQ(studio.made, 0);
    PictureViewer one{world.desk_a, studio};
    PictureViewer two{world.desk_b, studio};
    EXPECT_EQ(studio.made, 1);
    EXPECT_EQ(studio.offered, "") << "it has not said that it is ready";
    ready();
    EXPECT_EQ(studio.take_offered(), "0k 40 ");
    publisher.video(80);
    EXPECT_EQ(studio.take_offered(), "80 ");
    picture(0);
    picture(80);
    EXPECT_EQ(one.read(), "0 80 ");
    EXPECT_EQ(two.read(), "0 80 ");
}

TEST_F(Rendered, row_2_10_two_forms_of_one_wish_share_a_renderer_and_each_has_every_picture) {
    publisher.video(0, true);
    PictureViewer http{world.desk_a, studio, {.fps = 25}};
    ready();
    EXPECT_EQ(studio.take_offered(), "0k ");
    picture(0);
    PictureViewer web_socket{world.desk_b, studio, {.fps = 25}, "others"};
    EXPECT_EQ(studio.made, 1);
    EXPECT_EQ(web_socket.read(), "0 ") << "the newest, at once";
    publisher.video(40);
    EXPECT_EQ(studio.take_offered(), "40 ") << "once";
    picture(40);
    picture(80);
    EXPECT_EQ(http.read(), "0 40 80 ");
    EXPECT_EQ(web_socket.read(), "40 80 ");
    PictureViewer other{world.desk_b, studio, {.fps = 5}, "others"};
    EXPECT_EQ(studio.made, 2) << "another wish is another encode";
}

TEST_F(Rendered, row_2_9_a_renderer_goes_when_the_last_form_has_been_left_for_ten_seconds) {
    publisher.video(0, true);
    PictureViewer http{world.desk_a, studio};
    PictureViewer web_socket{world.desk_b, studio, {}, "others"};
    ready();
    picture(0);
    web_socket.leave();
    for (std::int64_t ms = 1000; ms <= 15'000; ms += 1000) {
        world.time.run_for(1s);
        publisher.video(ms);
        picture(ms);
    }
    EXPECT_EQ(studio.ended, 0) << "the other form is still read";
    EXPECT_TRUE(http.read().ends_with(" 14000 15000 "));
    http.leave();
    world.time.run_for(9s);
    publisher.video(24'000);
    PictureViewer again{world.desk_b, studio, {}, "others"};
    EXPECT_EQ(again.read(), "15000 ") << "the newest there was";
    again.leave();
    world.time.run_for(9900ms);
    EXPECT_EQ(studio.ended, 0);
    world.time.run_for(200ms);
    EXPECT_EQ(studio.made, 1);
    EXPECT_EQ(studio.ended, 1);
}

TEST_F(Rendered, a_crash_costs_every_form_the_same_pictures) {
    publisher.video(0, true);
    PictureViewer http{world.desk_a, studio};
    PictureViewer web_socket{world.desk_b, studio, {}, "others"};
    ready();
    picture(0);
    publisher.video(40);
    ready();   // another child
    picture(0);
    picture(40);
    publisher.video(80);
    picture(80);
    EXPECT_EQ(http.read(), "0 40 80 ");
    EXPECT_EQ(web_socket.read(), "0 40 80 ");
}

TEST_F(Rendered, the_past_is_shown_once_and_then_only_what_is_new) {
    for (std::int64_t ms = 0; ms < 400; ms += 40) {
        publisher.video(ms, ms == 0);
    }
    PictureViewer viewer{world.desk_b, studio};
    ready();
    for (std::int64_t ms = 0; ms < 400; ms += 40) {
        picture(ms);
    }
    EXPECT_EQ(viewer.read(), "0 360 ") << "the first at once, then the live edge";
}

TEST_F(Rendered, a_renderer_that_crashed_begins_anew_with_a_key_frame_and_shows_nothing_twice) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    ready();
    publisher.video(40);
    picture(0);
    picture(40);
    studio.take_offered();
    ready();
    EXPECT_EQ(studio.take_offered(), "0k 40 ");
    picture(0);
    picture(40);
    publisher.video(80);
    picture(80);
    EXPECT_EQ(viewer.read(), "0 40 80 ");
    EXPECT_EQ(studio.made, 1);
}

TEST_F(Rendered, a_renderer_without_room_goes_on_at_the_next_key_frame) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    ready();
    studio.room = 1;
    publisher.video(40);
    publisher.video(80);
    studio.room = 100;
    publisher.video(120);
    publisher.video(160, true);
    publisher.video(200);
    EXPECT_EQ(studio.take_offered(), "0k 40 160k 200 ");
}

TEST_F(Rendered, a_renderer_far_behind_gets_key_frames_only_until_it_is_not) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    ready();
    picture(0);
    publisher.video(2100);
    publisher.video(2140);
    publisher.video(2180, true);
    publisher.video(2220);
    EXPECT_EQ(studio.take_offered(), "0k 2100 2180k ");
    picture(2100);
    picture(2180);
    publisher.video(2260);
    publisher.video(2300, true);
    publisher.video(2340);
    EXPECT_EQ(studio.take_offered(), "2300k 2340 ");
}

TEST_F(Rendered, row_2_9_it_is_kept_for_ten_seconds_after_the_last_viewer) {
    publisher.video(0, true);
    {
        PictureViewer viewer{world.desk_b, studio};
        ready();
    }
    world.time.run_for(9s);
    publisher.video(9000);
    EXPECT_EQ(studio.ended, 0);
    PictureViewer again{world.desk_b, studio};
    EXPECT_EQ(studio.made, 1) << "the same one";
    world.time.run_for(2s);
    publisher.video(11'000);
    EXPECT_EQ(studio.ended, 0);
    again.leave();
    world.time.run_for(9900ms);
    publisher.video(21'000);
    EXPECT_EQ(studio.ended, 0);
    world.time.run_for(200ms);
    EXPECT_EQ(studio.ended, 1);
}

TEST_F(Rendered, pictures_of_an_mjpeg_stream_pass_as_they_are) {
    publisher.video(0, true, jpeg_config);
    PictureViewer viewer{world.desk_b, studio};
    publisher.video(40, true, jpeg_config);
    EXPECT_EQ(viewer.read(), "0 40 ");
    PictureViewer five{world.desk_b, studio, {.fps = 5}};
    for (std::int64_t ms = 80; ms <= 1000; ms += 40) {
        publisher.video(ms, true, jpeg_config);
    }
    EXPECT_EQ(five.read(), "40 240 440 640 840 ");
    EXPECT_EQ(studio.made, 0);
    PictureViewer small{world.desk_b, studio, {.width = 320, .height = 240}};
    EXPECT_EQ(studio.made, 1);
}

TEST_F(Rendered, a_publisher_of_another_codec_takes_over_before_the_same_viewers) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    ready();
    picture(0);
    publisher.video(40, true, jpeg_config);
    publisher.video(80, true, jpeg_config);
    EXPECT_EQ(studio.ended, 1);
    EXPECT_EQ(viewer.read(), "0 40 80 ");
}

TEST_F(Rendered, refuses_what_is_above_the_source_and_streams_without_pictures) {
    publisher.video(0, true, jpeg_config);
    PictureViewer large{world.desk_b, studio, {.width = 642, .height = 480}};
    ASSERT_TRUE(large.refused);
    EXPECT_EQ(large.refused->code, Errc::malformed);
    PictureViewer same{world.desk_b, studio, {.width = 640, .height = 480}};
    EXPECT_FALSE(same.refused);
}

TEST_F(Rendered, refuses_a_stream_of_sound) {
    publisher.audio(0);
    PictureViewer viewer{world.desk_b, studio};
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->code, Errc::unsupported);
}

TEST_F(Rendered, only_so_many_ways_of_pictures_are_made_of_a_stream) {
    publisher.video(0, true);
    std::vector<std::unique_ptr<PictureViewer>> viewers;
    for (std::uint8_t fps = 1; fps <= Stream::variants_max; ++fps) {
        viewers.push_back(std::make_unique<PictureViewer>(world.desk_b, studio, PictureWish{.fps = fps}));
    }
    PictureViewer fifth{world.desk_b, studio, {.fps = 30}};
    ASSERT_TRUE(fifth.refused);
    EXPECT_EQ(fifth.refused->code, Errc::exhausted);
    PictureViewer plain{world.desk_b, studio};
    EXPECT_FALSE(plain.refused) << "the plain pictures are there for everybody";
    PictureViewer equal{world.desk_b, studio, {.fps = 1}};
    EXPECT_FALSE(equal.refused);
    PictureViewer other_form{world.desk_b, studio, {.fps = 1}, "others"};
    EXPECT_FALSE(other_form.refused) << "it needs no other renderer";
}

TEST_F(Rendered, a_renderer_that_gives_up_ends_every_log_and_newcomers_try_again) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    PictureViewer other_form{world.desk_b, studio, {}, "others"};
    home().run([this] { studio.newest->listener.on_failed({Errc::unsupported, "no decoder"}); });
    world.time.settle();
    EXPECT_EQ(studio.ended, 1);
    EXPECT_TRUE(viewer.joined->log->ended());
    EXPECT_TRUE(other_form.joined->log->ended());
    PictureViewer next{world.desk_b, studio};
    EXPECT_EQ(studio.made, 2);
    EXPECT_FALSE(next.joined->log->ended());
}

TEST_F(Rendered, the_end_of_the_stream_ends_renderer_and_log) {
    publisher.video(0, true);
    PictureViewer viewer{world.desk_b, studio};
    ready();
    home().run([this] { publisher.publication->finish(); });
    world.time.run_for(11s);
    EXPECT_EQ(studio.ended, 1);
    EXPECT_TRUE(viewer.joined->log->ended());
}

TEST(PicturePace, lets_a_source_of_that_very_rate_through_whole) {
    PicturePace pace{30};
    int passed = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
        passed += pace.passes((i * 1000 + 15) / 30 * 90) ? 1 : 0;   // rounded to milliseconds
    }
    EXPECT_EQ(passed, 300);
    PicturePace ten{10};
    passed = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
        passed += ten.passes(i * 3000) ? 1 : 0;
    }
    EXPECT_EQ(passed, 100);
    PicturePace seven{7};
    passed = 0;
    for (std::int64_t i = 0; i < 300; ++i) {
        passed += seven.passes(i * 3000) ? 1 : 0;
    }
    EXPECT_EQ(passed, 70);
}

}   // namespace millrace::hub
