#include "hub/demand.hpp"
#include "hub/segments_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using namespace toys;

/// One source on demand, at home on the first worker; the test publishes in its name.
class OneSource final : public Demand {
public:
    explicit OneSource(Executor& home) : home_{home} {}
    std::optional<Offer> offer_of(const std::string& stream) const override {
        return stream == "live/cam" ? std::optional{Offer{stream, &home_}} : std::nullopt;
    }
    bool wake(const std::string& stream) override {
        if (!offer_of(stream)) {
            return false;
        }
        woken += awake ? 0 : 1;
        awake = true;
        return true;
    }
    bool rest(const std::string& stream) override { return offer_of(stream) && std::exchange(awake, false); }
    std::vector<Offer> offers() const override { return {{"live/cam", &home_}}; }

    int woken = 0;
    bool awake = false;

private:
    Executor& home_;
};

class OnDemand : public testing::Test {
protected:
    OnDemand() { world_.directory.draw_on(source_); }

    /// Publishes as the source would.
    Publisher& begin() {
        publisher_ = std::make_unique<Publisher>(world_, world_.desk_a);
        time_ = 0;
        return *publisher_;
    }
    /// Publishes for so long, a key frame each second.
    void publish_for(Duration span) {
        for (Duration spent{0}; spent < span && publisher_; spent += 100ms, time_ += 100) {
            publisher_->video(time_, time_ % 1000 == 0);
            world_.time.run_for(100ms);
            if (!source_.awake) {
                end();
            }
        }
    }
    void end() {
        world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
        world_.time.settle();
        publisher_.reset();
    }
    std::string state() {
        const std::vector<StreamReport> reports = world_.reports();
        return reports.size() == 1 ? std::string{name(reports[0].state)} : "not one stream";
    }

    World world_;
    OneSource source_{world_.desk_a.executor};
    std::unique_ptr<Publisher> publisher_;
    std::int64_t time_ = 0;
};

/// Asks for the newest key frame; what came of it stands there once it has come.
std::shared_ptr<Result<KeyFrame>> ask_key_frame(World& world, KeyFrameAsk ask) {
    struct Asking {
        static Task<> wait(World& world, KeyFrameAsk ask, std::shared_ptr<Result<KeyFrame>> to) {
            Answer<KeyFrame> answer{world.desk_b.executor};
            world.directory.key_frame("live/cam", ask, answer.reply());
            *to = co_await answer.within(Instant::never());
        }
    };
    auto found = std::make_shared<Result<KeyFrame>>(fail(Errc::would_block, "not yet"));
    world.desk_b.executor.run([&] { world.desk_b.executor.tasks().spawn(Asking::wait(world, ask, found)); });
    world.time.settle();
    return found;
}

TEST_F(OnDemand, who_wants_a_picture_wakes_the_source_and_who_takes_what_is_at_hand_does_not) {
    const auto at_hand = ask_key_frame(world_, KeyFrameAsk::at_hand);
    EXPECT_EQ(at_hand->error().code, Errc::not_found);
    EXPECT_EQ(source_.woken, 0);
    const auto wanted = ask_key_frame(world_, KeyFrameAsk::wait);
    EXPECT_EQ(source_.woken, 1);
    EXPECT_EQ(wanted->error().code, Errc::would_block);
    begin();
    publish_for(1s);
    ASSERT_TRUE(*wanted);
    EXPECT_TRUE((*wanted)->unit->key);
    publish_for(1min);
    EXPECT_FALSE(source_.awake) << "a picture is soon looked at";
}

TEST_F(OnDemand, who_waits_for_a_picture_hears_that_the_source_failed) {
    const auto wanted = ask_key_frame(world_, KeyFrameAsk::wait);
    world_.directory.source_failed("live/cam", {Errc::unsupported, "this source cannot be"});
    world_.time.settle();
    EXPECT_EQ(wanted->error().code, Errc::unsupported);
}

TEST_F(OnDemand, nobody_waits_for_a_key_frame_forever) {
    const auto wanted = ask_key_frame(world_, KeyFrameAsk::wait);
    begin().video(0);
    world_.time.run_for(Stream::key_wait + 2s);
    EXPECT_EQ(wanted->error().code, Errc::timed_out);
}

