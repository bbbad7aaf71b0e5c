#include "hub/stream_for_tests.hpp"

namespace millrace::hub {
namespace {

using toys::Publisher;
using toys::Viewer;
using toys::World;

/// Says them to the stream from the other worker, and what was answered.
Result<std::size_t> say(World& world, std::vector<std::string> texts, const std::string& name = "live/cam") {
    std::vector<media::TimedMessage> messages;
    for (const std::string& text : texts) {
        messages.push_back(*media::read_message(text));
    }
    std::optional<Result<std::size_t>> answered;
    Answer<std::size_t> answer{world.desk_b.executor};
    world.desk_b.executor.run([&] { world.directory.say(name, std::move(messages), answer.reply()); });
    world.desk_b.executor.tasks().spawn([](auto& from, auto& into) -> Task<> {
        into = co_await from.within(Instant::never());
    }(answer, answered));
    world.time.settle();
    return *answered;
}

media::AccessUnit picture(std::int64_t ms, bool key = false) {
    media::AccessUnit unit{
        .track = 0, .config = toys::video_config, .dts = ms * 90, .pts = ms * 90, .key = key};
    unit.capture = {{1'800'000'000'000'000 + ms * 1000}, media::CaptureTime::Label::capture};
    return unit;
}

TEST(StreamMessages, row_0_28_a_result_stands_beside_the_frames_with_the_time_of_its_own) {
    World world;
    Publisher camera{world, world.desk_a};
    for (const std::int64_t ms : {0, 40, 80}) {
        camera.unit(picture(ms, ms == 0));
    }
    Viewer viewer{world, world.desk_b};
    viewer.read();
    ASSERT_EQ(say(world, {R"({"capture":1800000000040000,"n":1})", R"({"n":2})"}), 2U);
    camera.unit(picture(120));
    EXPECT_EQ(viewer.read(), "r 40 {\"capture\":1800000000040000,\"n\":1}\nr 80 {\"n\":2}\nv 120\n");
    EXPECT_EQ(world.reports().front().results.taken, 2U);
}

TEST(StreamMessages, the_publisher_says_them_behind_the_frames_of_the_same_read) {
    World world;
    Publisher camera{world, world.desk_a};
    camera.unit(picture(0, true));
    Viewer viewer{world, world.desk_b};
    viewer.read();
    world.desk_a.executor.run([&] {
        camera.publication->say(*media::read_message(R"({"capture":1800000000040000})"));
        camera.publication->write(picture(40));
        camera.publication->flush();
    });
    world.time.settle();
    EXPECT_EQ(viewer.read(), "v 40\nr 40 {\"capture\":1800000000040000}\n");
}

TEST(StreamMessages, what_is_of_no_picture_or_too_much_is_refused_in_words) {
    World world;
    EXPECT_EQ(say(world, {"{}"}).error().code, Errc::not_found) << "no such stream";
    Publisher camera{world, world.desk_a};
    camera.announce(0, media::Kind::video);
    EXPECT_EQ(say(world, {"{}"}).error().code, Errc::not_found) << "no picture yet";
    camera.unit(picture(0, true));
    EXPECT_EQ(say(world, {R"({"capture":1700000000000000})"}).error().code, Errc::not_found);
    for (int i = 1; i < Stream::messages_at_once_max; ++i) {   // the one of no picture counts
        ASSERT_TRUE(say(world, {"{}"})) << i;
    }
    EXPECT_EQ(say(world, {"{}"}).error().code, Errc::throttled);
    world.time.run_for(1s);
    EXPECT_EQ(say(world, {"{}"}), 1U);
    const StreamReport report = world.reports().front();
    EXPECT_EQ(report.results.taken, std::uint64_t{Stream::messages_at_once_max});
    EXPECT_GE(report.results.refused, 2U);
}

TEST(StreamMessages, large_ones_have_a_rate_of_their_own) {
    World world;
    Publisher camera{world, world.desk_a};
    camera.unit(picture(0, true));
    const std::string large = R"({"a":")" + std::string(media::TimedMessage::bytes_max - 8, 'x') + R"("})";
    std::size_t taken = 0;
    while (taken < 100 && say(world, {large})) {
        ++taken;
    }
    EXPECT_EQ(taken, Stream::message_kilobytes_at_once_max / 16U);
}

TEST(StreamMessages, klv_has_the_place_of_its_own_time_on_the_runs_timeline) {
    World world;
    Publisher camera{world, world.desk_a};
    const auto show = [&](std::int64_t ms, std::int64_t said_ms, bool key) {
        media::AccessUnit unit = picture(ms, key);
        unit.dts = unit.pts = said_ms * 90;
        camera.unit(std::move(unit));
    };
    const auto say_klv = [&](std::int64_t said_ms) {
        world.desk_a.executor.run([&] {
            camera.publication->say({.kind = media::TimedMessage::Kind::klv,
                                     .body = Bytes::copy("klv"),
                                     .source_pts = said_ms * 90});
            camera.publication->flush();
        });
        world.time.settle();
    };
    show(0, 5'000'000, true);
    world.desk_a.executor.run(
        [&] { camera.publication->say({.kind = media::TimedMessage::Kind::klv, .body = {}}); });
    Viewer viewer{world, world.desk_b};
    show(40, 5'000'040, false);
    say_klv(5'000'040);
    EXPECT_NE(viewer.read().find("v 5000040\nr 5000040 klv\n"), std::string::npos);
    // Its clock was set: the run goes on, and what belongs to a picture stays with it.
    show(80, 1'000, true);
    const std::string jumped = viewer.read();
    say_klv(1'000);
    const std::size_t at = jumped.rfind("v ");
    ASSERT_NE(at, jumped.npos) << jumped;
    const std::string moved = std::to_string(std::stoll(jumped.substr(at + 2)));
    EXPECT_NE(moved, "1000");
    EXPECT_EQ(viewer.read(), "r " + moved + " klv\n");
}

/// Says it to the publisher from the other worker.
Result<bool> send_back(World& world, std::string text, const std::string& name = "live/cam") {
    std::optional<Result<bool>> answered;
    Answer<bool> answer{world.desk_b.executor};
    world.desk_b.executor.run([&] { world.directory.send_back(name, Bytes::copy(text), answer.reply()); });
    world.desk_b.executor.tasks().spawn([](auto& from, auto& into) -> Task<> {
        into = co_await from.within(Instant::never());
    }(answer, answered));
    world.time.settle();
    return *answered;
}

TEST(StreamMessages, only_who_hears_is_spoken_to_and_not_too_often) {
    World world;
    EXPECT_EQ(send_back(world, "{}").error().code, Errc::not_found);
    Publisher deaf{world, world.desk_a, "live/deaf"};
    EXPECT_EQ(send_back(world, "{}", "live/deaf").error().code, Errc::unsupported);
    Publisher camera{world, world.desk_a, "live/edge"};
    camera.unit(picture(0, true));
    for (int i = 0; i < Stream::back_at_once_max; ++i) {
        ASSERT_TRUE(send_back(world, std::to_string(i), "live/edge")) << i;
    }
    EXPECT_EQ(send_back(world, "{}", "live/edge").error().code, Errc::throttled);
    ASSERT_EQ(camera.heard.size(), std::size_t{Stream::back_at_once_max});
    EXPECT_EQ(camera.heard.front(), "0");
    EXPECT_EQ(camera.heard.back(), std::to_string(Stream::back_at_once_max - 1));
    world.time.run_for(1s);
    EXPECT_TRUE(send_back(world, "{}", "live/edge"));
}

}   // namespace
}   // namespace millrace::hub
