#include "control/api_changes.hpp"

#include "base/hex.hpp"
#include "base/url.hpp"
#include "control/configuration_values.hpp"
#include "control/enrolment.hpp"
#include "control/steward_for_tests.hpp"

#include <gtest/gtest.h>

#include <array>

namespace millrace::control {
namespace {

class TokenAdmission final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        if (petition.authorization == "Bearer yes" && petition.action == hub::Action::admin) {
            reply.give(hub::Admitted{});
        } else {
            reply.give(fail(Errc::unauthenticated, "this needs a user and password, or a token"));
        }
    }
};

class ApiChanges : public testing::Test {
protected:
    ApiChanges() {
        const ApiMeans means{admission_, *node_.steward, node_.disk, random_, nullptr, &link_port_};
        routes_ = config_routes(means);
        for (auto& route : access_routes(means)) {
            routes_.push_back(std::move(route));
        }
        for (auto& route : enrolment_routes(means)) {
            routes_.push_back(std::move(route));
        }
        join_route(routes_, "/api/v1/streams/a", stream_rule_route(means));
        join_route(routes_, "/api/v1/recordings/a", record_route(means));
    }

    web::Response ask(std::string method, std::string path, std::string body = {}) {
        request_.method = std::move(method);
        request_.path = std::move(path);
        request_.body = std::move(body);
        web::Response response;
        for (const web::Route& route : routes_) {
            if (route.matches(request_.path)) {
                worker_.run([&] { worker_.tasks().spawn(answer(route, response)); });
                node_.time.settle();
                return response;
            }
        }
        return web::Response{.status = 404};
    }
    std::string grant_of(std::size_t user) {
        return grant_text(node_.configuration().users.at(user).allow.at(0));
    }
    static std::string text(const web::Response& response) { return std::string{as_text(response.body)}; }

    toys::Stewardship node_;
    VirtualExecutor& worker_ = node_.time.add_executor();
    TokenAdmission admission_;
    SeededRandom random_{9};
    std::atomic<std::uint16_t> link_port_ = 8910;
    std::vector<web::Route> routes_;
    web::Request request_{
        .headers = {{"Authorization", "Bearer yes"}, {"Content-Type", "application/json; charset=utf-8"}}};

private:
    Task<> answer(const web::Route& route, web::Response& response) {
        response = co_await route.answer(request_, worker_);
    }
};

/// Boxes that come with tokens.
class Enrolments : public ApiChanges {
protected:
    Enrolments() { request_.headers.push_back({"Host", "cams.example.org:8080"}); }

    /// The token's key.
    std::vector<std::byte> make(std::string body) {
        const web::Response made = ask("POST", "/api/v1/enrolments", std::move(body));
        EXPECT_EQ(made.status, 201) << text(made);
        const std::string token = find(*parse_json(text(made)), "token")->text;
        const Result<Url> url = parse_url(token);
        EXPECT_TRUE(url && url->scheme == "kcp" && url->port == 8910 && url->host == "cams.example.org")
            << token;
        return *hex_bytes(url->password);
    }
    int use(const std::string& name, std::byte key, Duration after = 0ns) {
        const WallTime at{worker_.clock().utc().microseconds + after / 1us};
        return node_.change([&, at](State& state, const Standing& now) {
            return use_enrolment(state, now, {name, std::vector<std::byte>(32, key), "192.0.2.7:5"}, at);
        });
    }
    std::map<std::string, std::vector<std::byte>, std::less<>> keys() const {
        return link_keys_of(*node_.realm.applied);
    }
};