TEST_F(OnDemand, nobody_watches_and_nothing_runs_yet_it_is_listed_as_offline) {
    world_.time.run_for(1min);
    EXPECT_EQ(source_.woken, 0);
    const std::vector<StreamReport> reports = world_.reports();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].name, "live/cam");
    EXPECT_EQ(reports[0].state, StreamState::offline);
    EXPECT_TRUE(reports[0].on_demand);
}

TEST_F(OnDemand, row_2_9_the_first_viewer_wakes_the_source_and_gets_its_first_picture) {
    Viewer viewer{world_, world_.desk_b};
    EXPECT_EQ(source_.woken, 1);
    EXPECT_FALSE(viewer.joined || viewer.refused);
    EXPECT_EQ(state(), "waiting");
    begin().video(0, true);
    ASSERT_TRUE(viewer.joined);
    EXPECT_EQ(viewer.read(), "v 0\n");
    EXPECT_EQ(state(), "live");
}

TEST_F(OnDemand, many_viewers_on_all_workers_wake_it_once) {
    Viewer first{world_, world_.desk_a};
    Viewer second{world_, world_.desk_b};
    Viewer third{world_, world_.desk_b};
    begin().video(0, true);
    EXPECT_TRUE(first.joined && second.joined && third.joined);
    EXPECT_EQ(source_.woken, 1);
}

TEST_F(OnDemand, it_rests_when_nobody_watched_for_the_idle_time_and_wakes_again) {
    std::optional<Viewer> viewer{std::in_place, world_, world_.desk_b};
    begin();
    publish_for(30s);
    EXPECT_TRUE(source_.awake) << "somebody watches";
    viewer.reset();
    publish_for(9s);
    EXPECT_TRUE(source_.awake) << "the idle time is not over";
    publish_for(3s);
    EXPECT_FALSE(source_.awake);
    EXPECT_EQ(state(), "offline");
    Viewer again{world_, world_.desk_b};
    EXPECT_EQ(source_.woken, 2);
    begin().video(0, true);
    ASSERT_TRUE(again.joined);
    EXPECT_EQ(again.read(), "v 0\n") << "nothing of the run before";
}

TEST_F(OnDemand, a_viewer_who_comes_within_the_idle_time_keeps_it_awake) {
    std::optional<Viewer> viewer{std::in_place, world_, world_.desk_b};
    begin();
    publish_for(5s);
    viewer.reset();
    publish_for(9s);
    viewer.emplace(world_, world_.desk_b);
    publish_for(30s);
    EXPECT_TRUE(source_.awake);
    EXPECT_EQ(source_.woken, 1);
}

TEST_F(OnDemand, a_viewer_who_comes_while_the_source_ends_has_it_woken_again) {
    std::optional<Viewer> viewer{std::in_place, world_, world_.desk_b};
    begin().video(0, true);
    viewer.reset();
    while (source_.awake) {
        world_.time.run_for(1s);
    }
    viewer.emplace(world_, world_.desk_b);   // the old one has not yet said its end
    EXPECT_EQ(source_.woken, 2);
    end();
    EXPECT_EQ(state(), "waiting");
    begin().video(0, true);
    ASSERT_TRUE(viewer->joined);
    EXPECT_NE(viewer->read().find("v "), std::string::npos);
    EXPECT_EQ(state(), "live");
}

TEST_F(OnDemand, who_waits_is_refused_in_words_when_the_source_does_not_begin) {
    Viewer viewer{world_, world_.desk_b};
    world_.time.run_for(Stream::source_wait - 1s);
    EXPECT_FALSE(viewer.refused);
    world_.time.run_for(2s);
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->code, Errc::timed_out);
    EXPECT_FALSE(source_.awake) << "nobody waits for it any more";
    EXPECT_EQ(state(), "offline");
    Viewer again{world_, world_.desk_b};
    EXPECT_EQ(source_.woken, 2);
}

