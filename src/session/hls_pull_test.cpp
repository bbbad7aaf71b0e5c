#include "session/hls_pull.hpp"

#include "session/pulls_for_tests.hpp"

#include <map>

namespace millrace::session {
namespace {

/// A source whose far end is a server of lists and segments that the test writes.
class HlsPull : public toys::PullTest {
protected:
    /// Lets time pass, and the server answer as its files say.
    void serve_for(Duration span, Duration step = 20ms) {
        for (Duration spent{0}; spent < span; spent += step) {
            serve();
            world_.time.run_for(step);
        }
        serve();
    }
    void serve() {
        for (bool more = true; more;) {
            more = false;
            world_.time.settle();
            for (std::size_t i = 0; i < connector_.servers.size(); ++i) {
                more = answer(connector_.servers[i]) || more;
            }
        }
    }
    /// Whether there was a whole request.
    bool answer(toys::PlayedServer& far) {
        const std::string& heard = far.hear();
        const std::size_t end = heard.find("\r\n\r\n");
        if (end == std::string::npos) {
            return false;
        }
        const std::string request = heard.substr(0, end);
        far.heard.erase(0, end + 4);
        const std::size_t path_end = request.find(" HTTP/1.1");
        const std::string path = request.substr(4, path_end - 4);
        requests_.push_back(path);
        const auto file = files_.find(path);
        if (silent_) {
            return true;
        }
        far.say(file == files_.end()
                    ? "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"
                    : toys::answer(path.ends_with("m3u8") ? "application/vnd.apple.mpegurl" : "video/mp2t",
                                   as_bytes(file->second)));
        return true;
    }
    void put(const std::string& path, ByteSpan bytes) { files_[path] = as_text(bytes); }
    void put(const std::string& path, std::string text) { files_[path] = std::move(text); }
    /// The live list of the segments from `first` to before `end`, of two seconds each.
    void put_list(int first, int end, std::string_view more = "") {
        std::string text = fmt::format("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{}\n", first);
        for (int i = first; i < end; ++i) {
            put(fmt::format("/live/{}.ts", i), toys::ts_film(std::int64_t{i} * 2000, 2000));
            text += fmt::format("#EXTINF:2,\n{}.ts\n", i);
        }
        put("/live/cam.m3u8", text + std::string{more});
    }
    bool asked_for(std::string_view path) const {
        return std::ranges::find(requests_, path) != requests_.end();
    }
    std::uint64_t pictures() { return toys::units_of(report(), media::Kind::video); }

    std::map<std::string, std::string> files_;
    std::vector<std::string> requests_;
    bool silent_ = false;
};

TEST_F(HlsPull, follows_a_live_list_from_its_newest_segment_at_its_own_pace) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8");
    serve_for(100ms);
    EXPECT_TRUE(asked_for("/live/102.ts"));
    EXPECT_FALSE(asked_for("/live/101.ts"));
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().publisher->protocol, "hls");
    EXPECT_LE(pictures(), 5U) << "not the whole segment at once";
    hub::toys::Viewer viewer{world_, world_.desk_b};
    std::uint64_t before = pictures();
    for (int i = 103; i < 113; ++i) {
        serve_for(2s);
        put_list(i - 2, i + 1);
        const std::uint64_t now = pictures();
        if (i > 104) {   // until then it finds out when segments are listed
            EXPECT_NEAR(static_cast<double>(now - before), 50, 2) << i;
        }
        before = now;
    }
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_unusable, 0U);
    ASSERT_TRUE(viewer.joined);
    const std::vector<std::int64_t> times = toys::times_of(viewer.read(), 'v');
    ASSERT_GE(times.size(), 400U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_EQ(times[i] - times[i - 1], 40) << i;
    }
    EXPECT_EQ(connector_.asked, 1) << "the server keeps its connection";
    stop();
    EXPECT_EQ(state(), "offline");
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(HlsPull, while_its_units_leave_no_other_source_is_taken) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8", {"rtmp://other.example/live/cam"});
    for (int listed = 103; listed < 110; ++listed) {
        serve_for(2s);
        put_list(listed - 2, listed + 1);
    }
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(state(), "live");
    serve_for(10s);
    EXPECT_GE(connector_.asked, 2) << "nothing new was listed";
}

TEST_F(HlsPull, a_stall_is_made_good_little_by_little) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8");
    serve_for(1s);
    serve_for(6s);   // nothing new is listed for 6 s
    put_list(103, 106);
    hub::toys::Viewer viewer{world_, world_.desk_b};
    ASSERT_TRUE(viewer.joined);
    int listed = 106;
    std::string lines;
    for (; listed < 136; ++listed) {
        serve_for(2s);
        put_list(listed - 2, listed + 1);
        lines += viewer.read();
    }
    serve_for(500ms);
    lines += viewer.read();
    EXPECT_FALSE(toys::pictures_jump(lines));
    const std::vector<std::int64_t> times = toys::times_of(lines, 'v');
    ASSERT_FALSE(times.empty());
    EXPECT_GT(times.back(), listed * 2000 - 2 * 2000 - 1000)
        << "no more than a segment and half of one behind";
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_EQ(times[i] - times[i - 1], 40) << i;
    }
}

