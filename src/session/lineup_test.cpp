#include "session/lineup.hpp"

#include "hub/stream_for_tests.hpp"
#include "session/played_server_for_tests.hpp"
#include "session/source_publisher.hpp"

#include <gtest/gtest.h>

#include <map>

namespace millrace::session {
namespace {

/// What a played source does, by its text.
struct Puppet {
    bool there = true;
    bool delivers = true;
    SourceEnding ending{.words = "nobody answers"};
    int tries = 0;
};
std::map<std::string, Puppet> puppets;

/// A picture each 100 ms while its puppet delivers; it ends when the puppet is not there any more.
Task<SourceEnding> play(Desk& desk, const SourceMeans& /*means*/, const SourceRule& rule,
                        SourceLeash& leash) {
    Puppet& puppet = puppets[rule.source];
    ++puppet.tries;
    SourcePublisher publisher{desk, leash, "played", rule.stream};
    for (std::int64_t ms = 0; puppet.there && !publisher.is_over(); ms += 100) {
        if (puppet.delivers && !publisher.began()) {
            const Result<> begun = co_await publisher.begin();
            if (!begun) {
                co_return SourceEnding{.error = begun.error()};
            }
        }
        if (puppet.delivers) {
            publisher.write({.config = hub::toys::video_config, .dts = ms * 90, .pts = ms * 90, .key = true});
            co_await publisher.flush();
        }
        co_await pause_for(desk, 100ms, leash);
    }
    if (publisher.began() && (publisher.is_over() || puppet.ending.finished)) {
        publisher.finish(true);
    }
    co_return puppet.ending;
}

constexpr std::array kinds{SourceKind{"cam:", play, true}};

class Nobody final : public hub::Admission, public Spawner, public SourceWitness {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
    void spawn(Executor& /*owner*/, SpawnWish /*wish*/, Reply<std::unique_ptr<Child>> reply) override {
        reply.give(fail(Errc::not_found, "no child is needed for this"));
    }
    void saw(const std::string& /*stream*/, std::vector<hub::SourceStatus> sources) override {
        seen = std::move(sources);
    }
    std::vector<hub::SourceStatus> seen;
};

constexpr const char* door = "cam://user:secret@door/";
constexpr const char* spare = "cam://spare/";

class Sourced : public testing::Test {
protected:
    Sourced() { puppets.clear(); }
    ~Sourced() override {
        viewer_.reset();
        world_.time.stop();
    }

    void start(std::vector<std::string> others = {spare}) {
        executor_.run(
            [&] { sources_.start({.stream = "live/cam", .source = door, .others = std::move(others)}); });
        world_.time.settle();
    }
    void watch() { viewer_.emplace(world_, world_.desk_a); }
    /// How many of the words the viewer reads meanwhile.
    int heard(std::string_view word, Duration span) {
        int count = 0;
        for (Duration spent{0}; spent < span; spent += 1s) {
            world_.time.run_for(1s);
            const std::string text = viewer_->read();
            for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
                ++count;
            }
        }
        return count;
    }
    std::string state() {
        const std::vector<hub::StreamReport> reports = world_.reports();
        return reports.empty() ? "none" : std::string{name(reports.front().state)};
    }
    /// "live*" is the one that publishes.
    std::string seen(std::size_t index) const {
        const hub::SourceStatus& status = house_.seen.at(index);
        return fmt::format("{}{}{}{}", name(status.state), status.publishes ? "*" : "",
                           status.reason.empty() ? "" : ": ", status.reason);
    }

