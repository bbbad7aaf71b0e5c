#include "net/datagram_fan_out.hpp"

#include "net/datagram_fan_out_for_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::net {
namespace {

TEST(DatagramFanOut, begins_with_the_newest_entrance_and_leaves_nothing_out) {
    DatagramWorld world;
    world.second();
    world.second();
    const std::uint32_t first = world.frames.entered_at;
    auto& viewer = world.join();
    world.second();
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(first));
    EXPECT_TRUE(viewer.rtp.sound);
    EXPECT_TRUE(viewer.rtcp.numbers.empty());
}

TEST(DatagramFanOut, says_first_what_an_entrance_says_first) {
    DatagramWorld world;
    constexpr std::uint32_t report = 1'000'000;
    world.frames.resume = Bytes{FrameLog::frame(DatagramWorld::video + 1, report, 80)};
    world.second();
    for (int i = 0; i < 100; ++i) {
        world.join();
    }
    world.time.run_for(200ms);
    const std::uint64_t sends = world.fan_out.counters().sends;
    world.second();
    world.second();
    for (const auto& viewer : world.places) {
        EXPECT_EQ(viewer->rtcp.numbers, (std::vector<std::uint32_t>{report})) << "to newcomers alone";
    }
    EXPECT_LE(world.fan_out.counters().sends - sends, 2U * 2 * 25 + 10);
}

TEST(DatagramFanOut, begins_where_the_log_was_when_it_was_joined) {
    DatagramWorld world;
    world.picture(2, true);
    auto& viewer = world.join_without_settling();
    world.picture(2, true);
    world.time.run_for(100ms);
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(0));
}

TEST(DatagramFanOut, gives_a_newcomer_all_from_where_it_began_though_a_key_frame_comes_at_once) {
    DatagramWorld world;
    world.second();
    world.time.run_for(1s);
    auto& viewer = world.join_without_settling();
    world.second();
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(0));
    EXPECT_EQ(world.fan_out.counters().skips, 0U);
}

TEST(DatagramFanOut, waits_for_an_entrance_where_there_is_none) {
    DatagramWorld world;
    world.picture(3);
    auto& viewer = world.join();
    world.picture(3);
    EXPECT_TRUE(viewer.rtp.numbers.empty());
    world.picture(3, true);
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(6));
}

TEST(DatagramFanOut, sends_odd_channels_to_the_port_for_reports) {
    DatagramWorld world;
    auto& viewer = world.join();
    world.picture(2, true);
    const std::array<std::size_t, 1> report{100};
    world.frames.add(report, DatagramWorld::video + 1, world.time.now());
    world.frames.add(report, DatagramWorld::sound, world.time.now());
    world.frames.add(report, DatagramWorld::sound + 1, world.time.now());
    world.frames.add(report, 9, world.time.now());   // nobody set that up
    world.publish();
    world.time.run_for(100ms);
    EXPECT_EQ(viewer.rtp.numbers, (std::vector<std::uint32_t>{0, 1, 3}));
    EXPECT_EQ(viewer.rtcp.numbers, (std::vector<std::uint32_t>{2, 4}));
}

TEST(DatagramFanOut, sends_sound_alone_within_a_moment) {
    DatagramWorld world;
    auto& viewer = world.join();
    world.picture(2, true);
    world.time.run_for(1s);
    const std::array<std::size_t, 1> sound{200};
    world.frames.add(sound, DatagramWorld::sound, world.time.now());
    const Instant written = world.time.now();
    world.publish(false);
    world.time.run_for(1s);
    ASSERT_EQ(viewer.rtp.numbers.size(), 3U);
    EXPECT_LE(viewer.rtp.times.back() - written, DatagramAudience::sound_wait);
}

