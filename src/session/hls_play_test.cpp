#include "session/hls_play.hpp"

#include "container/flv_samples.hpp"
#include "container/m3u8_reader.hpp"
#include "hub/stream_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Lets anyone in but the token "bad"; other tokens are a right of their own.
class Door final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        reply.give(*decide_now(petition));
    }
    std::optional<Result<hub::Admitted>> decide_now(const hub::Petition& petition) override {
        if (closed || petition.query.find("token=bad") != std::string::npos) {
            return fail(Errc::refused, "not with this token");
        }
        return hub::Admitted{.identity = {}, .anyone = petition.query.empty()};
    }

    bool closed = false;
};

/// A worker with the HLS route, a publisher at hand, and answers as they come.
class HlsPlay : public testing::Test {
protected:
    HlsPlay()
        : desk_{world_.desk_a.executor, world_.directory, door_, world_.random},
          route_{hls_play(desk_, "00c0ffee")},
          desk_there_{world_.desk_b.executor, world_.directory, door_, world_.random},
          route_there_{hls_play(desk_there_, "00c0ffee")} {
        desk_there_.settings = std::make_shared<const Settings>(Settings{{"*"}, "live/cam"});
        desk_.settings = std::make_shared<const Settings>(Settings{{"*"}, "live/cam"});
    }