    hub::toys::World world_{{.grace = 20s}};
    VirtualExecutor& executor_ = world_.time.add_executor();
    VirtualExecutor& far_side_ = world_.time.add_executor();
    Nobody house_;
    SeededRandom random_{3};
    Desk desk_{executor_, world_.directory, house_, random_};
    toys::PlayedConnector connector_{far_side_};
    Sources sources_{desk_, {house_, connector_, kinds, &house_}};
    std::optional<hub::toys::Viewer> viewer_;
};

TEST_F(Sourced, the_next_source_is_taken_when_the_first_is_lost_and_the_first_again_when_it_delivers) {
    start();
    world_.time.run_for(3s);
    watch();
    const std::string run = world_.reports().at(0).run;
    EXPECT_EQ(seen(0), "live*");
    EXPECT_EQ(seen(1), "waiting: not needed: a source before it delivers");
    EXPECT_EQ(heard("jump", 3s), 0);
    puppets[door].there = false;
    EXPECT_EQ(heard("jump", 4s), 0);
    EXPECT_EQ(puppets[spare].tries, 0) << "not before 5 s";
    EXPECT_EQ(heard("jump", 6s), 1);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(seen(0), "stale: nobody answers");
    EXPECT_EQ(seen(1), "live*");
    EXPECT_EQ(house_.seen.at(0).source, "cam://user:***@door/");
    puppets[door].there = true;
    EXPECT_EQ(heard("jump", 10s), 1);
    EXPECT_EQ(seen(0), "live*");
    EXPECT_EQ(heard("jump", 20s), 0);
    EXPECT_EQ(heard("end", 1s), 0);
    EXPECT_EQ(puppets[spare].tries, 1);
    EXPECT_EQ(world_.reports().at(0).run, run) << "viewers stayed";
}

TEST_F(Sourced, a_source_that_is_connected_but_silent_makes_way_too) {
    start();
    world_.time.run_for(3s);
    watch();
    puppets[door].delivers = false;
    EXPECT_EQ(heard("jump", 10s), 1);
    EXPECT_EQ(seen(1), "live*");
    EXPECT_EQ(puppets[door].tries, 2) << "it is connected to anew";
    EXPECT_EQ(heard("jump", 20s), 0);
    puppets[door].delivers = true;
    EXPECT_EQ(heard("jump", 10s), 1);
    EXPECT_EQ(seen(0), "live*");
}

TEST_F(Sourced, silence_shorter_than_five_seconds_changes_nothing) {
    start();
    world_.time.run_for(3s);
    puppets[door].delivers = false;
    world_.time.run_for(4500ms);
    puppets[door].delivers = true;
    world_.time.run_for(10s);
    EXPECT_EQ(puppets[door].tries, 1);
    EXPECT_EQ(puppets[spare].tries, 0);
}

TEST_F(Sourced, case_32_a_lone_source_that_is_silent_for_nine_seconds_goes_on) {
    start({});
    world_.time.run_for(3s);
    watch();
    puppets[door].delivers = false;
    EXPECT_EQ(heard("end", 9s), 0);
    EXPECT_EQ(state(), "stale");
    EXPECT_EQ(seen(0), "stale*: connected, but nothing comes");
    puppets[door].delivers = true;
    world_.time.run_for(1s);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(puppets[door].tries, 1);
}

TEST_F(Sourced, row_2_21_a_camera_that_is_power_cycled_goes_on_with_one_discontinuity) {
    start({});
    world_.time.run_for(3s);
    watch();
    puppets[door].there = false;
    EXPECT_EQ(heard("jump", 7s), 0);
    EXPECT_EQ(state(), "stale");
    EXPECT_EQ(seen(0), "stale: nobody answers");
    puppets[door].there = true;
    EXPECT_EQ(heard("jump", 6s), 1) << "it is tried at least every 5 s";
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(seen(0), "live*");
}

TEST_F(Sourced, row_2_21_a_source_elsewhere_is_tried_again_within_five_seconds_and_by_chance) {
    puppets[door].there = false;
    start({});
    world_.time.run_for(1min);
    const int before = puppets[door].tries;
    world_.time.run_for(10min);
    EXPECT_GE(puppets[door].tries - before, 600 / 5);
    EXPECT_LE(puppets[door].tries - before, 600 * 2 / 5);
}

TEST_F(Sourced, one_that_never_delivers_leaves_its_place_to_the_next_until_one_does) {
    puppets[door].there = false;
    puppets[spare].delivers = false;
    start({spare, "cam://third/"});
    world_.time.run_for(8s);
    EXPECT_EQ(state(), "none");
    EXPECT_EQ(puppets["cam://third/"].tries, 0);
    world_.time.run_for(5s);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(seen(0), "waiting: nobody answers");
    EXPECT_EQ(seen(2), "live*");
    puppets[spare].delivers = true;
    world_.time.run_for(5s);
    EXPECT_EQ(seen(1), "live*") << "it stands before the third";
    EXPECT_EQ(seen(2), "waiting: not needed: a source before it delivers");
}

TEST_F(Sourced, one_that_was_called_in_vain_is_let_go_before_it_begins) {
    puppets[spare].delivers = false;
    start();
    world_.time.run_for(3s);
    puppets[door].there = false;
    world_.time.run_for(6s);
    EXPECT_EQ(puppets[spare].tries, 1);
    EXPECT_EQ(desk_.sessions.size(), 1U) << "the spare one's";
    puppets[door].there = true;
    world_.time.run_for(6s);
    EXPECT_EQ(seen(0), "live*");
    EXPECT_EQ(desk_.sessions.size(), 1U) << "the first one's";
}

TEST_F(Sourced, one_that_is_finished_hands_over_and_the_last_says_the_end) {
    puppets[door].ending.finished = true;
    puppets[spare].ending.finished = true;
    start();
    world_.time.run_for(3s);
    puppets[door].there = false;
    world_.time.run_for(2s);
    EXPECT_EQ(state(), "live") << "nobody waits for what is over";
    EXPECT_EQ(seen(0), "waiting: it is finished");
    puppets[spare].there = false;
    world_.time.run_for(2s);
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(sources_.size(), 0U);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(Sourced, a_kind_that_is_not_known_or_a_fault_that_lasts_is_passed_over) {
    puppets[door].there = false;
    puppets[door].ending.lasting = true;
    start({"gopher:", spare});
    world_.time.run_for(2s);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(seen(1), "waiting: this node has no such source");
    world_.time.run_for(10min);
    EXPECT_EQ(puppets[door].tries, 1);
}

TEST_F(Sourced, stopped_it_says_the_end_whichever_source_it_is_of) {
    puppets[door].there = false;
    start();
    world_.time.run_for(8s);
    EXPECT_EQ(state(), "live");
    executor_.run([this] { sources_.stop("live/cam"); });
    world_.time.settle();
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(executor_.tasks().size(), 0U);
    EXPECT_EQ(desk_.sessions.size(), 0U);
}

}   // namespace
}   // namespace millrace::session