TEST_F(Enrolments, a_token_makes_one_box_a_user_with_a_key_of_its_own_and_is_never_shown_again) {
    const std::vector<std::byte> key = make(R"({"stream":"live/gate","hours":2})");
    EXPECT_EQ(keys().at("enroll:gate"), key);
    EXPECT_FALSE(keys().contains("gate"));
    EXPECT_EQ(use("gate", std::byte{5}), 204) << node_.words;
    EXPECT_EQ(keys().at("gate"), std::vector<std::byte>(32, std::byte{5}));
    ASSERT_EQ(node_.configuration().users.size(), 1U);
    EXPECT_EQ(grant_of(0), "publish:live/gate");
    for (const std::string_view path :
         {"/api/v1/users", "/api/v1/users/gate", "/api/v1/config", "/api/v1/enrolments"}) {
        const std::string shown = text(ask("GET", std::string{path}));
        EXPECT_EQ(shown.find(hex_text(key)), std::string::npos) << path;
        EXPECT_EQ(shown.find("0505"), std::string::npos) << path;
    }
    node_.start();   // as the start after a crash
    EXPECT_EQ(keys().size(), 2U);
    EXPECT_EQ(ask("PUT", "/api/v1/users/gate", R"({"allow":["publish:live/*"]})").status, 200);
    EXPECT_TRUE(keys().contains("gate")) << "it stays where none is given";
}

TEST_F(Enrolments, a_second_use_is_refused_with_when_and_whence_the_first_came_and_changes_nothing) {
    make(R"({"stream":"live/gate"})");
    ASSERT_EQ(use("gate", std::byte{5}), 204);
    EXPECT_EQ(use("gate", std::byte{6}), 409);
    EXPECT_NE(node_.words.find("used already, at "), std::string::npos) << node_.words;
    EXPECT_NE(node_.words.find("from 192.0.2.7:5"), std::string::npos) << node_.words;
    EXPECT_EQ(keys().at("gate"), std::vector<std::byte>(32, std::byte{5}));
    EXPECT_NE(text(ask("GET", "/api/v1/enrolments")).find("\"from\": \"192.0.2.7:5\""), std::string::npos);
}

TEST_F(Enrolments, a_token_is_good_until_it_expires_or_is_taken_away) {
    make(R"({"stream":"live/gate","hours":1})");
    EXPECT_EQ(use("gate", std::byte{5}, 1h), 410);
    EXPECT_EQ(ask("DELETE", "/api/v1/enrolments/gate").status, 204);
    EXPECT_EQ(ask("DELETE", "/api/v1/enrolments/gate").status, 404);
    EXPECT_EQ(use("gate", std::byte{5}), 404);
    EXPECT_TRUE(keys().empty());
}

TEST_F(Enrolments, what_cannot_be_is_refused_in_words) {
    for (const std::string_view body :
         {"{}", R"({"stream":"a b"})", R"({"stream":"live/gate","hours":0})",
          R"({"stream":"live/gate","hours":9999})", R"({"stream":"live/gate","name":"a/b"})",
          R"({"stream":"live/gate","key":"00"})", "[]", R"({"stream":"live/gate","server":"a b"})",
          R"({"stream":"live/*"})"}) {
        EXPECT_EQ(ask("POST", "/api/v1/enrolments", std::string{body}).status, 422) << body;
    }
    ASSERT_EQ(ask("PUT", "/api/v1/users/gate", "{}").status, 201);
    EXPECT_EQ(ask("POST", "/api/v1/enrolments", R"({"stream":"live/gate"})").status, 409);
    link_port_ = 0;
    EXPECT_EQ(ask("POST", "/api/v1/enrolments", R"({"stream":"live/door"})").status, 409);
    EXPECT_TRUE(keys().empty());
}

struct Call {
    std::string_view method;
    std::string_view path;
    std::string_view body = {};
};
constexpr std::array calls{
    Call{"GET", "/api/v1/config"},
    Call{"PATCH", "/api/v1/config", "{}"},
    Call{"POST", "/api/v1/config/reload"},
    Call{"GET", "/api/v1/users"},
    Call{"GET", "/api/v1/users/cam"},
    Call{"PUT", "/api/v1/users/cam", "{}"},
    Call{"DELETE", "/api/v1/users/cam"},
    Call{"GET", "/api/v1/tokens"},
    Call{"PUT", "/api/v1/tokens/cam", "{}"},
    Call{"DELETE", "/api/v1/tokens/cam"},
    Call{"GET", "/api/v1/enrolments"},
    Call{"POST", "/api/v1/enrolments", R"({"stream":"live/gate"})"},
    Call{"DELETE", "/api/v1/enrolments/gate"},
    Call{"PUT", "/api/v1/streams/live/cam", "{}"},
    Call{"DELETE", "/api/v1/streams/live/cam"},
    Call{"POST", "/api/v1/recordings/live/cam", R"({"record":true})"},
};

TEST_F(ApiChanges, case_70_nothing_goes_without_a_credential) {
    request_.headers.front().value = "Bearer no";
    for (const Call& call : calls) {
        const web::Response response =
            ask(std::string{call.method}, std::string{call.path}, std::string{call.body});
        EXPECT_EQ(response.status, 401) << call.method << " " << call.path;
    }
    EXPECT_EQ(node_.storage.writes(), 0U);
}

TEST_F(ApiChanges, a_patch_changes_the_overlay_and_shows_where_values_come_from) {
    const web::Response response = ask("PATCH", "/api/v1/config", R"({"grace":"3s","hls":{"window":5}})");
    EXPECT_EQ(response.status, 200);
    const YamlNode document = *parse_json(text(response));
    EXPECT_EQ(find(*find(document, "values"), "grace")->text, "3s");
    EXPECT_EQ(find(*find(document, "origins"), "grace")->text, "overlay");
    EXPECT_EQ(find(*find(document, "origins"), "workers")->text, "option");
    EXPECT_EQ(json_text(*find(document, "overlay")),
              json_text(*parse_json(R"({"grace":"3s","hls":{"window":5}})")));
    EXPECT_EQ(node_.configuration().hls_window, 5U);
    EXPECT_EQ(ask("PATCH", "/api/v1/config", R"({"grace":null,"hls":{"window":null}})").status, 200);
    EXPECT_EQ(node_.configuration().grace, 10s);
    EXPECT_EQ(json_text(node_.realm.applied->state.overlay), "{}\n");
}

TEST_F(ApiChanges, a_command_switches_recording_in_the_streams_own_rule_and_leaves_the_rest_of_it) {
    ASSERT_EQ(ask("PUT", "/api/v1/streams/live/cam", R"({"source":"test:"})").status, 200);
    for (const bool on : {true, false}) {
        EXPECT_EQ(ask("POST", "/api/v1/recordings/live/cam", fmt::format(R"({{"record":{}}})", on)).status,
                  204);
        const std::vector<StreamRule>& rules = node_.configuration().streams;
        ASSERT_EQ(rules.size(), 1U);
        EXPECT_EQ(rules.front().pattern.text(), "live/cam");
        EXPECT_EQ(rules.front().record, on);
        EXPECT_FALSE(rules.front().source.empty());
    }
    const std::size_t writes = node_.storage.writes();
    for (const std::string_view body :
         {"{}", R"({"record":"true"})", R"({"record":1})", R"({"record":null})", "[]"}) {
        EXPECT_EQ(ask("POST", "/api/v1/recordings/live/cam", std::string{body}).status, 422) << body;
    }
    EXPECT_EQ(ask("POST", "/api/v1/recordings/live/cam", "record=true").status, 400);
    EXPECT_EQ(ask("POST", "/api/v1/recordings/live/../cam", R"({"record":true})").status, 400);
    EXPECT_EQ(node_.storage.writes(), writes);
}

TEST_F(ApiChanges, what_is_fixed_elsewhere_is_a_conflict_in_words) {
    const web::Response fixed = ask("PATCH", "/api/v1/config", R"({"workers":4})");
    EXPECT_EQ(fixed.status, 409);
    EXPECT_NE(text(fixed).find("workers is fixed by the option --set workers"), std::string::npos);
    EXPECT_EQ(ask("PATCH", "/api/v1/config", R"({"storage":{"path":"/x"}})").status, 409);
    EXPECT_EQ(ask("PATCH", "/api/v1/config", R"({"storage":{"objects":{"bucket":"b"}}})").status, 409);
    EXPECT_EQ(ask("PATCH", "/api/v1/config", R"({"storage":{"catalogue":{"node":"b"}}})").status, 409);
}

TEST_F(ApiChanges, case_65_bad_bodies_are_refused) {
    struct Row {
        std::string body;
        int status;
    };
    const std::array rows{
        Row{"", 400},
        Row{std::string(100'000, '['), 400},
        Row{R"({"grace":"1s","grace":"2s"})", 400},
        Row{R"({"workers":1e400})", 400},
        Row{"{\"grace\":\"\xC3\"}", 400},
        Row{"[]", 422},
        Row{R"({"graze":"1s"})", 422},
        Row{R"({"grace":10})", 422},
        Row{R"({"http.listen":"off"})", 422},
        Row{R"({"auth":{"users":[{"name":"a","password":"***"}]}})", 422},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(ask("PATCH", "/api/v1/config", row.body).status, row.status) << row.body.substr(0, 40);
    }
    EXPECT_EQ(node_.storage.writes(), 0U);
    request_.headers.push_back({"Content-Encoding", "gzip"});
    EXPECT_EQ(ask("PATCH", "/api/v1/config", "{}").status, 415) << "case 66";
    request_.headers.pop_back();
    request_.headers.back().value = "text/plain";
    EXPECT_EQ(ask("PATCH", "/api/v1/config", "{}").status, 415);
}

TEST_F(ApiChanges, a_users_password_is_hashed_and_never_shown) {
    EXPECT_EQ(
        ask("PUT", "/api/v1/users/cam", R"({"password":"correct horse","allow":["publish:live/*"]})").status,
        201);
    ASSERT_EQ(node_.configuration().users.size(), 1U);
    const std::string line = node_.configuration().users[0].password;
    EXPECT_TRUE(line.starts_with("$argon2id$"));
    EXPECT_EQ(node_.storage.text("state.json").find("correct horse"), std::string::npos);
    const web::Response changed = ask("PUT", "/api/v1/users/cam", R"({"allow":["play:*"]})");
    EXPECT_EQ(changed.status, 200);
    EXPECT_EQ(node_.configuration().users[0].password, line) << "it stays where none is given";
    EXPECT_EQ(grant_of(0), "play:*");
    for (const std::string_view path : {"/api/v1/users", "/api/v1/users/cam", "/api/v1/config"}) {
        const std::string shown = text(ask("GET", std::string{path}));
        EXPECT_EQ(shown.find("$argon2id$"), std::string::npos) << "case 69: " << shown;
        EXPECT_NE(shown.find("\"cam\""), std::string::npos);
    }
    EXPECT_EQ(ask("PUT", "/api/v1/users/cam", R"({"password":"battery staple","digest":true})").status, 200);
    const DigestSecrets digest = digest_secrets_of("cam", "battery staple");
    EXPECT_EQ(node_.configuration().users[0].digest.text(), digest.text());
    EXPECT_EQ(ask("PUT", "/api/v1/users/cam", R"({"allow":["play:*"]})").status, 200);
    EXPECT_EQ(node_.configuration().users[0].digest.text(), digest.text());
    EXPECT_EQ(text(ask("GET", "/api/v1/users/cam")).find(digest.md5), std::string::npos);
    EXPECT_EQ(ask("PUT", "/api/v1/users/cam", R"({"password":"correct horse"})").status, 200);
    EXPECT_FALSE(node_.configuration().users[0].digest) << "it was of the password before";
    EXPECT_EQ(ask("PUT", "/api/v1/users/cam", R"({"password":"short"})").status, 422);
    EXPECT_EQ(ask("PUT", "/api/v1/users/a b", "{}").status, 400);
    EXPECT_EQ(ask("PUT", "/api/v1/users/cam", R"({"name":"other"})").status, 422);
    EXPECT_EQ(ask("DELETE", "/api/v1/users/cam").status, 204);
    EXPECT_EQ(ask("DELETE", "/api/v1/users/cam").status, 404);
    EXPECT_EQ(ask("GET", "/api/v1/users/cam").status, 404);
}

TEST_F(ApiChanges, a_token_is_shown_once) {
    const web::Response made = ask("PUT", "/api/v1/tokens/door", R"({"allow":["play:live/*"]})");
    EXPECT_EQ(made.status, 201);
    const YamlNode document = *parse_json(text(made));
    const std::string token = find(document, "token")->text;
    EXPECT_EQ(token.size(), 32U);
    EXPECT_EQ(node_.storage.text("state.json").find(token), std::string::npos);
    EXPECT_EQ(text(ask("GET", "/api/v1/tokens")).find(token), std::string::npos);
    const auto before = node_.configuration().tokens.at(0).sha256;
    EXPECT_EQ(ask("PUT", "/api/v1/tokens/door", "{}").status, 200);
    EXPECT_NE(node_.configuration().tokens.at(0).sha256, before) << "it is another one now";
    EXPECT_EQ(ask("DELETE", "/api/v1/tokens/door").status, 204);
    EXPECT_TRUE(node_.configuration().tokens.empty());
}

TEST_F(ApiChanges, a_sources_secret_is_never_shown_and_may_be_sent_back_masked) {
    constexpr std::string_view source = "http://me:s3cr3t@10.0.0.9/video";
    const web::Response put =
        ask("PUT", "/api/v1/streams/live/cam", fmt::format(R"({{"source":"{}"}})", source));
    EXPECT_EQ(put.status, 200) << text(put);
    for (const std::string& shown : {text(put), text(ask("GET", "/api/v1/config"))}) {
        EXPECT_EQ(shown.find("s3cr3t"), std::string::npos) << shown;
        EXPECT_NE(shown.find("http://me:***@10.0.0.9/video"), std::string::npos);
    }
    const auto again = ask("PUT", "/api/v1/streams/live/cam",
                           R"({"source":"http://me:***@10.0.0.9/video","on_demand":true})");
    EXPECT_EQ(again.status, 200) << text(again);
    EXPECT_EQ(node_.configuration().streams.at(0).source, source);
    EXPECT_EQ(node_.configuration().streams.at(0).on_demand, true);
}

TEST_F(ApiChanges, row_3_25_the_secrets_of_a_list_are_masked_and_kept_each_for_itself) {
    const std::string list =
        R"(["http://me:s3cr3t@10.0.0.9/a","http://10.0.0.9/user=a_password='0th3r'_b=1"])";
    EXPECT_EQ(ask("PUT", "/api/v1/streams/live/cam", R"({"source":)" + list + "}").status, 200);
    const std::string shown = text(ask("GET", "/api/v1/config"));
    EXPECT_EQ(shown.find("s3cr3t"), std::string::npos) << shown;
    EXPECT_EQ(shown.find("0th3r"), std::string::npos) << shown;
    const auto again =
        ask("PUT", "/api/v1/streams/live/cam",
            R"({"source":["http://10.0.0.9/user=a_password='***'_b=1","http://me:***@10.0.0.9/a","test:"]})");
    EXPECT_EQ(again.status, 200) << text(again);
    const StreamRule& rule = node_.configuration().streams.at(0);
    EXPECT_EQ(rule.source, "http://10.0.0.9/user=a_password='0th3r'_b=1");
    EXPECT_EQ(rule.other_sources, (std::vector<std::string>{"http://me:s3cr3t@10.0.0.9/a", "test:"}));
}

TEST_F(ApiChanges, row_3_25_a_destinations_secret_is_never_shown_and_may_be_sent_back_masked) {
    const std::vector<std::string> to{"rtmp://h/live2/s3cr3t", "rtmp://h/live2/s3cr3t2",
                                      "tcp://me:s3cr3t@10.0.0.9:5"};
    const web::Response put = ask("PUT", "/api/v1/streams/live/cam",
                                  fmt::format(R"({{"forward":["{}","{}","{}"]}})", to[0], to[1], to[2]));
    EXPECT_EQ(put.status, 200) << text(put);
    for (const std::string& shown : {text(put), text(ask("GET", "/api/v1/config"))}) {
        EXPECT_EQ(shown.find("s3cr3t"), std::string::npos) << shown;
        EXPECT_NE(shown.find("rtmp://h/live2/***"), std::string::npos);
    }
    const auto again = ask(
        "PUT", "/api/v1/streams/live/cam",
        R"({"forward":["rtmp://h/live2/***","rtmp://h/live2/***","tcp://me:***@10.0.0.9:5","tcp://h:1"]})");
    EXPECT_EQ(again.status, 200) << text(again);
    const std::vector<std::string>& held = node_.configuration().streams.at(0).forward;
    ASSERT_EQ(held.size(), 4U);
    EXPECT_TRUE(std::equal(to.begin(), to.end(), held.begin()));
    const auto single = ask("PUT", "/api/v1/streams/live/cam", R"({"forward":"rtmp://h/live2/***"})");
    EXPECT_EQ(single.status, 200) << text(single);
    EXPECT_EQ(node_.configuration().streams.at(0).forward, std::vector<std::string>{to[0]});
}

TEST_F(ApiChanges, a_streams_rule_is_put_and_taken_away) {
    EXPECT_EQ(ask("PUT", "/api/v1/streams/live/cam", R"({"source":"test:"})").status, 200);
    ASSERT_EQ(node_.configuration().streams.size(), 1U);
    EXPECT_EQ(node_.configuration().streams[0].source, "test:");
    EXPECT_EQ(ask("PUT", "/api/v1/streams/live/cam", R"({"source":"gopher:"})").status, 422);
    EXPECT_EQ(ask("PUT", "/api/v1/streams/live/cam", R"({"forward":"file:/srv/a.ts"})").status, 422);
    EXPECT_EQ(ask("PUT", "/api/v1/streams/live/cam.flv", "{}").status, 400);
    EXPECT_EQ(ask("DELETE", "/api/v1/streams/live/cam").status, 204);
    EXPECT_TRUE(node_.configuration().streams.empty());
    EXPECT_EQ(ask("DELETE", "/api/v1/streams/live/cam").status, 404);
}

TEST_F(ApiChanges, what_the_file_has_is_taken_out_there) {
    node_.sources.file_name = "m.yaml";
    node_.sources.file_text = "streams: { a: {} }\nauth: { users: [ { name: u, allow: [ \"admin:*\" ] } ] }";
    node_.start();
    const web::Response stream = ask("DELETE", "/api/v1/streams/a");
    EXPECT_EQ(stream.status, 409);
    EXPECT_NE(text(stream).find("it stands in m.yaml; take it out there"), std::string::npos);
    EXPECT_EQ(ask("DELETE", "/api/v1/users/u").status, 409);
    EXPECT_EQ(ask("PUT", "/api/v1/users/u", R"({"allow":["admin:*","play:*"]})").status, 200);
    EXPECT_EQ(node_.configuration().users.at(0).allow.size(), 2U) << "the overlay's stands before the file's";
    EXPECT_EQ(ask("DELETE", "/api/v1/users/u").status, 204);
    EXPECT_EQ(node_.configuration().users.at(0).allow.size(), 1U) << "the file's holds again";
}

}   // namespace
}   // namespace millrace::control