    struct Asked {
        web::Request request;
        std::optional<web::Response> response;
    };
    /// Asks, and gives what has come at once; later answers stand in the same place.
    Asked& ask(std::string path, std::string query = {}, std::vector<web::Header> headers = {},
               std::string method = "GET") {
        Asked& asked = asked_.emplace_back();
        asked.request = {.method = std::move(method),
                         .path = std::move(path),
                         .query = std::move(query),
                         .headers = std::move(headers),
                         .peer = {"192.0.2.7", 40'000}};
        world_.desk_a.executor.run([&] { world_.desk_a.executor.tasks().spawn(run(*this, asked)); });
        world_.time.settle();
        return asked;
    }
    /// The answer that another worker gives before anything that was posted could run; nothing: it asks the
    /// stream's home.
    std::optional<web::Response> answer_there_at_once(std::string path, std::string method = "GET") {
        Asked& asked = asked_.emplace_back();
        asked.request = {.method = std::move(method),
                         .path = std::move(path),
                         .query = {},
                         .headers = {{"User-Agent", "there"}},
                         .peer = {"192.0.2.8", 40'000}};
        world_.desk_b.executor.run([&] { world_.desk_b.executor.tasks().spawn(run_there(*this, asked)); });
        std::optional<web::Response> at_once = std::move(asked.response);
        world_.time.settle();
        return at_once;
    }
    web::Response answer(std::string path, std::string query = {}, std::vector<web::Header> headers = {},
                         std::string method = "GET") {
        Asked& asked = ask(std::move(path), std::move(query), std::move(headers), std::move(method));
        EXPECT_TRUE(asked.response) << asked.request.path;
        return asked.response ? std::move(*asked.response) : web::Response{.status = 0};
    }
    static std::string text(const web::Response& response) { return std::string{as_text(response.body)}; }
    static std::string header(const web::Response& response, std::string_view name) {
        for (const auto& [key, value] : response.headers) {
            if (web::same_name(key, name)) {
                return value;
            }
        }
        const std::string lines = "\r\n" + std::string{as_text(response.header_lines)};
        const std::string begin = fmt::format("\r\n{}: ", name);
        const std::size_t at = lines.find(begin);
        return at == std::string::npos
                   ? ""
                   : lines.substr(at + begin.size(), lines.find("\r\n", at + 1) - at - begin.size());
    }
    static hls::MediaPlaylist list_of(const web::Response& response) {
        const Result<hls::Playlist> list = hls::read_playlist(text(response));
        EXPECT_TRUE(list) << text(response);
        return list ? std::get<hls::MediaPlaylist>(*list) : hls::MediaPlaylist{};
    }

    void publish() { publisher_.emplace(world_, world_.desk_a); }
    /// Pictures of 40 ms, a key frame each second.
    void play(int seconds) {
        static const media::ConfigRef config = flv::samples::track(media::Codec::h264).config;
        for (int i = 0; i < seconds * 25; ++i) {
            const bool key = picture_ % 25 == 0;
            const std::int64_t time = picture_++ * 3600;
            publisher_->unit(
                {.track = 0,
                 .config = config,
                 .payload = Bytes::copy(std::string_view{key ? "\0\0\0\2\x65\x88" : "\0\0\0\2\x41\x9a", 6}),
                 .dts = time,
                 .pts = time,
                 .key = key});
            world_.time.run_for(40ms);
        }
    }

    hub::toys::World world_;
    Door door_;
    Desk desk_;
    web::Route route_;
    Desk desk_there_;   // of a worker that is not the stream's home
    web::Route route_there_;
    std::optional<hub::toys::Publisher> publisher_;
    std::deque<Asked> asked_;
    std::int64_t picture_ = 0;

private:
    static Task<> run(HlsPlay& self, Asked& asked) {
        asked.response = co_await self.route_.answer(asked.request, self.world_.desk_a.executor);
    }
    static Task<> run_there(HlsPlay& self, Asked& asked) {
        asked.response = co_await self.route_there_.answer(asked.request, self.world_.desk_b.executor);
    }
};

TEST_F(HlsPlay, knows_its_addresses) {
    for (const std::string_view path : {"/live/cam/index.m3u8", "/live/cam/ts.m3u8", "/stream.m3u8",
                                        "/live/cam/segments/v0.m3u8", "/live/cam/segments/1-2/v0-3.m4s"}) {
        EXPECT_TRUE(route_.matches(path)) << path;
    }
    for (const std::string_view path : {"/", "/live/cam", "/live/cam.ts", "/live/cam/archive.m3u8"}) {
        EXPECT_FALSE(route_.matches(path)) << path;
    }
}

TEST_F(HlsPlay, an_unknown_stream_is_404) {
    EXPECT_EQ(answer("/live/none/index.m3u8").status, 404);
    EXPECT_EQ(answer("/live/none/segments/v0.m3u8").status, 404);
    EXPECT_EQ(answer("/live/none/segments/1-2/v0-0.m4s").status, 404);
    EXPECT_EQ(answer("/stream.m3u8").status, 404);
    EXPECT_TRUE(world_.reports().empty());
}

TEST_F(HlsPlay, row_1_15_a_list_is_held_until_its_first_segment_is_done) {
    publish();
    play(1);
    Asked& asked = ask("/live/cam/index.m3u8");
    EXPECT_FALSE(asked.response);
    play(3);
    ASSERT_TRUE(asked.response);
    EXPECT_EQ(asked.response->status, 200);
    EXPECT_NE(text(*asked.response).find("RESOLUTION=64x64,FRAME-RATE=25.000\nsegments/v0.m3u8\n"),
              std::string::npos)
        << text(*asked.response);
}

TEST_F(HlsPlay, row_1_15_a_list_without_a_segment_is_503_with_retry_after) {
    publish();
    play(1);
    Asked& asked = ask("/live/cam/ts.m3u8");
    world_.time.run_for(9s);
    EXPECT_FALSE(asked.response);
    world_.time.run_for(2s);
    ASSERT_TRUE(asked.response);
    EXPECT_EQ(asked.response->status, 503);
    EXPECT_FALSE(header(*asked.response, "Retry-After").empty());
}

TEST_F(HlsPlay, row_1_10_media_has_its_type_and_may_be_kept_for_ever) {
    publish();
    play(1);
    ask("/live/cam/segments/v0.m3u8");
    ask("/live/cam/ts.m3u8");
    play(4);
    const hls::MediaPlaylist fragments = list_of(answer("/live/cam/segments/v0.m3u8"));
    const hls::MediaPlaylist packets = list_of(answer("/live/cam/ts.m3u8"));
    ASSERT_FALSE(fragments.segments.empty() || packets.segments.empty());
    const struct {
        std::string path;
        std::string_view type;
    } cases[] = {
        {"/live/cam/segments/" + fragments.segments[0].uri, "video/mp4"},
        {"/live/cam/segments/" + fragments.segments[0].init->uri, "video/mp4"},
        {"/live/cam/" + packets.segments[0].uri, "video/mp2t"},
    };
    for (const auto& [path, type] : cases) {
        const web::Response response = answer(path);
        EXPECT_EQ(response.status, 200) << path;
        EXPECT_FALSE(response.body.empty());
        EXPECT_EQ(header(response, "Content-Type"), type);
        EXPECT_EQ(header(response, "Cache-Control"), "public, max-age=31536000, immutable");
        EXPECT_TRUE(header(response, "ETag").starts_with('"'));
        EXPECT_EQ(header(response, "Access-Control-Allow-Origin"), "*");
        EXPECT_EQ(answer(path).body, response.body);
        EXPECT_EQ(header(answer(path, "token=mine"), "Cache-Control"),
                  "private, max-age=31536000, immutable");
    }
}

TEST_F(HlsPlay, row_1_9_a_list_has_the_type_that_is_asked_for) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(3);
    const web::Response plain = answer("/live/cam/ts.m3u8");
    EXPECT_EQ(header(plain, "Content-Type"), "application/vnd.apple.mpegurl");
    EXPECT_EQ(header(plain, "Cache-Control"), "no-cache");
    const web::Response asked = answer("/live/cam/ts.m3u8", {}, {{"Accept", "application/x-mpegURL"}});
    EXPECT_EQ(header(asked, "Content-Type"), "application/x-mpegURL");
}

TEST_F(HlsPlay, rows_1_9_1_17_and_1_18_the_alias_answers_as_the_classic_page_expects) {
    publish();
    play(1);
    ask("/stream.m3u8");
    play(3);
    const web::Response alias = answer("/stream.m3u8");
    EXPECT_EQ(alias.status, 200);
    EXPECT_EQ(header(alias, "Content-Type"), "application/x-mpegURL");
    EXPECT_EQ(header(alias, "Cache-Control"), "no-cache, no-store, must-revalidate");
    EXPECT_EQ(header(alias, "Pragma"), "no-cache");
    EXPECT_EQ(header(alias, "Expires"), "0");
    const hls::MediaPlaylist list = list_of(alias);
    EXPECT_EQ(list.version, 3U);
    ASSERT_FALSE(list.segments.empty());
    EXPECT_EQ(answer("/" + list.segments[0].uri).status, 200);
}

TEST_F(HlsPlay, lists_are_coded_if_asked_and_known_by_a_tag_of_each_form) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(12);
    for (const std::string path : {"/live/cam/ts.m3u8", "/stream.m3u8"}) {
        const web::Response plain = answer(path);
        EXPECT_EQ(header(plain, "Vary"), "Accept-Encoding");
        const web::Response coded = answer(path, {}, {{"Accept-Encoding", "gzip"}});
        EXPECT_EQ(header(coded, "Content-Encoding"), "gzip");
        EXPECT_LT(coded.body.size(), plain.body.size() / 2);
        EXPECT_EQ(answer(path, {}, {{"Accept-Encoding", "gzip"}}).body.data(), coded.body.data());
        EXPECT_EQ(answer(path).body.data(), plain.body.data());
        const web::Response proven = answer(path, "token=t", {{"Accept-Encoding", "gzip"}});
        EXPECT_EQ(header(proven, "Content-Encoding"), "gzip");
        EXPECT_NE(proven.body, coded.body);
    }
    const std::string tag = header(answer("/live/cam/ts.m3u8"), "ETag");
    const auto status = [this](std::string known, std::string accepts) {
        return answer("/live/cam/ts.m3u8", {},
                      {{"If-None-Match", std::move(known)}, {"Accept-Encoding", std::move(accepts)}})
            .status;
    };
    EXPECT_EQ(status(tag, "identity"), 304);
    EXPECT_EQ(status(tag, "gzip"), 200);
    play(3);
    EXPECT_EQ(status(tag, "identity"), 200);
}

TEST_F(HlsPlay, a_list_that_is_kept_follows_the_settings_and_who_asks) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(5);
    const auto allowed = [&](std::string origin) {
        return header(answer("/live/cam/ts.m3u8", {}, {{"Origin", std::move(origin)}}),
                      "Access-Control-Allow-Origin");
    };
    EXPECT_EQ(allowed("https://a.example"), "*");
    desk_.settings =
        std::make_shared<const Settings>(Settings{{"https://a.example", "https://b.example"}, ""});
    for (int again = 0; again < 2; ++again) {
        EXPECT_EQ(allowed("https://a.example"), "https://a.example");
        EXPECT_EQ(allowed("https://b.example"), "https://b.example");
        EXPECT_EQ(allowed("https://c.example"), "");
    }
    desk_.settings = std::make_shared<const Settings>(Settings{{"*"}, ""});
    EXPECT_EQ(allowed("https://c.example"), "*");
}

TEST_F(HlsPlay, a_list_has_no_parts) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(3);
    const web::Response list = answer("/live/cam/ts.m3u8", {}, {{"Range", "bytes=0-9"}});
    EXPECT_EQ(list.status, 200);
    EXPECT_EQ(header(list, "Accept-Ranges"), "none");
}

