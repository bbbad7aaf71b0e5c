#include "control/api_for_tests.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace millrace::control {
namespace {

using Json = nlohmann::json;
using testing::body;
using testing::Node;
using testing::Somebody;

hub::SessionFacts viewer_of(std::string stream) {
    return {
        .protocol = "flv", .stream = std::move(stream), .peer = {"192.0.2.7", 5}, .who = {.name = "anyone"}};
}

TEST(Api, shows_nothing_but_health_and_its_description_without_a_proof) {
    Node node;
    for (const std::string_view path : {"/metrics", "/api/v1/streams", "/api/v1/streams/live/cam",
                                        "/api/v1/sessions", "/api/v1/sessions/0-1"}) {
        EXPECT_EQ(node.ask("GET", std::string{path}, "").status, 401) << path;
        const bool of_streams = path.starts_with("/api/v1/streams");
        EXPECT_EQ(node.admission.asked->action, of_streams ? hub::Action::play : hub::Action::admin) << path;
        EXPECT_EQ(node.admission.asked->of_some, of_streams) << path;
    }
    EXPECT_EQ(node.ask("DELETE", "/api/v1/sessions/0-1", "").status, 401);
    EXPECT_TRUE(node.admission.asked->changes);
    EXPECT_EQ(node.ask("GET", "/healthz", "").status, 200);
    EXPECT_EQ(node.ask("GET", "/api/openapi.yaml", "").status, 200);
}

TEST(Api, is_ready_between_its_start_and_its_end) {
    Node node;
    EXPECT_EQ(node.ask("GET", "/readyz", "").status, 503);
    node.readiness.say(Readiness::Phase::ready);
    EXPECT_EQ(node.ask("GET", "/readyz", "").status, 200);
    node.readiness.say(Readiness::Phase::draining);
    EXPECT_EQ(node.ask("GET", "/readyz", "").status, 503);
    EXPECT_EQ(node.ask("GET", "/healthz", "").status, 200);
}

TEST(Api, lists_the_sessions_of_all_workers) {
    Node node;
    Somebody one{node.sessions_a, viewer_of("live/cam")};
    Somebody other{node.sessions_b, viewer_of("live/other")};
    const Json all = Json::parse(body(node.ask("GET", "/api/v1/sessions")));
    EXPECT_EQ(all["total"], 2);
    EXPECT_EQ(all["items"][0]["id"], "0-1");
    EXPECT_EQ(all["items"][1]["id"], "1-1");
    const Json some = Json::parse(body(node.ask("GET", "/api/v1/sessions?stream=live/other")));
    EXPECT_EQ(some["total"], 1);
    EXPECT_EQ(some["items"][0]["stream"], "live/other");
    EXPECT_EQ(Json::parse(body(node.ask("GET", "/api/v1/sessions/1-1")))["peer"], "192.0.2.7:5");
}

TEST(Api, ends_the_session_that_is_named_and_no_other) {
    Node node;
    Somebody one{node.sessions_a, viewer_of("live/cam")};
    Somebody other{node.sessions_b, viewer_of("live/cam")};
    EXPECT_EQ(node.ask("DELETE", "/api/v1/sessions/1-1").status, 204);
    EXPECT_FALSE(one.ended_by);
    ASSERT_TRUE(other.ended_by);
    EXPECT_EQ(other.ended_by->what, "an administrator ended this session");
    for (const std::string_view id : {"1-2", "2-1", "x", "1", "1-1-1"}) {
        EXPECT_EQ(node.ask("DELETE", "/api/v1/sessions/" + std::string{id}).status, 404) << id;
        EXPECT_EQ(node.ask("GET", "/api/v1/sessions/" + std::string{id}).status, 404) << id;
    }
}

TEST(Api, refuses_a_page_that_is_no_page) {
    Node node;
    for (const std::string_view query : {"limit=0", "limit=10001", "limit=x", "limit=", "offset=-1",
                                         "offset=1e3", "limit=99999999999999999999"}) {
        const web::Response response = node.ask("GET", "/api/v1/sessions?" + std::string{query});
        EXPECT_EQ(response.status, 400) << query;
        EXPECT_EQ(response.headers.at(0).value, "application/problem+json") << query;
    }
    EXPECT_EQ(node.ask("GET", "/api/v1/streams?limit=10&offset=5").status, 200);
}

TEST(Api, a_stream_that_is_not_there_is_not_found) {
    Node node;
    EXPECT_EQ(node.ask("GET", "/api/v1/streams/live/cam").status, 404);
    EXPECT_EQ(node.ask("GET", "/api/v1/streams/live/../cam").status, 400);
}

/// Publishes a stream, without media.
class Publisher {
public:
    Publisher(Node& node, std::string stream)
        : answer_{node.a},
          session_{node.sessions_a,
                   {.kind = hub::SessionKind::publisher,
                    .protocol = "rtmp",
                    .stream = std::move(stream),
                    .peer = {"192.0.2.66", 5}}} {
        node.a.run([&] { node.directory.publish(session_.facts(), session_.ref(), answer_.reply()); });
        node.time.settle();
    }

private:
    Answer<hub::Grant> answer_;
    Somebody session_;
};

TEST(Api, shows_who_may_play_the_streams_it_may_play_and_not_where_they_come_from) {
    Node node;
    Publisher cam{node, "live/cam"};
    Publisher other{node, "live/other"};
    const Json all = Json::parse(body(node.ask("GET", "/api/v1/streams")));
    EXPECT_EQ(all["total"], 2);
    EXPECT_EQ(all["items"][0]["source"]["peer"], "192.0.2.66:5");

    const std::string some{body(node.ask("GET", "/api/v1/streams", "guest"))};
    EXPECT_EQ(Json::parse(some)["total"], 1) << some;
    EXPECT_EQ(Json::parse(some)["items"][0]["name"], "live/cam");
    EXPECT_EQ(Json::parse(some)["items"][0]["source"], Json::parse(R"({"protocol": "rtmp"})"));
    EXPECT_FALSE(some.contains("192.0.2.66"));
    EXPECT_FALSE(body(node.ask("GET", "/api/v1/streams/live/cam", "guest")).contains("192.0.2.66"));
    EXPECT_EQ(node.ask("GET", "/api/v1/streams/live/other", "guest").status, 403);
    EXPECT_EQ(node.ask("GET", "/api/v1/streams/live/nothing", "guest").status, 403);
}

TEST(Api, who_may_play_sees_no_sessions_and_no_metrics) {
    Node node;
    for (const std::string_view path : {"/metrics", "/api/v1/sessions", "/api/v1/sessions/0-1"}) {
        EXPECT_EQ(node.ask("GET", std::string{path}, "guest").status, 401) << path;
    }
}

TEST(Api, lists_the_streams_that_were_recorded_and_that_who_asks_may_see) {
    Node node;
    EXPECT_EQ(node.ask("GET", "/api/v1/recordings").status, 403) << "the archive cannot be read";
    node.recordings = {{.name = "live/attic", .from = {0}, .to = {1'000'000}, .bytes = 5, .gaps = 2},
                       {.name = "live/cam", .from = {1'000'000}, .to = {3'500'000}, .recording = true}};
    EXPECT_EQ(Json::parse(body(node.ask("GET", "/api/v1/recordings?limit=1"))), Json::parse(R"({
        "items": [{"name": "live/attic", "from": "1970-01-01T00:00:00.000Z", "to": "1970-01-01T00:00:01.000Z",
                   "bytes": 5, "gaps": 2, "recording": false}], "total": 2})"));
    const Json next = Json::parse(body(node.ask("GET", "/api/v1/recordings?offset=1")));
    EXPECT_EQ(next["items"].size(), 1U);
    EXPECT_EQ(next["items"][0]["recording"], true);
    const Json some = Json::parse(body(node.ask("GET", "/api/v1/recordings", "guest")));
    EXPECT_EQ(some["total"], 1);
    EXPECT_EQ(some["items"][0]["name"], "live/cam");
    EXPECT_EQ(node.admission.asked->action, hub::Action::archive);
    EXPECT_EQ(node.ask("GET", "/api/v1/recordings", "").status, 401);
    EXPECT_EQ(node.ask("GET", "/api/v1/recordings?limit=0").status, 400);
}

TEST(Api, case_67_there_is_no_callback_parameter) {
    Node node;
    const web::Response response = node.ask("GET", "/api/v1/streams?callback=alert&jsonp=x");
    EXPECT_EQ(response.headers.at(0).value, "application/json");
    EXPECT_TRUE(body(response).starts_with('{'));
}

}   // namespace
}   // namespace millrace::control