TEST_F(OnDemand, who_waits_is_refused_at_once_when_the_source_cannot_be_used) {
    Viewer viewer{world_, world_.desk_b};
    world_.directory.source_failed("live/cam", {Errc::cancelled, "no such file"});
    world_.time.settle();
    ASSERT_TRUE(viewer.refused);
    EXPECT_EQ(viewer.refused->what, "no such file");
    EXPECT_FALSE(source_.awake);
}

TEST_F(OnDemand, a_list_wakes_it_and_who_polls_keeps_it_awake) {
    Player player{world_, world_.desk_b};
    EXPECT_FALSE(player.list());
    EXPECT_EQ(source_.woken, 1);
    begin();
    publish_for(5s);
    ASSERT_TRUE(player.answered() && *player.answered());
    const SegmentList& list = ***player.answered();
    EXPECT_FALSE(list.segments.front()->parts.front().name.starts_with("0-")) << "named by its run";
    for (int i = 0; i < 15; ++i) {
        player.list();
        publish_for(2s);
    }
    EXPECT_TRUE(source_.awake);
    publish_for(20s);
    EXPECT_FALSE(source_.awake);
    EXPECT_EQ(state(), "offline");
}

TEST_F(OnDemand, a_list_that_was_left_is_begun_anew_by_who_comes_later) {
    Player first{world_, world_.desk_b, "first"};
    first.list();
    begin();
    publish_for(30s);
    ASSERT_FALSE(source_.awake);
    Player second{world_, world_.desk_b, "second"};
    EXPECT_FALSE(second.list()) << "not the end of what others saw";
    EXPECT_EQ(source_.woken, 2);
    begin();
    publish_for(5s);
    ASSERT_TRUE(second.answered() && *second.answered());
    EXPECT_FALSE((**second.answered())->ended);
}

TEST_F(OnDemand, after_a_file_that_ended_a_newcomer_begins_it_anew) {
    std::optional<Viewer> viewer{std::in_place, world_, world_.desk_b};
    begin().video(0, true);
    source_.awake = false;   // it ended by itself
    end();
    EXPECT_EQ(source_.woken, 1) << "nobody new asked for it";
    EXPECT_NE(viewer->read().find("unpublished"), std::string::npos);
    Viewer other{world_, world_.desk_b};
    EXPECT_EQ(source_.woken, 2);
    viewer.reset();
}

TEST_F(OnDemand, after_the_lists_of_a_file_ended_a_newcomer_sees_no_old_end) {
    Player first{world_, world_.desk_b, "first"};
    first.list();
    begin();
    for (int i = 0; i < 5; ++i) {
        publish_for(2s);
        first.list();
    }
    source_.awake = false;
    end();
    for (int i = 0; i < 7; ++i) {
        world_.time.run_for(2s);
        first.list();
    }
    ASSERT_TRUE(first.answered() && *first.answered());
    EXPECT_TRUE((**first.answered())->ended) << "who read it to the end is told so";
    EXPECT_EQ(source_.woken, 1);
    Player second{world_, world_.desk_b, "second"};
    EXPECT_FALSE(second.list());
    EXPECT_EQ(source_.woken, 2);
}

TEST_F(OnDemand, a_source_that_was_lost_is_let_go_when_its_viewers_have_their_end) {
    Viewer viewer{world_, world_.desk_b};
    begin().video(0, true);
    publisher_.reset();   // without a word; the source tries again and again
    world_.time.settle();
    EXPECT_EQ(state(), "stale");
    world_.time.run_for(9s);
    EXPECT_TRUE(source_.awake);
    world_.time.run_for(2s);
    EXPECT_NE(viewer.read().find("end"), std::string::npos);
    EXPECT_FALSE(source_.awake);
    EXPECT_EQ(state(), "offline");
}

TEST_F(OnDemand, others_who_publish_under_its_name_are_left_alone) {
    begin();   // nobody called the source
    for (int i = 0; i < 30; ++i) {
        publisher_->video(time_ += 1000, true);
        world_.time.run_for(1s);
    }
    EXPECT_FALSE(publisher_->ended_by);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(source_.woken, 0);
}

}   // namespace
}   // namespace millrace::hub