TEST_F(HlsPlay, what_a_viewer_of_lists_got_is_counted_to_the_byte) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(3);
    const auto sent = [this] {
        std::uint64_t bytes = 0;
        for (const hub::SessionReport& report : desk_.sessions.reports()) {
            bytes += report.facts.kind == hub::SessionKind::viewer ? report.bytes_out : 0;
        }
        return bytes;
    };
    std::uint64_t before = sent();
    EXPECT_EQ(before, as_text(asked_.front().response->body).size());
    const web::Response list = answer("/live/cam/ts.m3u8");
    EXPECT_EQ(sent() - before, list.body.size());
    before = sent();
    answer("/live/cam/ts.m3u8", {}, {}, "HEAD");
    answer("/live/cam/ts.m3u8", {}, {{"If-None-Match", header(list, "ETag")}});
    EXPECT_EQ(sent(), before);
    const web::Response media = answer("/live/cam/" + list_of(list).segments.front().uri);
    EXPECT_EQ(sent() - before, media.body.size());
}

TEST_F(HlsPlay, a_worker_that_knows_a_viewer_asks_no_other_for_lists_and_segments) {
    publish();
    play(1);
    ask("/live/cam/segments/v0.m3u8");
    play(4);
    EXPECT_FALSE(answer_there_at_once("/live/cam/segments/v0.m3u8"));   // its first trip home
    const auto list = answer_there_at_once("/live/cam/segments/v0.m3u8");
    ASSERT_TRUE(list);
    const hls::MediaSegment newest = list_of(*list).segments.back();
    const auto media = answer_there_at_once("/live/cam/segments/" + newest.uri);
    ASSERT_TRUE(media);
    EXPECT_EQ(media->body, answer("/live/cam/segments/" + newest.uri).body);
    const auto init = answer_there_at_once("/live/cam/segments/" + newest.init->uri);
    ASSERT_TRUE(init);
    EXPECT_EQ(init->body, answer("/live/cam/segments/" + newest.init->uri).body);
    play(2);
    const auto next = answer_there_at_once("/live/cam/segments/v0.m3u8");
    ASSERT_TRUE(next);
    EXPECT_EQ(text(*next), text(answer("/live/cam/segments/v0.m3u8")));
    EXPECT_NE(text(*next), text(*list));
}

