#include "session/stream_pull.hpp"

#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::endless;

struct Form {
    std::string_view name;
    std::string_view type;
    std::vector<std::byte> (*film)(std::int64_t start_ms, std::int64_t length_ms);
};
std::vector<std::byte> flv_film(std::int64_t start_ms, std::int64_t length_ms) {
    return toys::flv_film(start_ms, length_ms);
}
std::vector<std::byte> mp4_film(std::int64_t start_ms, std::int64_t length_ms) {
    return toys::mp4_film(start_ms, length_ms);
}
const std::array forms{Form{"flv", "video/x-flv", flv_film}, Form{"ts", "video/mp2t", toys::ts_film},
                       Form{"mp4", "video/mp4", mp4_film}};

class StreamPull : public toys::PullTest {};

TEST_F(StreamPull, flv_ts_and_mp4_are_published_as_they_come) {
    for (const Form& form : forms) {
        start(fmt::format("http://far.example/live/cam.{}?token=x", form.name));
        EXPECT_NE(server().hear().find(fmt::format("GET /live/cam.{}?token=x HTTP/1.1", form.name)),
                  std::string::npos);
        say(endless(form.type));
        EXPECT_EQ(state(), "none") << form.name << ": nothing was shown yet";
        say(form.film(0, 1000));
        const hub::StreamReport seen = report();
        EXPECT_EQ(seen.publisher->protocol, "http");
        EXPECT_EQ(seen.publisher->peer.text(), "far.example:80");
        EXPECT_EQ(name(seen.state), "live") << form.name;
        ASSERT_EQ(seen.tracks.size(), 2U) << form.name;
        EXPECT_EQ(seen.tracks[0].track.config->codec, media::Codec::h264) << form.name;
        EXPECT_EQ(seen.tracks[1].track.config->codec, media::Codec::aac) << form.name;
        EXPECT_GE(toys::units_of(seen, media::Kind::video), 24U) << form.name;
        EXPECT_EQ(seen.jumps, 0U) << form.name;
        EXPECT_EQ(seen.units_unusable, 0U) << form.name;
        stop();
        EXPECT_EQ(state(), "offline") << form.name;
        EXPECT_TRUE(server().is_left()) << form.name;
        world_.time.run_for(1min);
    }
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(StreamPull, what_it_is_the_type_says_or_else_the_ending) {
    struct Case {
        std::string_view path;
        std::string_view type;
        bool taken;
    };
    for (const Case& one :
         {Case{"/a", "video/x-flv", true}, Case{"/a.flv?x=.ts", "application/octet-stream", true},
          Case{"/a.flv", "", true}, Case{"/a.flv", "text/html", false},
          Case{"/a", "application/octet-stream", false}, Case{"/a.exe", "", false}}) {
        start(fmt::format("http://far.example{}", one.path));
        say(endless(one.type));
        EXPECT_EQ(server().is_left(), !one.taken) << one.path << " " << one.type;
        stop();
    }
}

TEST_F(StreamPull, by_https_the_connection_is_secured) {
    start("https://far.example/cam.flv");
    EXPECT_TRUE(server().dial.tls);
    EXPECT_EQ(server().dial.to.port, 443);
}

TEST_F(StreamPull, f21_a_viewer_sees_the_far_times_in_order_also_across_the_wrap_of_2_33) {
    // After 26.5 h.
    constexpr std::int64_t wrap_ms = (std::int64_t{1} << 33U) / 90;
    start("http://far.example/cam.ts");
    say(endless("video/mp2t"));
    const std::vector<std::byte> film = toys::ts_film(wrap_ms - 2000, 4000);
    say(ByteSpan{film}.first(film.size() / 8));
    hub::toys::Viewer viewer{world_, world_.desk_b};
    for (std::size_t i = 1; i < 8; ++i) {
        world_.time.run_for(500ms);
        say(ByteSpan{film}.subspan(i * (film.size() / 8), film.size() / 8));
    }
    ASSERT_TRUE(viewer.joined);
    const std::string lines = viewer.read();
    const std::vector<std::int64_t> times = toys::times_of(lines, 'v');
    ASSERT_GE(times.size(), 80U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_EQ(times[i] - times[i - 1], 40) << i;
    }
    EXPECT_FALSE(toys::pictures_jump(lines));
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(StreamPull, case_39_40_what_is_broken_in_a_transport_stream_costs_pictures_and_not_the_pull) {
    start("http://far.example/cam.ts");
    say(endless("video/mp2t"));
    say(toys::ts_film(0, 1000));
    const std::uint64_t before = toys::units_of(report(), media::Kind::video);
    std::vector<std::byte> broken = toys::ts_film(1000, 1000);
    SeededRandom chance{40};
    for (int i = 0; i < 400; ++i) {   // sync bytes, adaptation fields, counters, sections, PES lengths
        broken[chance.below(static_cast<std::uint32_t>(broken.size()))] =
            static_cast<std::byte>(chance.next_u32() & 0xFFU);
    }
    say(broken);
    say(std::string(5000, '\xFF'));
    for (std::int64_t at = 2000; at < 14'000; at += 1000) {
        world_.time.run_for(1s);
        say(toys::ts_film(at, 1000));
    }
    EXPECT_EQ(connector_.asked, 1) << "the connection stays";
    EXPECT_EQ(state(), "live");
    EXPECT_GE(toys::units_of(report(), media::Kind::video), before + 200);
    EXPECT_LT(report().memory, 8U << 20U);
}

TEST_F(StreamPull, a_file_is_let_out_at_its_own_pace_and_is_over_then) {
    start("http://far.example/film.flv");
    say(toys::answer("video/x-flv", toys::flv_film(0, 8000)));
    world_.time.run_for(2s);
    const std::uint64_t after_two = toys::units_of(report(), media::Kind::video);
    EXPECT_NEAR(static_cast<double>(after_two), 50, 3);
    world_.time.run_for(3s);
    EXPECT_NEAR(static_cast<double>(toys::units_of(report(), media::Kind::video)), 125, 3);
    EXPECT_EQ(state(), "live");
    world_.time.run_for(4s);
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(report().jumps, 0U);
    world_.time.run_for(5min);
    EXPECT_EQ(connector_.asked, 1) << "nobody asks for a film that was shown";
}

TEST_F(StreamPull, a_server_that_is_lost_is_asked_again_and_the_stream_goes_on) {
    start("http://far.example/cam.flv");
    say(endless("video/x-flv"));
    say(toys::flv_film(0, 1000));
    close();
    EXPECT_EQ(state(), "stale");
    wait_for_next_try();
    say(endless("video/x-flv"));
    say(toys::flv_film(500'000, 1000));
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().jumps, 1U) << "marked once";
}

TEST_F(StreamPull, case_84_bytes_that_are_no_media_are_no_answer) {
    for (const Form& form : forms) {
        start(fmt::format("http://far.example/cam.{}", form.name));
        say(endless(form.type));
        const std::size_t first = connector_.servers.size() - 1;
        for (int i = 0; i < 3 && !connector_.servers[first].is_left(); ++i) {
            say("F");
            world_.time.run_for(9s);
        }
        EXPECT_TRUE(connector_.servers[first].is_left()) << form.name;
        stop();
        EXPECT_EQ(state(), "none") << form.name;
    }
}

TEST_F(StreamPull, nine_seconds_of_silence_are_survived_and_ten_are_not) {
    start("http://far.example/cam.flv");
    say(endless("video/x-flv"));
    say(toys::flv_film(0, 1000));
    world_.time.run_for(9s);
    say(toys::flv_film(10'000, 1000, false));
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(state(), "live");
    world_.time.run_for(11s);
    EXPECT_TRUE(connector_.servers.front().is_left());
}

TEST_F(StreamPull, somebody_who_ends_the_session_ends_the_connection) {
    start("http://far.example/cam.flv");
    say(endless("video/x-flv"));
    say(toys::flv_film(0, 1000));
    executor_.run([this] {
        desk_.sessions.end_where([](const hub::SessionFacts&) { return true; },
                                 {Errc::cancelled, "the operator ended it"});
    });
    world_.time.settle();
    EXPECT_TRUE(connector_.servers.front().is_left());
    EXPECT_EQ(state(), "offline");
}

}   // namespace
}   // namespace millrace::session
