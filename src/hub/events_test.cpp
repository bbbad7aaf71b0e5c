#include "hub/events.hpp"

#include "base/virtual_time.hpp"
#include "media/timed_message.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

/// Somebody who reads on another worker.
class Reader {
public:
    Reader(VirtualTime& time, VirtualExecutor& executor, Events& events, EventWish wish = {})
        : time_{time}, executor_{executor}, events_{events}, wish_{std::move(wish)} {
        id_ = events.new_reader();
        ask();
    }

    std::vector<std::string> texts() {
        time_.settle();
        return std::exchange(texts_, {});
    }

    std::vector<EventRef> all;
    std::optional<Error> refused;

private:
    void ask() {
        executor_.run([this] { executor_.tasks().spawn(read(*this)); });
        time_.settle();
    }
    static Task<> read(Reader& self) {
        for (;;) {
            Answer<EventBatch> answer{self.executor_};
            self.events_.read(self.id_, self.wish_, answer.reply());
            Result<EventBatch> batch = co_await answer.within(Instant::never());
            if (!batch) {
                self.refused = batch.error();
                co_return;
            }
            self.wish_.after = batch->after;
            self.wish_.results_after = batch->results_after;
            for (const EventRef& event : batch->events) {
                self.texts_.push_back(event->text);
                self.all.push_back(event);
            }
        }
    }

    VirtualTime& time_;
    VirtualExecutor& executor_;
    Events& events_;
    EventWish wish_;
    std::uint64_t id_ = 0;
    std::vector<std::string> texts_;
};

struct World {
    ~World() { time.stop(); }
    void tell(std::string text, EventKind kind = EventKind::stream, std::string stream = "live/cam") {
        events.tell({.kind = kind, .stream = std::move(stream), .text = std::move(text), .members = {}});
        time.settle();
    }

    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    VirtualExecutor& other = time.add_executor();
    Events events{home};
};

using Texts = std::vector<std::string>;

TEST(Events, a_reader_hears_what_happens_from_now_on) {
    World world;
    world.tell("before");
    Reader reader{world.time, world.other, world.events};
    EXPECT_EQ(reader.texts(), Texts{});
    world.tell("one");
    world.tell("two", EventKind::viewer);
    EXPECT_EQ(reader.texts(), (Texts{"one", "two"}));
}

TEST(Events, an_event_is_one_line_of_json) {
    World world;
    Reader reader{world.time, world.other, world.events};
    world.events.tell(
        {.kind = EventKind::stream, .stream = "a", .text = "<b>\n\"x\"", .members = R"("state":"live")"});
    world.time.settle();
    ASSERT_EQ(reader.all.size(), 1U);
    EXPECT_EQ(reader.all[0]->json,
              R"({"id":1800000000000000,"at":"2027-01-15T08:00:00.000Z","kind":"stream","stream":"a",)"
              R"("text":"\u003cb>\n\"x\"","state":"live"})");
}