TEST_F(HlsPlay, what_a_worker_answers_by_itself_is_counted_at_the_streams_home) {
    publish();
    play(1);
    ask("/live/cam/segments/v0.m3u8");
    play(4);
    answer_there_at_once("/live/cam/segments/v0.m3u8");
    const auto report = [this] {
        for (const hub::SessionReport& one : desk_.sessions.reports()) {
            if (one.facts.peer.address == "192.0.2.8") {
                return one;
            }
        }
        return hub::SessionReport{};
    };
    const hub::SessionReport before = report();
    EXPECT_EQ(before.writes, 1U);
    std::size_t sent = 0;
    for (int i = 0; i < 3; ++i) {
        const auto list = answer_there_at_once("/live/cam/segments/v0.m3u8");
        ASSERT_TRUE(list);
        sent += list->body.size();
    }
    ASSERT_TRUE(answer_there_at_once("/live/cam/segments/v0.m3u8", "HEAD"));
    EXPECT_EQ(report().writes, 5U);
    EXPECT_EQ(report().bytes_out - before.bytes_out, sent);
    EXPECT_EQ(desk_there_.sessions.size(), 0U);
}

TEST_F(HlsPlay, a_viewer_who_is_sent_away_or_may_no_longer_is_refused_by_every_worker) {
    publish();
    play(1);
    ask("/live/cam/segments/v0.m3u8");
    play(4);
    answer_there_at_once("/live/cam/segments/v0.m3u8");
    ASSERT_TRUE(answer_there_at_once("/live/cam/segments/v0.m3u8"));
    world_.desk_a.executor.run([&] {
        desk_.sessions.end_where(
            [](const hub::SessionFacts& facts) { return facts.peer.address == "192.0.2.8"; },
            {Errc::cancelled, "kicked"});
    });
    EXPECT_FALSE(answer_there_at_once("/live/cam/segments/v0.m3u8"));
    EXPECT_EQ(asked_.back().response->status, 403);
    world_.time.run_for(8s);   // silent for three target durations
    EXPECT_FALSE(answer_there_at_once("/live/cam/segments/v0.m3u8"));
    EXPECT_EQ(asked_.back().response->status, 200);
    ASSERT_TRUE(answer_there_at_once("/live/cam/segments/v0.m3u8"));
    door_.closed = true;
    const auto refused = answer_there_at_once("/live/cam/segments/v0.m3u8");
    ASSERT_TRUE(refused);
    EXPECT_EQ(refused->status, 403);
}