TEST_F(HlsPull, of_a_list_of_lists_it_takes_the_most_bits_and_their_sound) {
    const std::vector<media::Track> both = toys::tracks();
    const auto mp4 = [&both](std::size_t track) {
        const std::vector<media::Track> one{both[track]};
        mp4::Muxer muxer;
        BlockLog log;
        muxer.configure(one, log, {});
        const Bytes init = muxer.lead(one);
        for (const media::AccessUnit& unit : ts::samples::film(one, 50'000, 2000)) {
            muxer.write(unit, log, {});
        }
        return std::pair{std::string{as_text(init)}, std::string{as_text(flv::samples::bytes_of(log))}};
    };
    put("/all.m3u8",
        "#EXTM3U\n"
        "#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"x\",DEFAULT=YES,URI=\"s/a.m3u8\"\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=100,AUDIO=\"a\"\nlow.m3u8\n"
        "#EXT-X-STREAM-INF:BANDWIDTH=900,AUDIO=\"a\"\ns/v.m3u8\n");
    for (const auto& [name, track] : {std::pair{"v", 0UZ}, std::pair{"a", 1UZ}}) {
        const auto [init, segment] = mp4(track);
        put(fmt::format("/s/{}.m3u8", name),
            fmt::format("#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:77\n"
                        "#EXT-X-MAP:URI=\"{0}i.mp4\"\n#EXTINF:2,\n{0}1.m4s\n",
                        name));
        put(fmt::format("/s/{}i.mp4", name), init);
        put(fmt::format("/s/{}1.m4s", name), segment);
    }
    start("http://far.example/all.m3u8");
    serve_for(3s);
    EXPECT_FALSE(asked_for("/low.m3u8"));
    EXPECT_EQ(pictures(), 50U);
    EXPECT_EQ(toys::units_of(report(), media::Kind::audio), 100U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().tracks.size(), 2U);
}

TEST_F(HlsPull, a_recording_is_shown_once_from_its_beginning) {
    put_list(0, 3, "#EXT-X-ENDLIST\n");
    start("http://far.example/live/cam.m3u8");
    serve_for(5s);
    EXPECT_NEAR(static_cast<double>(pictures()), 125, 5);
    EXPECT_EQ(state(), "live");
    serve_for(2s);
    EXPECT_EQ(state(), "offline");
    world_.time.run_for(2min);
    EXPECT_EQ(std::ranges::count(requests_, "/live/cam.m3u8"), 1) << "a recording's list is read once";
}

TEST_F(HlsPull, a_live_list_that_ends_is_the_streams_end_and_looked_at_again) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8");
    serve_for(2s);
    put_list(101, 104, "#EXT-X-ENDLIST\n");
    serve_for(6s);
    EXPECT_EQ(state(), "offline");
    const auto asked = requests_.size();
    serve_for(40s, 500ms);
    EXPECT_GT(requests_.size(), asked) << "it may begin again";
    EXPECT_EQ(std::ranges::count(requests_, "/live/103.ts"), 1) << "what is over is not shown again";
}

TEST_F(HlsPull, a_discontinuity_goes_on_in_time_and_is_marked) {
    put_list(100, 101);
    start("http://far.example/live/cam.m3u8");
    serve_for(2s);
    hub::toys::Viewer viewer{world_, world_.desk_b};
    put("/live/new.ts", toys::ts_film(5'000'000, 2000));
    put("/live/cam.m3u8",
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n#EXTINF:2,\n100.ts\n"
        "#EXT-X-DISCONTINUITY\n#EXTINF:2,\nnew.ts\n");
    serve_for(4s);
    EXPECT_EQ(pictures(), 100U);
    ASSERT_TRUE(viewer.joined);
    const std::string lines = viewer.read();
    EXPECT_TRUE(toys::pictures_jump(lines));
    const std::vector<std::int64_t> times = toys::times_of(lines, 'v');
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_GT(times[i], times[i - 1]);
        EXPECT_LT(times[i], times[i - 1] + 2000);
    }
}

TEST_F(HlsPull, a_gap_and_a_segment_that_is_gone_are_passed_over) {
    put_list(100, 101);
    start("http://far.example/live/cam.m3u8");
    serve_for(1s);
    put_list(100, 105);
    files_.erase("/live/102.ts");
    files_["/live/cam.m3u8"] =
        "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:100\n#EXTINF:2,\n"
        "100.ts\n#EXT-X-GAP\n#EXTINF:2,\n101.ts\n#EXTINF:2,\n102.ts\n"
        "#EXTINF:2,\n103.ts\n#EXTINF:2,\n104.ts\n";
    serve_for(9500ms);
    EXPECT_FALSE(asked_for("/live/101.ts"));
    EXPECT_EQ(std::ranges::count(requests_, "/live/102.ts"), 2) << "one more try";
    EXPECT_EQ(pictures(), 150U);
    EXPECT_EQ(state(), "live");
}