TEST(Events, who_was_away_goes_on_behind_the_last_event_it_saw) {
    World world;
    for (int i = 0; i < 200; ++i) {
        world.tell(std::to_string(i));
    }
    Reader early{world.time, world.other, world.events, {.after = 1'800'000'000'000'009}};
    Texts texts = early.texts();
    ASSERT_EQ(texts.size(), 190U);
    EXPECT_EQ(texts.front(), "10");
    EXPECT_EQ(texts.back(), "199");
    world.tell("200");
    EXPECT_EQ(early.texts(), Texts{"200"});
}

TEST(Events, who_was_away_too_long_is_told_how_much_is_lost) {
    World world;
    for (std::size_t i = 0; i < Events::kept_max + 10; ++i) {
        world.tell(std::to_string(i));
    }
    Reader reader{world.time, world.other, world.events, {.after = 1'800'000'000'000'004}};
    const Texts texts = reader.texts();
    ASSERT_EQ(texts.size(), Events::kept_max + 1);
    EXPECT_EQ(texts[0], "5 events since then are not kept any more");
    EXPECT_EQ(texts[1], "10");
    EXPECT_EQ(reader.all[0]->kind, EventKind::lost);
}

TEST(Events, ids_of_another_life_of_the_node_are_told_to_be_lost) {
    for (const std::uint64_t after : {std::uint64_t{0}, std::uint64_t{5}, UINT64_MAX}) {
        World world;
        world.tell("one");
        Reader reader{world.time, world.other, world.events, {.after = after}};
        const Texts texts = reader.texts();
        ASSERT_FALSE(texts.empty()) << after;
        EXPECT_EQ(texts[0], "this node was started since then: what came before is not kept");
        world.tell("two");
        EXPECT_EQ(reader.texts(), Texts{"two"});
    }
}

TEST(Events, a_reader_of_one_stream_hears_what_its_viewers_may_know) {
    World world;
    Reader reader{world.time, world.other, world.events, {.after = {}, .stream = "live/cam"}};
    world.tell("of another", EventKind::stream, "live/other");
    world.tell("a viewer's address", EventKind::viewer);
    world.tell("a publisher's address", EventKind::publisher);
    world.tell("a line", EventKind::log, "");
    world.tell("live", EventKind::stream);
    world.tell("no key frame", EventKind::verdict);
    EXPECT_EQ(reader.texts(), (Texts{"live", "no key frame"}));
}

TEST(Events, a_reader_of_one_stream_hears_that_it_has_a_publisher_but_not_which) {
    World world;
    Reader reader{world.time, world.other, world.events, {.after = {}, .stream = "live/cam"}};
    world.events.tell({.kind = EventKind::publisher,
                       .stream = "live/cam",
                       .text = "Publisher 192.0.2.9:5 of live/cam joined",
                       .members = R"("peer":"192.0.2.9:5")",
                       .open_text = "The publisher of live/cam joined",
                       .open_members = R"("what":"joined")"});
    world.time.settle();
    ASSERT_EQ(reader.all.size(), 1U);
    const EventWish viewer{.after = {}, .stream = "live/cam"};
    EXPECT_EQ(json_for(viewer, *reader.all[0]),
              R"({"id":1800000000000000,"at":"2027-01-15T08:00:00.000Z","kind":"publisher",)"
              R"("stream":"live/cam","text":"The publisher of live/cam joined","what":"joined"})");
    EXPECT_TRUE(json_for({}, *reader.all[0]).contains("192.0.2.9"));
}

TEST(Events, viewers_are_counted_once_a_second_and_only_where_the_number_changed) {
    World world;
    Reader reader{world.time, world.other, world.events, {.after = {}, .stream = "live/cam"}};
    const auto come = [&](int viewers, std::string stream = "live/cam") {
        world.events.tell({.kind = EventKind::viewer,
                           .stream = std::move(stream),
                           .text = "somebody",
                           .members = {},
                           .viewers = viewers});
    };
    for (int i = 0; i < 1000; ++i) {   // more than are told one by one
        come(1);
    }
    EXPECT_EQ(reader.texts(), Texts{});
    world.time.run_for(2s);
    EXPECT_EQ(reader.texts(), Texts{"live/cam has 1000 viewers"});
    come(1);
    come(-1);
    come(1, "live/other");
    world.time.run_for(2s);
    EXPECT_EQ(reader.texts(), Texts{});
    for (int i = 0; i < 999; ++i) {
        come(-1);
    }
    world.time.run_for(2s);
    EXPECT_EQ(reader.texts(), Texts{"live/cam has 1 viewer"});
    come(-1);
    world.time.run_for(2s);
    EXPECT_EQ(reader.texts(), Texts{"live/cam has 0 viewers"});
    EXPECT_TRUE(reader.all.back()->json.ends_with(R"("count":0})"));
}

TEST(Events, viewers_of_many_streams_are_counted_a_few_at_a_time) {
    World world;
    Reader reader{world.time, world.other, world.events};
    for (std::size_t i = 0; i < 2 * Events::counts_at_once_max; ++i) {
        world.events.tell({.kind = EventKind::viewer,
                           .stream = "live/" + std::to_string(i),
                           .text = "somebody",
                           .members = {},
                           .viewers = 1});
    }
    reader.texts();
    world.time.run_for(1s);
    EXPECT_EQ(reader.texts().size(), Events::counts_at_once_max);
    world.time.run_for(3s);
    EXPECT_EQ(reader.texts().size(), Events::counts_at_once_max);
}

TEST(Events, viewers_who_come_too_fast_are_told_as_a_number) {
    World world;
    Reader reader{world.time, world.other, world.events};
    for (int i = 0; i < 1000; ++i) {
        world.tell("came", EventKind::viewer);
    }
    EXPECT_EQ(reader.texts().size(), static_cast<std::size_t>(Events::told_at_once_max));
    world.tell("live", EventKind::stream);
    EXPECT_EQ(reader.texts(), Texts{"live"});
    world.time.run_for(1s);
    world.tell("came", EventKind::viewer);
    EXPECT_EQ(reader.texts(), (Texts{"800 events of this kind came too fast to be told", "came"}));
}

TEST(Events, only_so_many_wait_and_those_who_are_gone_make_room) {
    World world;
    std::vector<std::unique_ptr<Answer<EventBatch>>> answers;
    std::uint64_t reader = 0;
    for (std::size_t i = 0; i < Events::readers_max; ++i) {
        reader = world.events.new_reader();
        answers.push_back(std::make_unique<Answer<EventBatch>>(world.other));
        world.events.read(reader, {}, answers.back()->reply());
    }
    Reader refused{world.time, world.other, world.events};
    ASSERT_TRUE(refused.refused);
    EXPECT_EQ(refused.refused->code, Errc::exhausted);
    world.events.forget(reader);
    Reader admitted{world.time, world.other, world.events};
    world.tell("one");
    EXPECT_EQ(admitted.texts(), Texts{"one"});
    world.time.settle();
}

TEST(Events, row_0_28_results_go_to_the_readers_of_their_stream_alone_and_push_nothing_out) {
    World world;
    Reader cam{world.time, world.other, world.events, {.after = {}, .stream = "live/cam"}};
    Reader other{world.time, world.other, world.events, {.after = {}, .stream = "live/other"}};
    Reader everything{world.time, world.other, world.events};
    world.tell("one");
    for (std::size_t i = 0; i < Events::results_max * 3; ++i) {
        world.events.tell_of_moment(EventKind::result, "live/cam", fmt::format("{{{}}}", i));
        world.time.settle();
    }
    world.tell("two");
    world.time.settle();
    ASSERT_EQ(cam.all.size(), Events::results_max * 3 + 2);
    for (std::size_t i = 0; i < Events::results_max * 3; ++i) {
        ASSERT_EQ(cam.all[i + 1]->json, fmt::format("{{{}}}", i));
        ASSERT_EQ(cam.all[i + 1]->id, 0U) << "nobody goes on behind a result";
    }
    EXPECT_EQ(other.texts(), std::vector<std::string>{});
    EXPECT_EQ(everything.texts(), (std::vector<std::string>{"one", "two"}));
    Reader late{world.time, world.other, world.events, {.after = 0, .stream = "live/cam"}};
    EXPECT_EQ(std::ranges::count(late.all, EventKind::result, &Event::kind), 0)
        << "a result is of its moment";
}

TEST(Events, results_that_nobody_reads_are_bounded_in_bytes) {
    World world;
    const std::string large(media::TimedMessage::bytes_max, 'x');
    Reader slow{world.time, world.other, world.events, {.after = {}, .stream = "live/cam"}};
    for (int i = 0; i < 1000; ++i) {
        world.events.tell_of_moment(EventKind::result, "live/cam",
                                    large);   // it reads only when all are there
    }
    world.time.settle();
    std::size_t bytes = 0;
    for (const EventRef& event : slow.all) {
        bytes += event->json.size();
    }
    EXPECT_LE(bytes, Events::result_bytes_max + large.size());
}

}   // namespace
}   // namespace millrace::hub