TEST(DatagramFanOut, spreads_a_large_picture_over_time) {
    DatagramWorld world;
    auto& viewer = world.join();
    world.picture(300, true);   // 420 KB
    const std::size_t at_once = viewer.rtp.bytes;
    EXPECT_GT(at_once, 1400U);
    EXPECT_LE(at_once, 60'000U);
    world.time.run_for(100ms);
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(0));
    // Never more in one moment than a receiver's smallest buffer holds.
    std::size_t burst = 0;
    for (std::size_t i = 0; i < viewer.rtp.times.size(); ++i) {
        burst = i > 0 && viewer.rtp.times[i] == viewer.rtp.times[i - 1] ? burst + 1 : 1;
        EXPECT_LE(burst * 1400, 60'000U);
    }
}

TEST(DatagramFanOut, sends_to_many_viewers_from_the_same_bytes_in_few_calls) {
    DatagramWorld world;
    for (int i = 0; i < 200; ++i) {
        world.join();
    }
    const auto before = world.fan_out.counters();
    world.picture(20, true);
    world.time.run_for(10ms);
    const auto& after = world.fan_out.counters();
    EXPECT_EQ(after.packets - before.packets, 200U * 20);
    EXPECT_LE(after.sends - before.sends, 5U) << "64 viewers a call";
    for (const auto& viewer : world.places) {
        EXPECT_EQ(viewer->rtp.numbers, world.all_since(0));
        EXPECT_TRUE(viewer->rtp.sound);
    }
}

TEST(DatagramFanOut, goes_on_where_it_was_when_its_socket_has_room_again) {
    DatagramWorld world;
    world.network.set_path({"192.0.2.1", 0}, {"192.0.2.7", 0},
                           {.bytes_per_second = 300'000, .queue = 20'000, .queue_at_sender = true});
    auto& one = world.join();
    auto& other = world.join();
    world.picture(20, true);
    EXPECT_GT(world.fan_out.counters().blocks, 0U);
    world.time.run_for(900ms);
    EXPECT_EQ(one.rtp.numbers.back(), 19U);
    for (const auto* viewer : {&one, &other}) {
        EXPECT_EQ(viewer->rtp.numbers, world.all_since(0));
        EXPECT_EQ(viewer->place ? viewer->seat.left : std::nullopt, std::nullopt);
    }
    EXPECT_EQ(world.fan_out.counters().skips, 0U);
}

TEST(DatagramFanOut, moves_one_that_lags_on_to_the_newest_entrance) {
    DatagramWorld world;
    world.network.set_path({"192.0.2.1", 0}, {"192.0.2.7", 0},
                           {.bytes_per_second = 60'000, .queue = 20'000, .queue_at_sender = true});
    auto& viewer = world.join();
    for (int i = 0; i < 6; ++i) {
        world.second();   // 160 KB
    }
    EXPECT_GT(world.fan_out.counters().skips, 0U);
    world.executor.run([&] { viewer.place.leave({Errc::closed, "enough"}); });
    EXPECT_GT(viewer.seat.counters.skips, 0U);
    EXPECT_GT(viewer.seat.counters.bytes_skipped, 100'000U);
    EXPECT_GT(viewer.rtp.numbers.back(), world.frames.next / 2) << "it stays near the live edge";
}

TEST(DatagramFanOut, is_silent_while_paused_and_goes_on_at_the_live_edge) {
    DatagramWorld world;
    auto& viewer = world.join();
    world.second();
    viewer.place.pause();
    const std::size_t heard = viewer.rtp.numbers.size();
    world.second();
    world.second();
    EXPECT_EQ(viewer.rtp.numbers.size(), heard);
    const std::uint32_t first = world.frames.entered_at;
    viewer.place.play();
    world.time.run_for(200ms);
    const std::vector<std::uint32_t> since{viewer.rtp.numbers.begin() + static_cast<std::ptrdiff_t>(heard),
                                           viewer.rtp.numbers.end()};
    EXPECT_EQ(since, world.all_since(first));
}

TEST(DatagramFanOut, sends_the_last_words_of_a_stream_and_tells_its_viewers) {
    DatagramWorld world;
    auto& viewer = world.join();
    world.second();
    world.picture(100, true);
    const std::array<std::size_t, 1> bye{40};
    world.frames.add(bye, DatagramWorld::video + 1, world.time.now());
    world.frames.log.end();
    world.publish();
    EXPECT_EQ(viewer.rtp.numbers.back() + 1, world.frames.next - 1);
    EXPECT_EQ(viewer.rtcp.numbers.back(), world.frames.next - 1);
    EXPECT_EQ(viewer.ended, Errc::closed);
    EXPECT_EQ(viewer.seat.left, Errc::closed);
    EXPECT_TRUE(viewer.seat.destroyed);
    EXPECT_EQ(world.fan_out.viewers(), 0U);
}

TEST(DatagramFanOut, lets_a_viewer_give_up_its_place_when_it_hears_of_the_end) {
    DatagramWorld world;
    for (int i = 0; i < 3; ++i) {
        auto& viewer = world.join();
        viewer.seat.on_leave = [&world, i] {
            world.places.at(static_cast<std::size_t>(i + 1) % 3)->place = {};
        };
    }
    world.frames.log.end();
    world.publish();
    EXPECT_EQ(world.fan_out.viewers(), 0U);
    for (const auto& viewer : world.places) {
        EXPECT_TRUE(viewer->seat.destroyed);
    }
}

TEST(DatagramFanOut, sends_nothing_more_to_one_who_left) {
    DatagramWorld world;
    auto& viewer = world.join();
    auto& other = world.join();
    world.picture(4, true);
    world.executor.run([&] { viewer.place.leave({Errc::closed, "it said TEARDOWN"}); });
    world.picture(4);
    world.time.run_for(100ms);
    EXPECT_EQ(viewer.rtp.numbers.size(), 4U);
    EXPECT_EQ(other.rtp.numbers.size(), 8U);
    EXPECT_FALSE(viewer.ended.has_value()) << "it knows";
    EXPECT_GT(viewer.seat.counters.bytes_out, 0U);
}

TEST(DatagramFanOut, shares_a_log_with_viewers_over_tcp) {
    DatagramWorld world;
    FanOut over_tcp{world.executor};
    auto [server, client] = virtual_connection(world.executor, world.executor, {.window = 1U << 20U}, {});
    SeatRecord seat;
    world.second();
    world.executor.run([&] {
        over_tcp.join(*world.view, {.connection = std::move(server),
                                    .lead = {},
                                    .back_channel = nullptr,
                                    .seat = std::make_unique<TestSeat>(world.view, seat, world.time)});
    });
    auto& viewer = world.join();
    const std::uint32_t first = world.frames.entered_at;
    world.second();
    EXPECT_EQ(viewer.rtp.numbers, world.all_since(first));
    std::array<std::byte, 65536> buffer;
    std::size_t bytes = 0;
    while (const Result<std::size_t> count = client->try_read(buffer)) {
        bytes += *count;
    }
    EXPECT_GT(bytes, 1400U);
    world.frames.log.end();
    world.publish();
    EXPECT_EQ(seat.left, Errc::closed);
    EXPECT_EQ(viewer.seat.left, Errc::closed);
}

}   // namespace
}   // namespace millrace::net
