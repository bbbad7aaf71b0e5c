#include "session/media_source.hpp"

#include "base/virtual_connection.hpp"
#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "protocol/media_link/link.hpp"
#include "session/played_server_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using media_link::Link;

constexpr std::array kinds{SourceKind{"", media_source}};

class NoAdmission final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{});
    }
};

class FakeChild final : public Child {
public:
    explicit FakeChild(std::unique_ptr<Connection> link) : link_{std::move(link)} {}
    Connection& link() override { return *link_; }

private:
    std::unique_ptr<Connection> link_;
};

/// The test's hand in a child's life: its end of the link.
struct Puppet {
    Puppet(std::unique_ptr<Connection> its_link, Instant now)
        : connection{std::move(its_link)}, link{Link::Side::child, now} {}
    std::unique_ptr<Connection> connection;
    Link link;
    std::vector<media_link::Message> heard;
};

/// Gives children that the test plays; while `missing`, there are none.
class FakeSpawner final : public Spawner {
public:
    explicit FakeSpawner(VirtualExecutor& child_side) : child_side_{child_side} {}
    void spawn(Executor& owner, SpawnWish wish, Reply<std::unique_ptr<Child>> reply) override {
        ++asked;
        wishes.push_back(wish);
        if (missing) {
            reply.give(fail(Errc::not_found, "the program is missing beside millrace"));
            return;
        }
        auto [theirs, ours] = virtual_connection(child_side_, owner, {.window = 1U << 20U}, {});
        puppets.push_back(std::make_unique<Puppet>(std::move(theirs), owner.now()));
        reply.give(std::make_unique<FakeChild>(std::move(ours)));
    }

    bool missing = false;
    int asked = 0;
    std::vector<SpawnWish> wishes;
    std::vector<std::unique_ptr<Puppet>> puppets;

private:
    VirtualExecutor& child_side_;
};

class MediaSource : public testing::Test {
protected:
    MediaSource() {
        executor_.run([this] { sources_.start({"live/cam", "test:?fps=30"}); });
        world_.time.settle();
    }
    ~MediaSource() override { world_.time.stop(); }

    Puppet& child() { return *spawner_.puppets.back(); }
    /// Both directions of the newest child's link, until nothing moves.
    void run() {
        Puppet& puppet = child();
        world_.time.settle();
        const std::vector<std::byte> output = puppet.link.next_output();
        if (!output.empty()) {
            const ByteSpan bytes{output};
            ASSERT_TRUE(puppet.connection->try_write(std::span{&bytes, 1}));
            world_.time.settle();
        }
        std::array<std::byte, 65536> buffer;
        while (const Result<std::size_t> read = puppet.connection->try_read(buffer)) {
            ASSERT_TRUE(puppet.link.receive(std::span{buffer}.first(*read), world_.time.now()));
        }
        while (auto event = puppet.link.next_event()) {
            puppet.heard.push_back(std::move(*event));
        }
    }
    void say(const media_link::Message& message) {
        ASSERT_TRUE(child().link.send(message));
        run();
    }
    /// Lives for a while, with its sign of life each second.
    void live_for(Duration span) {
        for (Duration spent{0}; spent < span; spent += 1s) {
            world_.time.run_for(1s);
            say(media_link::Statistics{});
        }
    }
    void publish() {
        for (const media::AccessUnit& unit :
             flv::samples::units(flv::samples::track(media::Codec::h264), 0)) {
            say(unit);
        }
    }
    void die() {
        child().connection->close();
        world_.time.settle();
    }
    std::string state() {
        const std::vector<hub::StreamReport> reports = world_.reports();
        return reports.empty() ? "none" : std::string{name(reports.front().state)};
    }

    hub::toys::World world_;
    VirtualExecutor& executor_ = world_.time.add_executor();
    VirtualExecutor& child_side_ = world_.time.add_executor();
    NoAdmission admission_;
    SeededRandom random_{3};
    Desk desk_{executor_, world_.directory, admission_, random_};
    FakeSpawner spawner_{child_side_};
    toys::PlayedConnector connector_{child_side_};
    Sources sources_{desk_, {spawner_, connector_, kinds}};
};

}   // namespace

TEST_F(MediaSource, tells_the_child_what_to_start_and_publishes_what_it_gives) {
    run();
    ASSERT_EQ(child().heard.size(), 2U);
    EXPECT_EQ(std::get<media_link::Start>(child().heard[1]).source, "test:?fps=30");
    EXPECT_EQ(state(), "none") << "nothing was published yet";
    publish();
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(world_.reports().front().units_in, 4U);
}