TEST_F(HlsPlay, readers_at_other_workers_keep_a_form_and_the_end_reaches_them) {
    publish();
    play(1);
    ask("/live/cam/segments/v0.m3u8");
    play(4);
    answer_there_at_once("/live/cam/segments/v0.m3u8");
    for (int i = 0; i < 30; ++i) {   // longer than a form that nobody reads is kept
        play(2);
        ASSERT_TRUE(answer_there_at_once("/live/cam/segments/v0.m3u8")) << i;
    }
    world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
    world_.desk_a.executor.run([this] { publisher_->publication.reset(); });
    world_.time.run_for(20s);   // grace, and a target duration
    answer_there_at_once("/live/cam/segments/v0.m3u8");
    const auto ended = answer_there_at_once("/live/cam/segments/v0.m3u8");
    ASSERT_TRUE(ended);
    EXPECT_TRUE(list_of(*ended).ended);
    world_.time.run_for(40s);
    EXPECT_FALSE(answer_there_at_once("/live/cam/segments/v0.m3u8"));
    EXPECT_EQ(asked_.back().response->status, 404);
    EXPECT_TRUE(world_.reports().empty());
}

TEST_F(HlsPlay, row_1_14_the_list_is_a_window_of_ten) {
    publish();
    play(1);
    ask("/live/cam/ts.m3u8");
    play(2);
    for (int i = 0; i < 15; ++i) {
        ask("/live/cam/ts.m3u8");
        play(2);
    }
    const hls::MediaPlaylist list = list_of(answer("/live/cam/ts.m3u8"));
    EXPECT_EQ(list.segments.size(), 10U);
    EXPECT_EQ(list.target_duration, 2);
    for (const hls::MediaSegment& segment : list.segments) {
        EXPECT_EQ(segment.duration, 2s);
    }
}

TEST_F(HlsPlay, children_of_a_list_are_asked_for_with_the_same_proof) {
    publish();
    play(1);
    ask("/live/cam/index.m3u8");
    play(3);
    EXPECT_NE(
        text(answer("/live/cam/index.m3u8", "x=1&token=a%20b")).find("\nsegments/v0.m3u8?token=a%20b\n"),
        std::string::npos);
    const hls::MediaPlaylist list = list_of(answer("/live/cam/segments/v0.m3u8", "user=u&z=2&pass=p"));
    EXPECT_TRUE(list.segments[0].uri.ends_with(".m4s?user=u&pass=p"));
    EXPECT_TRUE(list.segments[0].init->uri.ends_with(".mp4?user=u&pass=p"));
    EXPECT_EQ(answer("/live/cam/index.m3u8", "token=bad").status, 403);
}

TEST_F(HlsPlay, viewers_are_told_apart_by_token_or_by_address_and_agent) {
    publish();
    play(1);
    ask("/live/cam/index.m3u8");
    play(3);
    const auto viewers = [this] { return desk_.sessions.size(); };
    const std::size_t one = viewers();
    ask("/live/cam/index.m3u8");
    EXPECT_EQ(viewers(), one);
    ask("/live/cam/index.m3u8", {}, {{"User-Agent", "another"}});
    EXPECT_EQ(viewers(), one + 1);
    ask("/live/cam/index.m3u8", "token=t", {{"User-Agent", "third"}});
    ask("/live/cam/index.m3u8", "token=t", {{"User-Agent", "fourth"}});
    EXPECT_EQ(viewers(), one + 2);
}

TEST_F(HlsPlay, what_is_no_list_and_no_segment_is_404) {
    publish();
    play(1);
    ask("/live/cam/index.m3u8");
    play(3);
    EXPECT_EQ(answer("/live/cam/segments/v7.m3u8").status, 404);
    EXPECT_EQ(answer("/live/cam/segments/").status, 404);
    EXPECT_EQ(answer("/live/cam/segments/1-2/v0-0.m4s").status, 404);
    EXPECT_EQ(answer("/live/cam/segments/1-2/ts-0.ts").status, 404);
}

TEST_F(HlsPlay, a_preflight_starts_nothing) {
    ASSERT_NE(std::ranges::find(route_.methods, "OPTIONS"), route_.methods.end());
    const web::Response response = answer("/live/cam/index.m3u8", {}, {}, "OPTIONS");
    EXPECT_EQ(response.status, 204);
    EXPECT_FALSE(header(response, "Access-Control-Allow-Methods").empty());
    EXPECT_TRUE(world_.reports().empty());
}

TEST_F(HlsPlay, head_answers_as_get_and_starts_nothing_for_a_stream_that_is_not_there) {
    EXPECT_EQ(answer("/live/cam/index.m3u8", {}, {}, "HEAD").status, 404);
    EXPECT_TRUE(world_.reports().empty());
    publish();
    play(1);
    ask("/live/cam/index.m3u8");
    play(3);
    EXPECT_EQ(answer("/live/cam/index.m3u8", {}, {}, "HEAD").status, 200);
}

}   // namespace
}   // namespace millrace::session
