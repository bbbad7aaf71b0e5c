#include "hub/segments_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace toys;

std::optional<std::vector<Duration>> finish(World& world) {
    std::optional<std::vector<Duration>> needed;
    Answer<std::vector<Duration>> answer{world.desk_b.executor};
    world.directory.finish(answer.reply());
    world.desk_b.executor.tasks().spawn([](auto& answer_, auto& needed_) -> Task<> {
        auto result = co_await answer_.within(Instant::never());
        needed_ = *result;
    }(answer, needed));
    world.time.settle();
    return needed;
}

TEST(Directory, case_100_a_stop_tells_publishers_and_ends_push_viewers_at_once) {
    World world;
    Publisher publisher{world, world.desk_a};
    publisher.video(0, true);
    Viewer viewer{world, world.desk_b};
    ASSERT_TRUE(viewer.joined);
    EXPECT_EQ(finish(world), std::vector<Duration>{}) << "nobody reads lists";
    ASSERT_TRUE(publisher.ended_by);
    EXPECT_EQ(publisher.ended_by->what, "this node stops");
    EXPECT_NE(viewer.read().find("end"), std::string::npos);
    Publisher late{world, world.desk_b, "live/other"};
    ASSERT_TRUE(late.refused);
    EXPECT_EQ(late.refused->what, "this node stops");
}

TEST(Directory, case_100_a_stop_ends_lists_and_says_how_long_their_readers_need) {
    World world;
    Publisher publisher{world, world.desk_a};
    Player player{world, world.desk_b};
    publisher.video(0, true);
    player.list();
    for (int ms = 40; ms <= 4000; ms += 40) {
        world.time.run_for(40ms);
        publisher.video(ms, ms % 2000 == 0);
    }
    EXPECT_EQ(finish(world), std::vector<Duration>{2s});
    player.list();
    ASSERT_TRUE(player.answered() && *player.answered());
    EXPECT_TRUE((**player.answered())->ended);
    EXPECT_EQ(finish(world), std::vector<Duration>{2s}) << "once more changes nothing";
}

TEST(Directory, new_settings_are_for_streams_that_begin_afterwards) {
    World world{{.grace = 10s}};
    Publisher old{world, world.desk_a, "live/old"};
    old.video(0, true);
    world.directory.use(std::make_shared<const SettingsByName>(
        [](const StreamName& /*name*/) { return Stream::Settings{.grace = 1s}; }));
    Publisher young{world, world.desk_a, "live/young"};
    young.video(0, true);
    world.desk_a.executor.run([&] {
        old.publication.reset();
        young.publication.reset();
    });
    world.time.run_for(2s);
    ASSERT_EQ(world.reports().size(), 1U);
    EXPECT_EQ(world.reports()[0].name, "live/old");
}

}   // namespace
}   // namespace millrace::hub