TEST_F(MediaSource, an_ask_for_a_key_frame_reaches_the_child) {
    run();
    publish();
    world_.directory.ask("live/cam", hub::AskKeyFrame{});
    world_.directory.ask("live/cam", hub::AskBitrate{500'000});
    world_.time.settle();
    say(media_link::Statistics{});   // the next turn carries it
    run();
    ASSERT_EQ(child().heard.size(), 4U);
    EXPECT_EQ(std::get<media_link::Command>(child().heard[2]).what, media_link::Command::What::key_frame);
    EXPECT_EQ(std::get<media_link::Command>(child().heard[3]).value, 500'000U);
}

TEST_F(MediaSource, row_4_19_what_was_dropped_and_what_waits_stands_in_the_streams_report) {
    run();
    publish();
    EXPECT_FALSE(world_.reports().front().camera);
    say(media_link::Statistics{.skipped = 1,
                               .captured = 24,
                               .encoded = 12,
                               .dropped_slow = 5,
                               .dropped_asked = 2,
                               .broken = 4,
                               .pictures_waiting = 1,
                               .units_waiting = 3});
    run();
    const hub::CameraReport wanted{.captured = 24,
                                   .encoded = 12,
                                   .dropped_slow = 5,
                                   .dropped_asked = 2,
                                   .broken = 4,
                                   .moments_missed = 1,
                                   .pictures_waiting = 1,
                                   .units_waiting = 3};
    EXPECT_EQ(world_.reports().front().camera, wanted);
}

TEST_F(MediaSource, a_child_that_dies_is_replaced_after_a_pause_that_doubles) {
    run();
    publish();
    die();
    EXPECT_EQ(state(), "stale");
    EXPECT_EQ(spawner_.asked, 1);
    world_.time.run_for(1s);
    ASSERT_EQ(spawner_.asked, 2);
    run();
    publish();
    EXPECT_EQ(state(), "live");
    die();
    world_.time.run_for(1900ms);
    EXPECT_EQ(spawner_.asked, 2);
    world_.time.run_for(200ms);
    EXPECT_EQ(spawner_.asked, 3);
    run();
    live_for(31s);
    die();
    world_.time.run_for(1s);
    EXPECT_EQ(spawner_.asked, 4) << "a long life makes the pause short again";
}

TEST_F(MediaSource, the_pause_has_an_end) {
    spawner_.missing = true;
    die();
    world_.time.run_for(5min);
    const int asked = spawner_.asked;
    world_.time.run_for(source_pause_max);
    EXPECT_EQ(spawner_.asked, asked + 1);
    spawner_.missing = false;
    for (Duration waited{0}; waited < source_pause_max && spawner_.puppets.size() < 2; waited += 1s) {
        world_.time.run_for(1s);
    }
    run();
    publish();
    EXPECT_EQ(state(), "live");
}

TEST_F(MediaSource, a_child_that_falls_silent_is_replaced) {
    run();
    publish();
    world_.time.run_for(media_link::silence_max + source_pause_min + 100ms);
    EXPECT_EQ(spawner_.asked, 2);
}

TEST_F(MediaSource, a_child_that_breaks_the_link_is_replaced) {
    run();
    const ByteSpan nonsense = as_bytes("\xFF\xFF\xFF\xFF");
    ASSERT_TRUE(child().connection->try_write(std::span{&nonsense, 1}));
    world_.time.run_for(source_pause_min + 100ms);
    EXPECT_EQ(spawner_.asked, 2);
}

TEST_F(MediaSource, a_source_that_is_finished_says_its_end_and_rests) {
    run();
    publish();
    say(media_link::End{});
    EXPECT_EQ(state(), "live") << "so short a film is still to be found";
    world_.time.run_for(1s);
    EXPECT_EQ(state(), "offline");
    world_.time.run_for(4s);
    EXPECT_EQ(spawner_.asked, 1);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(MediaSource, a_fault_that_lasts_is_not_tried_again) {
    run();
    say(media_link::Fault{true, "test: has no option 'colour'"});
    say(media_link::End{});
    world_.time.run_for(5min);
    EXPECT_EQ(spawner_.asked, 1);
}

TEST_F(MediaSource, a_fault_that_may_pass_is_tried_again) {
    run();
    say(media_link::Fault{false, "opening movie.mp4: No such file or directory"});
    say(media_link::End{});
    world_.time.run_for(2s);
    EXPECT_EQ(spawner_.asked, 2);
}

TEST_F(MediaSource, only_a_source_of_raw_pictures_on_stdin_is_given_it) {
    EXPECT_FALSE(spawner_.wishes.back().stdin);
    executor_.run([this] { sources_.start({"live/raw", "raw:-?size=320x240&fps=30&format=bgr24"}); });
    world_.time.settle();
    ASSERT_EQ(spawner_.wishes.size(), 2U);
    EXPECT_TRUE(spawner_.wishes.back().stdin);
}

TEST_F(MediaSource, ended_by_us_it_says_its_end) {
    run();
    publish();
    ASSERT_EQ(desk_.sessions.size(), 1U);
    const std::uint64_t id = desk_.sessions.reports().front().id;
    executor_.run([&] { desk_.sessions.find(id)->end({Errc::cancelled, "kicked"}); });
    world_.time.settle();
    EXPECT_EQ(state(), "offline");
}

TEST_F(MediaSource, a_source_that_is_stopped_says_its_end_and_leaves_no_child) {
    run();
    publish();
    executor_.run([this] { sources_.stop("live/cam"); });
    world_.time.settle();
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(sources_.size(), 0U);
    EXPECT_FALSE(child().connection->try_read(std::span<std::byte>{}).has_value());
    world_.time.run_for(60s);
    EXPECT_EQ(spawner_.asked, 1);
}

TEST_F(MediaSource, one_that_waits_to_be_started_again_is_stopped_at_once) {
    die();
    executor_.run([this] { sources_.stop("live/cam"); });
    world_.time.settle();
    EXPECT_EQ(executor_.tasks().size(), 0U);
    world_.time.run_for(60s);
    EXPECT_EQ(spawner_.asked, 1);
}

TEST_F(MediaSource, a_changed_source_takes_the_place_of_the_old_one) {
    run();
    publish();
    executor_.run([this] { sources_.start({"live/cam", "test:?fps=25"}); });
    world_.time.settle();
    ASSERT_EQ(spawner_.asked, 2);
    run();
    EXPECT_EQ(std::get<media_link::Start>(child().heard.at(1)).source, "test:?fps=25");
    publish();
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(sources_.size(), 1U);
    EXPECT_EQ(executor_.tasks().size(), 2U) << "of the old one nothing runs any more";
}

}   // namespace millrace::session
