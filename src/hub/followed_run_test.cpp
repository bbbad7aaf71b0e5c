#include "hub/segments_for_tests.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::hub {
namespace {

using namespace toys;

constexpr RunId run{1'700'000'000, 0xAB};
constexpr std::uint64_t before_first = 1'700'000'099;

/// What another node says of a run: 25 pictures a second, a key frame a second, a cut every two.
class Follower {
public:
    explicit Follower(World& world, std::int64_t from_ms = 3'600'000) : world_{world}, at_{from_ms} {
        publisher.emplace(world_, world_.desk_a);
        take(run);
    }
    void take(PublishedItem item) {
        world_.desk_a.executor.run([&] {
            publisher->publication->take(std::move(item));
            publisher->publication->flush();
        });
        world_.time.settle();
    }
    void show(std::int64_t ms) {
        for (const std::int64_t until = at_ + ms; at_ < until; at_ += 40) {
            if (at_ % 2000 == 0) {
                take(GivenCut{cut(), std::exchange(whole, true)});
            }
            publisher->video(at_, at_ % 1000 == 0, video_config_);
            publisher->audio(at_, audio_config_);
            world_.time.run_for(40ms);
        }
    }
    /// Nothing of this time comes.
    void miss(std::int64_t ms) {
        at_ += ms;
        whole = false;
    }
    media::Cut cut() const {
        return {.number = static_cast<std::uint64_t>(at_ / 2000) + before_first + 1 - 1800 - offset,
                .discontinuity_sequence = 40'000,
                .time = at_ * 90,
                .utc = WallTime{at_ * 1000}};
    }

    std::optional<Publisher> publisher;
    bool whole = false;
    std::uint64_t offset = 0;

private:
    World& world_;
    std::int64_t at_;
    // As another connection brings them: the same, but other objects.
    media::ConfigRef video_config_ = std::make_shared<const media::TrackConfig>(*video_config);
    media::ConfigRef audio_config_ = std::make_shared<const media::TrackConfig>(*audio_config);
};

/// The units of a part of a segment, in ms: of pictures 0, of sound 1.
std::string units_in(const SegmentEntry& segment, std::size_t part) {
    return part < segment.parts.size() ? std::string{as_text(segment.parts[part].bytes.span())} : "none";
}

std::string every_40_ms(std::int64_t from, std::int64_t to) {
    std::string text;
    for (; from < to; from += 40) {
        text += (text.empty() ? "" : " ") + std::to_string(from);
    }
    return text;
}

std::string listed(Player& player) {
    const auto list = player.list();
    return !list ? "waits" : *list ? summary(***list, before_first) : std::string{(*list).error().what};
}

TEST(FollowedRun, row_0_11_its_list_has_the_numbers_times_and_names_of_the_node_that_opened_it) {
    World world;
    Follower edge{world};
    edge.show(5000);
    Player player{world, world.desk_b};
    EXPECT_EQ(listed(player), "waits");
    edge.show(1040);
    EXPECT_EQ(listed(player), "2: 2.000 | 3: 2.000") << "from the cut before the last on";
    const auto answer = player.list();
    ASSERT_TRUE(answer && *answer);
    const SegmentListRef list = **answer;
    const SegmentEntry& first = *list->segments.front();
    EXPECT_EQ(first.parts.front().name, run.text() + "/v0-" + std::to_string(3'602'000 * 90));
    EXPECT_EQ(units_in(first, 0), every_40_ms(3'602'000, 3'604'000));
    EXPECT_EQ(units_in(first, 1), every_40_ms(3'602'000, 3'604'000));
    EXPECT_EQ(first.cut.discontinuity_sequence, 40'000U);
    EXPECT_EQ(first.cut.utc.microseconds, 3'602'000'000);
    EXPECT_EQ(list->target_duration, 2);
    EXPECT_EQ(world.reports().front().run, run.text());
}

TEST(FollowedRun, its_publisher_goes_on_where_it_is_and_what_was_missed_is_a_gap) {
    World world;
    Follower edge{world};
    edge.show(6000);
    Player player{world, world.desk_b};
    listed(player);
    edge.show(2040);
    // It was cut in the middle of a segment, and is back in the middle of the next but one.
    edge.publisher.reset();
    world.time.run_for(3s);
    Viewer viewer{world, world.desk_b};
    Follower back{world, 3'611'000};
    viewer.read();
    back.show(5040);
    const auto list = player.list();
    ASSERT_TRUE(list && *list);
    EXPECT_EQ(summary(***list, before_first),
              "2: 2.000 | 3: 2.000 | 4: 2.000 | 5: 2.000 | 6: 2.000 | 7: 2.000 | 8: 2.000");
    std::string there;
    for (const SegmentEntryRef& one : (**list)->segments) {
        there += one->parts.empty() ? '-' : '+';
    }
    EXPECT_EQ(there, "+++--++") << "the fifth ended, and the sixth began, while nothing came";
    EXPECT_NE(viewer.read().find("v 3611040"), std::string::npos);
    for (std::size_t part = 0; part < 2; ++part) {
        EXPECT_EQ(units_in(*(**list)->segments[5], part), every_40_ms(3'612'000, 3'614'000));
        EXPECT_EQ(units_in(*(**list)->segments[6], part), every_40_ms(3'614'000, 3'616'000));
    }
}

TEST(FollowedRun, who_is_back_just_where_a_segment_begins_lacks_nothing_of_it) {
    World world;
    Follower edge{world};
    edge.show(6000);
    Player player{world, world.desk_b};
    listed(player);
    edge.show(2000);
    edge.publisher.reset();
    world.time.run_for(2s);
    Follower back{world, 3'610'000};
    back.show(4040);
    const auto list = player.list();
    ASSERT_TRUE(list && *list);
    EXPECT_EQ(summary(***list, before_first),
              "2: 2.000 | 3: 2.000 | 4: 2.000 | 5: 2.000 | 6: 2.000 | 7: 2.000");
    for (std::size_t part = 0; part < 2; ++part) {
        EXPECT_EQ(units_in(*(**list)->segments[4], part), every_40_ms(3'610'000, 3'612'000));
    }
}

TEST(FollowedRun, its_lists_go_on_where_it_is_even_when_those_of_before_had_ended) {
    World world;
    Follower edge{world};
    edge.show(6000);
    Player player{world, world.desk_b};
    listed(player);
    edge.show(4040);
    edge.publisher.reset();
    world.time.run_for(Stream::Settings{}.grace + 4s);
    EXPECT_NE(listed(player).find("end"), std::string::npos);
    Follower back{world, 3'628'000};
    back.show(4040);
    EXPECT_EQ(listed(player), "15: 2.000 | 16: 2.000");
}

TEST(FollowedRun, what_is_lacking_for_long_begins_the_list_anew) {
    World world;
    Follower edge{world};
    edge.show(6000);
    Player player{world, world.desk_b};
    listed(player);
    edge.show(40);
    edge.miss(60'000 - 40);
    edge.show(4040);
    EXPECT_EQ(listed(player), "34: 2.000 | 35: 2.000");
}

TEST(FollowedRun, another_run_ends_what_is_endless_and_begins_a_list) {
    World world;
    Follower edge{world};
    edge.show(4040);
    Viewer viewer{world, world.desk_b};
    Player player{world, world.desk_b};
    listed(player);
    EXPECT_EQ(viewer.read().find("end"), std::string::npos);
    edge.publisher.reset();
    world.time.run_for(1s);
    Follower anew{world, 3'700'000};
    anew.take(RunId{run.started + 60, 1});
    EXPECT_NE(viewer.read().find("end"), std::string::npos);
    anew.show(4040);
    const auto list = player.list();
    ASSERT_TRUE(list && *list);
    EXPECT_EQ((**list)->segments.back()->parts.front().name.substr(0, 19), "1700000060-00000001");
}

TEST(FollowedRun, who_says_what_cannot_be_is_followed_no_more) {
    for (const media::Cut& wrong :
         {media::Cut{.number = 5, .time = 3'602'000LL * 90},
          media::Cut{
              .number = before_first + 2, .discontinuity_sequence = 1ULL << 40U, .time = 3'602'000LL * 90},
          media::Cut{.number = before_first + 2,
                     .discontinuity_sequence = 40'000,
                     .time = std::numeric_limits<std::int64_t>::min()},
          media::Cut{.number = before_first + 2,
                     .discontinuity_sequence = 40'000,
                     .time = 3'602'000LL * 90,
                     .timescale = 0}}) {
        World world;
        Follower edge{world};
        edge.show(2000);
        Player player{world, world.desk_b};
        listed(player);
        edge.take(GivenCut{wrong, true});
        edge.publisher->video(3'602'000, true);
        for (std::int64_t at = 3'602'040; at < 3'610'040; at += 40) {
            edge.publisher->video(at, at % 1000 == 0);
            world.time.run_for(40ms);
        }
        const auto list = player.list();
        ASSERT_TRUE(list && *list) << wrong.number;
        EXPECT_GE((**list)->segments.size(), 3U);
    }
}

TEST(FollowedRun, units_that_fall_back_or_lie_beyond_all_times_are_left_out) {
    World world;
    Follower edge{world};
    edge.show(2000);
    const std::uint64_t unusable = world.reports().front().units_unusable;
    edge.publisher->video(3'601'000, true);
    edge.publisher->video(std::numeric_limits<std::int64_t>::max() / 90, true);
    EXPECT_EQ(world.reports().front().units_unusable, unusable + 2);
}

TEST(RunId, is_read_as_it_is_written_and_nothing_else_is) {
    EXPECT_EQ(RunId::parse(run.text()), run);
    EXPECT_EQ(run.text(), "1700000000-000000ab");
    for (const char* wrong :
         {"", "-", "1-2", "1700000000-000000AB", "01700000000-000000ab", "-5-000000ab",
          "1700000000-000000abc", "9999999999-000000ab", "1700000000-../../..", "0-00000000"}) {
        EXPECT_FALSE(RunId::parse(wrong)) << wrong;
    }
}

}   // namespace
}   // namespace millrace::hub