TEST_F(HlsPull, byte_ranges_are_asked_for_and_cut_where_the_server_has_none) {
    const std::vector<std::byte> first = toys::ts_film(0, 2000);
    const std::vector<std::byte> second = toys::ts_film(2000, 2000);
    std::vector<std::byte> all = first;
    ts::samples::append(all, second);
    put("/all.ts", all);
    put("/cam.m3u8",
        fmt::format("#EXTM3U\n#EXT-X-VERSION:4\n#EXT-X-TARGETDURATION:2\n#EXT-X-PLAYLIST-TYPE:VOD\n"
                    "#EXTINF:2,\n#EXT-X-BYTERANGE:{}@0\nall.ts\n"
                    "#EXTINF:2,\n#EXT-X-BYTERANGE:{}\nall.ts\n#EXT-X-ENDLIST\n",
                    first.size(), second.size()));
    start("http://far.example/cam.m3u8");
    serve_for(5s);
    EXPECT_EQ(pictures(), 100U);
    EXPECT_EQ(report().jumps, 0U);
}

TEST_F(HlsPull, case_83_lists_lead_nowhere_but_to_the_web_and_no_deeper_than_one) {
    const std::string head = "#EXTM3U\n#EXT-X-VERSION:6\n#EXT-X-TARGETDURATION:2\n";
    const std::string variant = "#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n";
    struct Case {
        std::string name;
        std::string list;
    };
    put("/loop.m3u8", variant + "cam.m3u8\n");
    for (const Case& one :
         {Case{"a file", head + "#EXTINF:2,\nfile:///etc/passwd\n"},
          Case{"a gopher", head + "#EXTINF:2,\ngopher://h/x\n"},
          Case{"a file before the segments",
               head + "#EXT-X-MAP:URI=\"file:///etc/passwd\"\n#EXTINF:2,\na.mp4\n"},
          Case{"itself", variant + "cam.m3u8\n"}, Case{"a list of lists", variant + "loop.m3u8\n"},
          Case{"another scheme", variant + "rtmp://h/x\n"},
          Case{"too many lines", head + std::string(500'000, '\n')}, Case{"no list", "<html></html>"},
          Case{"nothing", ""}}) {
        files_["/cam.m3u8"] = one.list;
        requests_.clear();
        start("http://far.example/cam.m3u8");
        serve_for(12s, 200ms);
        EXPECT_EQ(state(), "none") << one.name;
        EXPECT_LE(requests_.size(), 24U) << one.name << ": no busy loop";
        for (const toys::PlayedServer& far : connector_.servers) {
            EXPECT_EQ(far.dial.to.text(), "far.example:80") << one.name;
        }
        stop();
    }
}

TEST_F(HlsPull, case_83_other_hosts_are_asked_through_the_same_door_and_without_the_password) {
    put("/cam.m3u8", "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2,\nhttp://127.0.0.1/1.ts\n");
    start("http://u:p@far.example/cam.m3u8");
    serve_for(100ms);
    ASSERT_EQ(connector_.asked, 2) << "the connector decides whether that is an address for us";
    EXPECT_EQ(server().dial.to.text(), "127.0.0.1:80");
    EXPECT_EQ(server().heard.find("Authorization"), std::string::npos);
}

TEST_F(HlsPull, case_83_a_body_that_never_ends_is_left) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8");
    serve_for(1s);
    silent_ = true;
    serve_for(2s);
    const auto far = [this]() -> toys::PlayedServer& { return connector_.servers.front(); };
    far().say("HTTP/1.1 200 OK\r\nContent-Type: application/x-mpegurl\r\n\r\n#EXTM3U\n");
    for (int i = 0; i < 40 && !far().is_left(); ++i) {
        far().say("#\n");
        world_.time.run_for(1s);
    }
    EXPECT_TRUE(far().is_left());
    EXPECT_EQ(state(), "stale");
}

TEST_F(HlsPull, case_84_a_list_that_never_grows_is_given_up_and_nothing_is_shown_twice) {
    put_list(100, 103);
    start("http://far.example/live/cam.m3u8");
    serve_for(40s, 100ms);
    EXPECT_GE(connector_.asked, 2);
    EXPECT_LE(requests_.size(), 60U);
    EXPECT_EQ(std::ranges::count(requests_, "/live/102.ts"), 1);
    put_list(101, 104);
    serve_for(4s, 100ms);
    EXPECT_EQ(state(), "live");
}

}   // namespace
}   // namespace millrace::session
