#include "session/rtmp_pull.hpp"

#include "protocol/rtmp/muxer.hpp"
#include "protocol/rtmp/server.hpp"
#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

/// A source whose far end is a real RTMP machine, led by the test.
class RtmpPull : public toys::PullTest {
protected:
    /// Moves what lies between the two, both ways, until nothing does.
    void move() {
        if (machines_.size() < connector_.servers.size()) {
            machines_.push_back(std::make_unique<rtmp::Server>(random_, world_.time.now()));
            played_ = false;
        }
        for (bool moved = true; moved;) {
            world_.time.settle();
            server().hear();
            const std::string heard = std::exchange(server().heard, {});
            moved = !heard.empty();
            if (moved) {
                received_ = machine().receive(as_bytes(heard), world_.time.now());
                take_events();
            }
            const std::vector<std::byte> output = machine().next_output();
            if (!output.empty()) {
                server().say(as_text(output));
                moved = true;
            }
        }
        world_.time.settle();
    }
    void take_events() {
        while (auto event = machine().next_event()) {
            if (auto* request = std::get_if<rtmp::Server::PlayRequested>(&*event)) {
                asked_for_ = *request;
                played_ = true;
                accept_ ? machine().accept_play(hops_)
                        : machine().refuse(rtmp::Server::Refusal::not_found, "no such stream");
            }
        }
    }
    /// Tags of a film, as the muxer of our own server writes them.
    void show(std::int64_t start_ms, std::int64_t length_ms, bool lead = true);

    rtmp::Server& machine() { return *machines_.back(); }

    std::vector<std::unique_ptr<rtmp::Server>> machines_;
    Result<> received_;
    std::optional<rtmp::Server::PlayRequested> asked_for_;
    bool played_ = false;
    bool accept_ = true;
    Hops hops_;   // that the server says
};

void RtmpPull::show(std::int64_t start_ms, std::int64_t length_ms, bool lead) {
    say(toys::muxed(rtmp::Muxer{}, start_ms, length_ms, lead));
}

TEST_F(RtmpPull, plays_what_the_url_names_with_its_query_and_its_user) {
    struct Case {
        std::string_view url;
        std::string_view name;
        std::string_view query;
    };
    for (const Case& one :
         {Case{"rtmp://far.example/live/cam", "live/cam", ""},
          Case{"rtmp://far.example:1936/a/b/c?token=x&y=1", "a/b/c", "token=x&y=1"},
          Case{"rtmp://me:s%20e%26c@far.example/live/cam", "live/cam", "user=me&pass=s%20e%26c"},
          Case{"rtmp://:t0k@far.example/live/cam?a=b", "live/cam", "a=b&token=t0k"}}) {
        start(std::string{one.url});
        move();
        ASSERT_TRUE(asked_for_) << one.url;
        EXPECT_EQ(asked_for_->name, one.name) << one.url;
        EXPECT_EQ(asked_for_->query, one.query) << one.url;
        EXPECT_FALSE(server().dial.tls);
        stop();
        asked_for_.reset();
    }
    start("rtmps://far.example/live/cam");
    EXPECT_TRUE(server().dial.tls);
    EXPECT_EQ(server().dial.to.port, 443);
}

TEST_F(RtmpPull, publishes_what_comes_and_says_its_end) {
    start("rtmp://far.example/live/cam");
    move();
    ASSERT_TRUE(played_);
    EXPECT_EQ(state(), "none");
    show(0, 1000);
    const hub::StreamReport seen = report();
    EXPECT_EQ(seen.publisher->protocol, "rtmp");
    EXPECT_EQ(seen.tracks.size(), 2U);
    EXPECT_EQ(toys::units_of(seen, media::Kind::video), 25U);
    EXPECT_EQ(seen.jumps, 0U);
    EXPECT_EQ(state(), "live");
    stop();
    EXPECT_EQ(state(), "offline");
    EXPECT_TRUE(server().is_left());
}

TEST_F(RtmpPull, case_85_a_pull_says_who_asks_and_takes_nothing_that_comes_from_here) {
    desk_.node_id = "0123456789abcdef";
    hops_ = Hops::parse("aaaaaaaaaaaaaaaa,0123456789abcdef");
    start("rtmp://far.example/live/cam");
    move();
    ASSERT_TRUE(asked_for_);
    EXPECT_EQ(asked_for_->hops.text(), "0123456789abcdef");
    EXPECT_TRUE(server().is_left());
    EXPECT_EQ(state(), "none");
    wait_for_next_try();
    hops_ = Hops::parse("aaaaaaaaaaaaaaaa");
    move();
    show(0, 1000);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().publisher->hops.text(), "aaaaaaaaaaaaaaaa");
}

TEST_F(RtmpPull, a_stream_that_is_not_there_is_asked_for_again) {
    accept_ = false;
    start("rtmp://far.example/live/none");
    move();
    ASSERT_TRUE(played_);
    EXPECT_EQ(state(), "none");
    wait_for_next_try();
    accept_ = true;
    move();
    show(0, 1000);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtmpPull, the_end_that_a_server_says_is_said_here_too) {
    start("rtmp://far.example/live/cam");
    move();
    show(0, 1000);
    rtmp::Muxer muxer;
    BlockLog log;
    muxer.end(log, {});
    say(flv::samples::bytes_of(log));
    EXPECT_EQ(state(), "offline");
    wait_for_next_try();
    move();
    show(0, 1000);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtmpPull, case_84_a_server_that_never_answers_or_shows_nothing_is_left_after_ten_seconds) {
    start("rtmp://far.example/live/cam");
    world_.time.run_for(11s);
    EXPECT_TRUE(connector_.servers.front().is_left());
    wait_for_next_try();
    const int asked = connector_.asked;
    move();
    ASSERT_TRUE(played_);
    world_.time.run_for(9s);
    show(0, 1000);
    world_.time.run_for(9s);
    EXPECT_EQ(connector_.asked, asked) << "9 s of silence are survived";
    show(20'000, 1000, false);
    world_.time.run_for(11s);
    EXPECT_TRUE(connector_.servers.at(static_cast<std::size_t>(asked) - 1).is_left());
    stop();
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(RtmpPull, bytes_that_are_no_rtmp_are_no_end_of_the_world) {
    start("rtmp://far.example/live/cam");
    say(std::string(5000, 'x'));
    wait_for_next_try();
    EXPECT_EQ(state(), "none");
}

}   // namespace
}   // namespace millrace::session
