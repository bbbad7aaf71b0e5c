#include "session/stills.hpp"

#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "media/jpeg.hpp"
#include "media/jpeg_for_tests.hpp"
#include "protocol/http/conditional.hpp"
#include "session/played_child_for_tests.hpp"
#include "session/still_play.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr WallTime taken{1'763'646'000'123'456};

/// Lets anyone in but the token "bad".
class Door final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        if (petition.query.find("token=bad") != std::string::npos) {
            reply.give(fail(Errc::refused, "not with this token"));
            return;
        }
        reply.give(
            hub::Admitted{.identity = {}, .anyone = petition.query.find("token=") == std::string::npos});
    }
};

/// A worker with the route of stills, one aside with a child that the test plays, and a publisher.
class StillsOnDemand : public testing::Test {
protected:
    StillsOnDemand() { desk_.settings = std::make_shared<const Settings>(Settings{{"*"}, "live/cam"}); }
    ~StillsOnDemand() override { world_.time.stop(); }

    struct Asked {
        web::Request request;
        std::optional<web::Response> response;
        int status() const { return response ? response->status : 0; }
        std::string text() const { return std::string{as_text(response->body)}; }
        std::string header(std::string_view name) const {
            for (const auto& [key, value] : response->headers) {
                if (web::same_name(key, name)) {
                    return value;
                }
            }
            return {};
        }
    };
    /// Asks; the answer stands there once it has come.
    Asked& ask(std::string path, std::string query = {}, std::vector<web::Header> headers = {}) {
        Asked& asked = asked_.emplace_back();
        asked.request = {.method = "GET",
                         .path = std::move(path),
                         .query = std::move(query),
                         .headers = std::move(headers),
                         .peer = {"192.0.2.7", 40'000}};
        world_.desk_a.executor.run([&] { world_.desk_a.executor.tasks().spawn(run(*this, asked)); });
        world_.time.settle();
        return asked;
    }

    void publish(std::string name = "live/cam") {
        publisher_.emplace(world_, world_.desk_a, std::move(name));
    }
    /// Says the stream's end.
    void leave() {
        world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
        world_.time.settle();
    }
    /// A key frame of H.264, 25 a second from the last one.
    void key_frame(media::ConfigRef config = flv::samples::track(media::Codec::h264).config,
                   Bytes payload = Bytes::copy(std::string_view{"\0\0\0\2\x65\x88", 6})) {
        publisher_->unit({.track = 0,
                          .config = std::move(config),
                          .payload = std::move(payload),
                          .dts = time_,
                          .pts = time_,
                          .key = true,
                          .capture = {taken, media::CaptureTime::Label::capture}});
        time_ += 3600;
    }

    /// What the child was asked for since the last look: the widths and the times of the frames.
    struct Order {
        std::uint64_t width = 0;
        std::int64_t pts = -1;
        bool operator==(const Order&) const = default;
    };
    std::vector<Order> orders() {
        spawner_.move();
        std::vector<Order> found;
        std::uint64_t width = 0;
        for (const media_link::Message& message : std::exchange(spawner_.newest().heard, {})) {
            if (const auto* command = std::get_if<media_link::Command>(&message)) {
                EXPECT_EQ(command->what, media_link::Command::What::picture_width);
                width = command->value;
            } else if (const auto* unit = std::get_if<media::AccessUnit>(&message)) {
                found.push_back({width, unit->pts});
            }
        }
        return found;
    }
    /// The child answers with a JPEG whose coded data says what it is of.
    void answer(std::int64_t pts, std::string_view words) {
        media::AccessUnit picture{
            .payload = media::jpeg::Sample{640, 360, words}.bytes(), .dts = pts, .pts = pts, .key = true};
        picture.config = media::jpeg::config_from({.width = 640, .height = 360});
        spawner_.say(picture);
    }
    void answer_all(std::string_view words) {
        for (const Order& order : orders()) {
            answer(order.pts, words);
        }
    }

    hub::toys::World world_;
    VirtualExecutor& aside_ = world_.time.add_executor();
    VirtualExecutor& child_side_ = world_.time.add_executor();
    Door door_;
    Desk desk_{world_.desk_a.executor, world_.directory, door_, world_.random};
    toys::PlayedSpawner spawner_{world_.time, child_side_};
    Stills stills_{aside_, world_.directory, spawner_};
    web::Route route_ = still_play(desk_, stills_);
    std::optional<hub::toys::Publisher> publisher_;
    std::deque<Asked> asked_;
    std::int64_t time_ = 0;

private:
    static Task<> run(StillsOnDemand& self, Asked& asked) {
        asked.response = co_await self.route_.answer(asked.request, self.world_.desk_a.executor);
    }
};

TEST_F(StillsOnDemand, knows_its_addresses) {
    EXPECT_TRUE(route_.matches("/live/cam.jpg"));
    EXPECT_TRUE(route_.matches("/cam.jpg"));
    for (const std::string_view path : {"/", "/live/cam", "/live/cam.mjpeg", "/live/cam/archive.jpg",
                                        "/assets/a.jpg", "/.jpg", "/live/../cam.jpg"}) {
        EXPECT_FALSE(route_.matches(path)) << path;
    }
}

TEST_F(StillsOnDemand, nobody_asks_so_no_child_runs) {
    publish();
    key_frame();
    world_.time.run_for(1min);
    EXPECT_EQ(spawner_.asked, 0);
}

TEST_F(StillsOnDemand, a_key_frame_becomes_a_picture) {
    publish();
    key_frame();
    Asked& asked = ask("/live/cam.jpg", "width=500");
    EXPECT_EQ(orders(), (std::vector<Order>{{640, 0}})) << "rounded up to the next step";
    EXPECT_FALSE(asked.response);
    answer(0, "first");
    ASSERT_EQ(asked.status(), 200);
    EXPECT_NE(asked.text().find("first"), std::string::npos);
    EXPECT_EQ(asked.header("Content-Type"), "image/jpeg");
    EXPECT_EQ(asked.header("Cache-Control"), "no-cache");
    EXPECT_EQ(asked.header("X-Timestamp"), "1763646000.123456");
    EXPECT_EQ(asked.header("Access-Control-Allow-Origin"), "*");
    EXPECT_NE(asked.header("Access-Control-Expose-Headers").find("X-Timestamp"), std::string::npos);
    EXPECT_EQ(ask("/live/cam.jpg", "width=640&token=good").header("Cache-Control"), "private, no-cache");
    EXPECT_EQ(ask("/live/cam.jpg", "token=bad").status(), 403);
}

TEST_F(StillsOnDemand, the_same_picture_has_the_same_tag) {
    publish();
    key_frame();
    Asked& first = ask("/live/cam.jpg");
    answer_all("first");
    const std::string tag = first.header("ETag");
    ASSERT_TRUE(tag.starts_with('"') && tag.ends_with('"')) << tag;
    world_.time.run_for(6s);
    Asked& again = ask("/live/cam.jpg", {}, {{"If-None-Match", tag}});
    ASSERT_TRUE(again.response) << "the newest key frame is the same: nothing is made anew";
    EXPECT_EQ(again.header("ETag"), tag);
    EXPECT_EQ(http::conditional(again.request, std::move(*again.response)).status, 304);
    key_frame();
    world_.time.run_for(6s);
    Asked& newer = ask("/live/cam.jpg");
    answer_all("second");
    ASSERT_EQ(newer.status(), 200);
    EXPECT_NE(newer.header("ETag"), tag);
}

TEST_F(StillsOnDemand, one_picture_of_a_stream_and_width_in_five_seconds_however_many_ask) {
    publish();
    key_frame();
    for (int i = 0; i < 20; ++i) {
        ask("/live/cam.jpg", "width=320");
    }
    EXPECT_EQ(orders().size(), 1U);
    answer(0, "first");
    for (const Asked& asked : asked_) {
        EXPECT_EQ(asked.status(), 200);
    }
    for (int i = 0; i < 9; ++i) {
        key_frame();
        world_.time.run_for(500ms);
        EXPECT_NE(ask("/live/cam.jpg", "width=320").text().find("first"), std::string::npos);
    }
    EXPECT_TRUE(orders().empty());
    ask("/live/cam.jpg", "width=160");
    EXPECT_EQ(orders(), (std::vector<Order>{{160, 9 * 3600}})) << "another width is another picture";
    answer(9 * 3600, "small");
    world_.time.run_for(500ms);
    ask("/live/cam.jpg", "width=320");
    EXPECT_EQ(orders(), (std::vector<Order>{{320, 9 * 3600}}));
    EXPECT_EQ(spawner_.asked, 1) << "one child for all";
}

TEST_F(StillsOnDemand, one_order_at_a_time_goes_to_the_child) {
    publish();
    key_frame();
    Asked& small = ask("/live/cam.jpg", "width=160");
    Asked& large = ask("/live/cam.jpg", "width=800");
    EXPECT_EQ(orders(), (std::vector<Order>{{160, 0}}));
    answer(0, "small");
    EXPECT_EQ(small.status(), 200);
    EXPECT_EQ(orders(), (std::vector<Order>{{800, 0}}));
    answer(0, "large");
    EXPECT_NE(large.text().find("large"), std::string::npos);
}

TEST_F(StillsOnDemand, the_child_goes_when_nobody_asked_for_ten_seconds) {
    publish();
    key_frame();
    ask("/live/cam.jpg");
    answer_all("first");
    for (int i = 0; i < 9; ++i) {
        world_.time.run_for(1s);
        spawner_.say(media_link::Statistics{});
    }
    EXPECT_FALSE(spawner_.newest().gone);
    world_.time.run_for(1100ms);
    spawner_.move();
    EXPECT_TRUE(spawner_.newest().gone);
    key_frame();
    Asked& later = ask("/live/cam.jpg");
    EXPECT_EQ(spawner_.asked, 2);
    answer_all("second");
    EXPECT_EQ(later.status(), 200);
}

TEST_F(StillsOnDemand, pictures_of_an_mjpeg_stream_are_its_own) {
    publish();
    const Bytes own = media::jpeg::Sample{640, 360, "own"}.bytes();
    const media::ConfigRef config = media::jpeg::config_from({.width = 640, .height = 360});
    key_frame(config, own);
    EXPECT_EQ(ask("/live/cam.jpg").response->body, own);
    EXPECT_EQ(ask("/live/cam.jpg", "width=1920").response->body, own) << "never larger than it is";
    const Bytes next = media::jpeg::Sample{640, 360, "the next one"}.bytes();
    key_frame(config, next);
    EXPECT_EQ(ask("/live/cam.jpg").response->body, next) << "at once: it costs nothing";
    EXPECT_EQ(spawner_.asked, 0);
    Asked& small = ask("/live/cam.jpg", "width=160");
    EXPECT_EQ(orders(), (std::vector<Order>{{160, 3600}}));
    answer(3600, "small");
    EXPECT_EQ(small.status(), 200);
}

TEST_F(StillsOnDemand, widths_out_of_range_are_refused_in_words) {
    publish();
    key_frame();
    for (const std::string query :
         {"width=159", "width=1921", "width=", "width=-320", "width=320x", "width=1e3"}) {
        Asked& asked = ask("/live/cam.jpg", query);
        EXPECT_EQ(asked.status(), 400) << query;
        EXPECT_NE(asked.text().find("160 to 1920"), std::string::npos);
    }
    EXPECT_EQ(spawner_.asked, 0);
}

TEST_F(StillsOnDemand, a_stream_without_pictures_says_so) {
    EXPECT_EQ(ask("/live/none.jpg").status(), 404);
    publish();
    publisher_->audio(0);
    world_.time.run_for(2s);
    publisher_->audio(2000);
    EXPECT_EQ(ask("/live/cam.jpg").status(), 415);
    EXPECT_EQ(spawner_.asked, 0);
}

TEST_F(StillsOnDemand, the_first_key_frame_is_asked_and_waited_for) {
    publish();
    Asked& cached = ask("/live/cam.jpg", "cached");
    EXPECT_EQ(cached.status(), 404) << "nothing is at hand";
    EXPECT_EQ(publisher_->asks, 0);
    Asked& asked = ask("/live/cam.jpg");
    EXPECT_EQ(publisher_->asks, 1);
    EXPECT_FALSE(asked.response);
    key_frame();
    answer_all("first");
    EXPECT_EQ(asked.status(), 200);
    EXPECT_EQ(ask("/live/cam.jpg", "cached").status(), 200);
}

TEST_F(StillsOnDemand, who_waits_in_vain_is_told_so_in_time) {
    publish();
    Asked& asked = ask("/live/cam.jpg");
    world_.time.run_for(Stills::key_frame_patience + 100ms);
    EXPECT_EQ(asked.status(), 503);
    Asked& ended = ask("/live/cam.jpg");
    leave();
    EXPECT_EQ(ended.status(), 404);
}

TEST_F(StillsOnDemand, cached_shows_the_last_picture_of_a_stream_that_is_gone) {
    publish();
    key_frame();
    ask("/live/cam.jpg", "width=320");
    answer_all("first");
    leave();
    publisher_.reset();
    world_.time.run_for(1min);
    EXPECT_EQ(ask("/live/cam.jpg", "width=320").status(), 404);
    EXPECT_EQ(ask("/live/cam.jpg", "width=320&cached").status(), 200);
    EXPECT_EQ(ask("/live/cam.jpg", "width=160&cached").status(), 404);
    world_.time.run_for(1h);
    EXPECT_EQ(ask("/live/cam.jpg", "width=320&cached").status(), 404) << "an hour later it says nothing";
}

TEST_F(StillsOnDemand, what_cannot_be_decoded_is_tried_again_after_five_seconds) {
    publish();
    key_frame();
    Asked& asked = ask("/live/cam.jpg");
    EXPECT_EQ(orders().size(), 1U);
    spawner_.say(media_link::Fault{false, "the key frame cannot be decoded"});
    EXPECT_EQ(asked.status(), 415);
    EXPECT_EQ(ask("/live/cam.jpg").status(), 415);
    EXPECT_TRUE(orders().empty());
    world_.time.run_for(5s);
    Asked& again = ask("/live/cam.jpg");
    answer_all("now");
    EXPECT_EQ(again.status(), 200);
    EXPECT_EQ(spawner_.asked, 1);
}

TEST_F(StillsOnDemand, a_child_that_dies_has_a_second_try) {
    publish();
    key_frame();
    Asked& asked = ask("/live/cam.jpg");
    EXPECT_EQ(orders().size(), 1U);
    spawner_.die();
    EXPECT_EQ(spawner_.asked, 2);
    EXPECT_EQ(orders(), (std::vector<Order>{{0, 0}}));
    answer(0, "second try");
    EXPECT_EQ(asked.status(), 200);
}

TEST_F(StillsOnDemand, a_child_that_died_while_it_was_idle_is_nobodys_fault) {
    publish();
    key_frame();
    ask("/live/cam.jpg");
    answer_all("first");
    for (int i = 0; i < 3; ++i) {
        spawner_.die();
        world_.time.run_for(6s);
        key_frame();
        Asked& asked = ask("/live/cam.jpg");
        answer_all("next");
        EXPECT_EQ(asked.status(), 200) << i;
    }
}

TEST_F(StillsOnDemand, a_stream_that_kills_the_child_twice_is_left_out_for_ten_minutes) {
    publish();
    key_frame();
    Asked& asked = ask("/live/cam.jpg");
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(orders().size(), 1U);
        spawner_.die();
    }
    EXPECT_EQ(asked.status(), 503);
    EXPECT_NE(asked.text().find("left out for ten minutes"), std::string::npos);
    EXPECT_EQ(spawner_.asked, 2);

    hub::toys::Publisher other{world_, world_.desk_b, "live/other"};
    other.unit({.track = 0, .config = flv::samples::track(media::Codec::h264).config, .key = true});
    world_.time.run_for(9min);
    key_frame();
    EXPECT_EQ(ask("/live/cam.jpg").status(), 503);
    EXPECT_EQ(spawner_.asked, 2);
    world_.time.run_for(61s);
    key_frame();
    Asked& later = ask("/live/cam.jpg");
    answer_all("well again");
    EXPECT_EQ(later.status(), 200);
    EXPECT_EQ(spawner_.asked, 3);
}

TEST_F(StillsOnDemand, a_child_that_falls_silent_or_only_shows_life_is_given_up) {
    publish();
    key_frame();
    ask("/live/cam.jpg");
    EXPECT_EQ(orders().size(), 1U);
    world_.time.run_for(media_link::silence_max + 100ms);
    EXPECT_EQ(spawner_.asked, 2) << "silent";
    Asked& asked = asked_.back();
    for (int i = 0; i < 7 && !asked.response; ++i) {
        spawner_.say(media_link::Statistics{});
        world_.time.run_for(1s);
    }
    EXPECT_EQ(asked.status(), 503) << "alive, without an answer";
}

TEST_F(StillsOnDemand, without_a_child_there_are_no_pictures_and_no_storm) {
    spawner_.missing = true;
    publish();
    key_frame();
    for (int i = 0; i < 10; ++i) {
        EXPECT_EQ(ask("/live/cam.jpg").status(), 503);
    }
    EXPECT_EQ(spawner_.asked, 1);
    world_.time.run_for(5s);
    spawner_.missing = false;
    Asked& later = ask("/live/cam.jpg");
    answer_all("there it is");
    EXPECT_EQ(later.status(), 200);
}

TEST_F(StillsOnDemand, what_waits_is_bounded) {
    publish();
    for (std::size_t i = 0; i < Stills::waiters_max; ++i) {
        stills_.ask({.key = {"live/cam", 160 * static_cast<std::uint32_t>(i % 12)}},
                    Answer<StillRef>{world_.desk_a.executor}.reply());
    }
    world_.time.settle();
    EXPECT_EQ(ask("/live/cam.jpg").status(), 503);
}

TEST(StillCache, forgets_what_was_asked_for_least_recently) {
    StillCache cache;
    const Instant now = Instant::from_nanoseconds(1);
    const auto still_of = [](std::size_t size) {
        return std::make_shared<const Still>(Still{Bytes{std::vector<std::byte>(size)}, "\"a\"", {}});
    };
    constexpr std::size_t large = StillCache::bytes_max / 4;
    for (const std::string name : {"a", "b", "c"}) {
        cache.keep({name, 0}, still_of(large), {now});
    }
    ASSERT_NE(cache.find({"a", 0}), nullptr);
    cache.keep({"d", 0}, still_of(large), {now});
    EXPECT_EQ(cache.find({"b", 0}), nullptr) << "a was asked for after it";
    EXPECT_NE(cache.find({"a", 0}), nullptr);
    EXPECT_LE(cache.bytes(), StillCache::bytes_max);
    cache.keep({"a", 0}, still_of(10), {now});
    cache.keep({"a", 0}, {Errc::unsupported, "not this time"}, {now});
    ASSERT_NE(cache.find({"a", 0})->still, nullptr) << "an earlier picture stays";
    EXPECT_TRUE(cache.find({"a", 0})->trouble);
    EXPECT_EQ(cache.bytes(), 2 * large + 10 + 3 * StillCache::entry_bytes);
    for (std::uint32_t width = 0; width < 2 * StillCache::entries_max; ++width) {
        cache.keep({"e", width}, still_of(1), {now});
    }
    EXPECT_EQ(cache.size(), StillCache::entries_max);
}

}   // namespace
}   // namespace millrace::session
