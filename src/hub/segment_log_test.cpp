#include "hub/segment_log.hpp"

#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

SegmentEntryRef entry(std::uint64_t number, std::size_t bytes = 10, double seconds = 2) {
    auto made = std::make_shared<SegmentEntry>();
    made->cut.number = number;
    media::SegmentPart part;
    part.rendition = "v0";
    part.name = "run/v0-" + std::to_string(number);
    part.bytes = Bytes{std::vector<std::byte>(bytes)};
    part.init_name = "run/init-" + std::to_string(number / 100);
    part.init = Bytes::copy("init");
    part.duration = static_cast<std::int64_t>(seconds * 90'000);
    made->parts.push_back(std::move(part));
    return made;
}

Instant at(double seconds) {
    return Instant{} + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

bool has(SegmentLog& log, std::uint64_t number, double seconds) {
    return log.find("run/v0-" + std::to_string(number), at(seconds)).has_value();
}

TEST(SegmentLog, row_1_14_lists_ten_and_keeps_the_old_for_the_grace_of_the_rfc) {
    SegmentLog log{10};
    for (std::uint64_t number = 0; number < 10; ++number) {
        log.add(entry(number), {.target_duration = 2, .rates = {}, .frame_rate = 25},
                at(2.0 * static_cast<double>(number)));
    }
    const SegmentListRef before = log.list();
    EXPECT_EQ(before->segments.size(), 10U);
    log.add(entry(10), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(20));
    EXPECT_EQ(log.list()->segments.size(), 10U);
    EXPECT_EQ(log.list()->segments.front()->cut.number, 1U);
    EXPECT_EQ(before->segments.front()->cut.number, 0U) << "a list that was given away never changes";
    EXPECT_TRUE(has(log, 0, 20));
    EXPECT_TRUE(has(log, 0, 41.9)) << "its 2 s and the longest list's 20 s";
    EXPECT_FALSE(has(log, 0, 42.1));
    EXPECT_TRUE(has(log, 1, 42.1)) << "listed still";
    EXPECT_EQ(log.find("run/v0-0", at(43)).error().code, Errc::not_found);
}

TEST(SegmentLog, row_1_14_stays_flat_over_accelerated_hours) {
    SegmentLog log{10};
    for (std::uint64_t number = 0; number < 50'000; ++number) {
        log.add(entry(number, 1000), {.target_duration = 2, .rates = {}, .frame_rate = 25},
                at(2.0 * static_cast<double>(number)));
        EXPECT_LE(log.entries(), 21U);
        EXPECT_LE(log.bytes(), 21'000U);
    }
    EXPECT_TRUE(log.find("run/init-499", at(100'000)));
    EXPECT_FALSE(log.find("run/init-498", at(100'000))) << "no segment needs it any more";
}

TEST(SegmentLog, beyond_its_bytes_the_oldest_go_but_three_stay_listed) {
    SegmentLog log{10};
    for (std::uint64_t number = 0; number < 8; ++number) {
        log.add(entry(number, 60U << 20U), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(0));
    }
    EXPECT_EQ(log.list()->segments.size(), 3U);
    EXPECT_EQ(log.entries(), 3U);
}

TEST(SegmentLog, another_run_begins_the_list_anew) {
    SegmentLog log{10};
    log.add(entry(1), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(0));
    log.end();
    EXPECT_TRUE(log.list()->ended);
    log.restart(at(1));
    EXPECT_EQ(log.list(), nullptr);
    EXPECT_TRUE(has(log, 1, 2));
    log.add(entry(500), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(3));
    EXPECT_EQ(log.list()->segments.size(), 1U);
    EXPECT_FALSE(log.list()->ended);
}

TEST(SegmentLog, a_list_begins_with_what_can_be_played_and_keeps_its_tracks_over_gaps) {
    const auto gap = [](std::uint64_t number) {
        auto made = std::make_shared<SegmentEntry>();
        made->cut.number = number;
        made->lasts = 2;
        return made;
    };
    SegmentLog log{3};
    log.add(gap(1), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(0));
    EXPECT_EQ(log.list(), nullptr);
    auto playable = std::make_shared<SegmentEntry>(*entry(2));
    playable->parts.front().tracks.push_back({.id = 0, .kind = media::Kind::video});
    log.add(playable, {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(2));
    for (std::uint64_t number = 3; number < 8; ++number) {
        log.add(gap(number), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(4));
    }
    ASSERT_EQ(log.list()->segments.size(), 3U);
    EXPECT_EQ(log.list()->segments.front()->cut.number, 5U);
    EXPECT_EQ(log.list()->tracks.size(), 1U);
}

/// What became of requests that waited.
struct Outcomes {
    int got = 0;
    int late = 0;
    int refused = 0;
};

Task<> wait(SegmentLog& log, Executor& home, Outcomes& outcomes) {
    Answer<SegmentListRef> answer{home};
    log.ask(answer.reply(), {home.now() + 10s, home.now() + 2s});
    const Result<SegmentListRef> list = co_await answer.within(Instant::never());
    outcomes.got += list ? 1 : 0;
    outcomes.late += !list && list.error().code == Errc::timed_out ? 1 : 0;
    outcomes.refused += !list && list.error().code == Errc::exhausted ? 1 : 0;
}

TEST(SegmentLog, as_many_as_1024_wait_for_the_first_segment) {
    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    SegmentLog log{10};
    Outcomes outcomes;
    const auto ask = [&](std::size_t count) {
        for (std::size_t i = 0; i < count; ++i) {
            home.run([&] { home.tasks().spawn(wait(log, home, outcomes)); });
        }
        time.settle();
    };
    ask(SegmentLog::parked_max + 3);
    EXPECT_EQ(outcomes.refused, 3);
    log.advance(at(9));
    EXPECT_EQ(log.deadline(), at(10));
    log.advance(at(10));
    time.settle();
    EXPECT_EQ(outcomes.late, static_cast<int>(SegmentLog::parked_max));
    ask(5);
    log.add(entry(1), {.target_duration = 2, .rates = {}, .frame_rate = 25}, at(9));
    ask(1);
    EXPECT_EQ(outcomes.got, 6);
    time.stop();
}

TEST(SegmentLog, a_first_list_waits_a_segment_long_for_a_second_one) {
    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    const SegmentLog::Facts facts{.target_duration = 2, .rates = {}, .frame_rate = 25};
    const auto ask = [&](SegmentLog& log, Outcomes& outcomes) {
        home.run([&] { home.tasks().spawn(wait(log, home, outcomes)); });
        time.settle();
    };
    SegmentLog in_time{10};
    Outcomes outcomes;
    in_time.add(entry(1), facts, at(0));
    ask(in_time, outcomes);
    EXPECT_EQ(outcomes.got, 0);
    in_time.add(entry(2), facts, at(1));
    time.settle();
    EXPECT_EQ(outcomes.got, 1);

    SegmentLog late{10};
    late.add(entry(1), facts, at(0));
    ask(late, outcomes);
    EXPECT_EQ(late.deadline(), at(2));
    late.advance(at(2));
    time.settle();
    EXPECT_EQ(outcomes.got, 2);
    ask(late, outcomes);
    EXPECT_EQ(outcomes.got, 3) << "once somebody has it, it is no first list";

    SegmentLog ended{10};
    ended.add(entry(1), facts, at(0));
    ask(ended, outcomes);
    ended.end();
    time.settle();
    EXPECT_EQ(outcomes.got, 4);
    EXPECT_EQ(outcomes.late, 0);
    time.stop();
}

}   // namespace
}   // namespace millrace::hub
