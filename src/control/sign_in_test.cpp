#include "control/sign_in.hpp"

#include "control/cookie.hpp"
#include "control/gate_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using hub::Action;
using namespace testing;

Configuration house() {
    Configuration configuration;
    configuration.users = {user("boss", "my house", {grant(Action::admin, "*"), grant(Action::play, "*")})};
    configuration.tokens = {token("door", "a-token", {grant(Action::play, "live/a")})};
    configuration.hosts = {"video.example.org"};
    return configuration;
}

/// A browser at the page of http://127.0.0.1:8080.
class Browser {
public:
    explicit Browser(Doorway& door) : door_{door} {}

    web::Response ask(std::string method, std::string path, std::string body = {}) {
        web::Request request{.method = std::move(method), .path = std::move(path), .body = std::move(body)};
        request.peer = {"192.0.2.9", 4000};
        request.encrypted = encrypted;
        request.headers = {{"Host", host}, {"Content-Type", type}};
        const auto add = [&](std::string name, const std::string& value) {
            if (!value.empty()) {
                request.headers.push_back({std::move(name), value});
            }
        };
        add("Origin", origin);
        add("Cookie", cookie.empty() ? "" : "millrace=" + cookie);
        add("X-CSRF-Token", csrf);
        return answer(request);
    }
    /// Signs in and keeps what a browser and its page would.
    void sign_in() {
        const web::Response response = ask("POST", "/login", "user=boss&pass=my+house");
        const std::string set = header(response, "Set-Cookie");
        cookie = set.substr(9, set.find(';') - 9);
        const std::string_view text = as_text(response.body);
        csrf = text.substr(text.find("\"csrf\": \"") + 9, 64);
    }
    hub::Petition petition(Action action, std::string stream, bool changes) const {
        return {.action = action,
                .stream = std::move(stream),
                .protocol = "http",
                .peer = {"192.0.2.9", 4000},
                .encrypted = encrypted,
                .query = {},
                .authorization = {},
                .cookie = "millrace=" + cookie,
                .host = host,
                .origin = origin,
                .csrf_token = csrf,
                .changes = changes};
    }
    static std::string header(const web::Response& response, std::string_view name) {
        for (const auto& one : response.headers) {
            if (one.name == name) {
                return one.value;
            }
        }
        return {};
    }

    std::string host = "127.0.0.1:8080";
    std::string origin = "http://127.0.0.1:8080";
    std::string type = "application/x-www-form-urlencoded";
    std::string cookie;
    std::string csrf;
    bool encrypted = false;

private:
    web::Response answer(const web::Request& request) {
        std::optional<web::Response> response;
        door_.asker.run([&] { door_.asker.tasks().spawn(run(request, response)); });
        door_.time.settle();
        return response ? std::move(*response) : web::Response{.status = 0};
    }
    Task<> run(const web::Request& request, std::optional<web::Response>& into) {
        for (const web::Route& route : routes_) {
            if (route.matches(request.path) && route.methods.front() == request.method) {
                web::Response response = co_await route.answer(request, door_.asker);
                into.emplace(std::move(response));
            }
        }
    }

    Doorway& door_;
    std::vector<web::Route> routes_ = sign_in_routes(door_.gate);
};

TEST(SignIn, gives_a_cookie_that_lets_the_page_in) {
    Doorway door{house()};
    Browser browser{door};
    EXPECT_EQ(browser.ask("GET", "/api/v1/session").status, 401);
    const web::Response response = browser.ask("POST", "/login", "user=boss&pass=my+house");
    EXPECT_EQ(response.status, 200);
    const std::string cookie = Browser::header(response, "Set-Cookie");
    EXPECT_TRUE(cookie.starts_with("millrace=u:boss:")) << cookie;
    EXPECT_TRUE(cookie.ends_with("; HttpOnly; SameSite=Strict; Path=/; Max-Age=43200")) << cookie;
    EXPECT_EQ(Browser::header(response, "Cache-Control"), "no-store");
    browser.sign_in();
    EXPECT_TRUE(door.decide(browser.petition(Action::play, "live/a", false)));
    EXPECT_EQ(door.decide(browser.petition(Action::play, "live/a", false))->identity.name, "user boss");
    const web::Response session = browser.ask("GET", "/api/v1/session");
    EXPECT_EQ(session.status, 200);
    EXPECT_EQ(as_text(session.body),
              R"({"kind": "user", "user": "boss", "actions": ["play", "admin"], "admin": true, "csrf": ")" +
                  browser.csrf + "\"}\n");
}

TEST(SignIn, takes_json_and_tokens_too_and_keeps_the_cookie_to_tls) {
    Doorway door{house()};
    Browser browser{door};
    browser.type = "application/json";
    browser.encrypted = true;
    browser.origin = "https://127.0.0.1:8080";
    EXPECT_EQ(browser.ask("POST", "/login", R"({"user": "boss", "pass": "my house"})").status, 200);
    const web::Response response = browser.ask("POST", "/login", R"({"token": "a-token"})");
    EXPECT_EQ(response.status, 200);
    EXPECT_TRUE(Browser::header(response, "Set-Cookie").ends_with("; Secure"));
    EXPECT_TRUE(Browser::header(response, "Set-Cookie").starts_with("millrace=t:door:"));
}

TEST(SignIn, says_what_is_wrong) {
    Doorway door{house()};
    Browser browser{door};
    EXPECT_EQ(browser.ask("POST", "/login", "user=boss&pass=wrong").status, 401);
    EXPECT_EQ(browser.ask("POST", "/login", "user=boss").status, 400);
    EXPECT_EQ(browser.ask("POST", "/login", "").status, 400);
    EXPECT_EQ(browser.ask("POST", "/login", "user=%zz&pass=").status, 400);
    browser.type = "application/json";
    EXPECT_EQ(browser.ask("POST", "/login", "[]").status, 400);
    EXPECT_EQ(browser.ask("POST", "/login", "{\"user\": \"boss\"").status, 400);
    browser.type = "text/plain";
    EXPECT_EQ(browser.ask("POST", "/login", "{}").status, 415);
}

TEST(SignIn, case_77_guesses_at_the_page_are_limited_too) {
    Doorway door{house()};
    Browser browser{door};
    for (std::size_t i = 0; i < Failures::failures_max; ++i) {
        EXPECT_EQ(browser.ask("POST", "/login", fmt::format("user=boss&pass={}", i)).status, 401);
    }
    EXPECT_EQ(browser.ask("POST", "/login", "user=boss&pass=my+house").status, 429);
}

TEST(SignIn, ends_when_it_is_said_or_after_twelve_hours_or_with_the_password) {
    Doorway door{house()};
    Browser browser{door};
    browser.sign_in();
    const web::Response bye = browser.ask("POST", "/logout");
    EXPECT_EQ(bye.status, 204);
    EXPECT_TRUE(Browser::header(bye, "Set-Cookie").starts_with("millrace=; "));
    EXPECT_TRUE(Browser::header(bye, "Set-Cookie").ends_with("Max-Age=0"));
    const hub::Petition petition = browser.petition(Action::play, "live/a", false);
    EXPECT_TRUE(door.decide(petition));
    Configuration changed = house();
    changed.users = {user("boss", "another", changed.users[0].allow)};
    door.use(changed);
    EXPECT_EQ(code(door.decide(petition)), Errc::unauthenticated);
    door.use(house());
    EXPECT_TRUE(door.decide(petition));
    door.time.run_for(sign_in_lasts);
    EXPECT_EQ(code(door.decide(petition)), Errc::unauthenticated);
}

TEST(SignIn, case_62_a_change_by_cookie_needs_the_pages_own_token) {
    Doorway door{house()};
    Browser browser{door};
    browser.sign_in();
    EXPECT_TRUE(door.decide(browser.petition(Action::admin, "", true)));
    browser.origin.clear();   // old browsers leave it out
    EXPECT_TRUE(door.decide(browser.petition(Action::admin, "", true)));
    const std::string right = std::exchange(browser.csrf, "");
    EXPECT_EQ(code(door.decide(browser.petition(Action::admin, "", true))), Errc::refused);
    browser.csrf = std::string(64, '0');
    EXPECT_EQ(code(door.decide(browser.petition(Action::admin, "", true))), Errc::refused);
    EXPECT_TRUE(door.decide(browser.petition(Action::admin, "", false)));
    browser.cookie = sign_cookie(sha256("cookies"), {"user boss", 1}, {INT64_MAX});
    browser.csrf = right;
    EXPECT_EQ(code(door.decide(browser.petition(Action::admin, "", true))), Errc::unauthenticated);
}

struct Place {
    const char* host;
    const char* origin;
    bool encrypted;
    bool may_change;
    bool cookie_counts;
};

TEST(SignIn, case_61_a_page_of_another_site_or_under_a_name_not_ours_may_do_nothing) {
    Configuration configuration = house();
    configuration.cors = {"https://shop.example.org"};
    Doorway door{configuration};
    Browser browser{door};
    browser.sign_in();
    constexpr std::array places{
        Place{"127.0.0.1:8080", "http://127.0.0.1:8080", false, true, true},
        Place{"127.0.0.1:8080", "", false, true, true},
        Place{"[::1]:8080", "http://[::1]:8080", false, true, true},
        Place{"localhost", "http://localhost", false, true, true},
        Place{"LocalHost:1", "", false, true, true},
        Place{"den:8080", "http://den:8080", false, true, true},
        Place{"Video.Example.org", "https://video.example.org", true, true, true},
        Place{"127.0.0.1:8080", "https://shop.example.org", false, true, true},
        Place{"127.0.0.1:8080", "http://127.0.0.1:8081", false, false, false},
        Place{"127.0.0.1:8080", "https://127.0.0.1:8080", false, false, false},
        Place{"127.0.0.1:8080", "http://evil.example", false, false, false},
        Place{"127.0.0.1:8080", "null", false, false, false},
        Place{"127.0.0.1:8080", "*", false, false, false},
        Place{"evil.example", "http://evil.example", false, false, false},
        Place{"evil.example", "", false, false, false},
        Place{"localhost.evil.example", "", false, false, false},
        Place{"127.0.0.1.evil.example", "", false, false, false},
        Place{"127.0.0.1@evil.example", "", false, false, false},
        Place{"1.2.3.4.5", "", false, false, false},
        Place{"[::1", "", false, false, false},
        Place{"[evil]", "", false, false, false},
        Place{"localhost:80a", "", false, false, false},
        Place{"", "", false, false, false},
    };
    for (const Place& place : places) {
        browser.host = place.host;
        browser.origin = place.origin;
        browser.encrypted = place.encrypted;
        EXPECT_EQ(door.decide(browser.petition(Action::admin, "", true)).has_value(), place.may_change)
            << place.host << ' ' << place.origin;
        EXPECT_EQ(door.decide(browser.petition(Action::play, "a", false)).has_value(), place.cookie_counts)
            << place.host << ' ' << place.origin;
        EXPECT_EQ(browser.ask("POST", "/login", "token=a-token").status, place.may_change ? 200 : 403)
            << place.host << ' ' << place.origin;
        EXPECT_EQ(browser.ask("POST", "/logout").status, place.may_change ? 204 : 403);
    }
}

TEST(SignIn, case_61_a_star_in_http_cors_lets_no_page_change_anything) {
    Doorway door{house()};
    Browser browser{door};
    browser.sign_in();
    browser.origin = "http://evil.example";
    EXPECT_EQ(code(door.decide(browser.petition(Action::admin, "", true))), Errc::refused);
    EXPECT_EQ(code(door.decide(browser.petition(Action::play, "a", false))), Errc::unauthenticated);
    // Even with a proof in the header, which a browser may add by itself too.
    hub::Petition petition = browser.petition(Action::admin, "", true);
    petition.authorization = "Bearer a-token";
    EXPECT_EQ(code(door.decide(petition)), Errc::refused);
}

TEST(Cookie, that_was_touched_is_nobodys) {
    const Digest key = sha256("key");
    const WallTime now{1'800'000'000'000'000};
    const WallTime later{now.microseconds + 1'000'000};
    const hub::Identity boss{"user boss", 0xFEED};
    const std::string cookie = sign_cookie(key, boss, later);
    EXPECT_EQ(read_cookie(key, cookie, now), boss);
    EXPECT_EQ(read_cookie(key, cookie, later), std::nullopt);
    EXPECT_EQ(read_cookie(sha256("other"), cookie, now), std::nullopt);
    EXPECT_EQ(read_cookie(key, "", now), std::nullopt);
    EXPECT_EQ(read_cookie(key, csrf_token_of(key, cookie), now), std::nullopt);
    for (std::size_t i = 0; i < cookie.size(); ++i) {
        std::string touched = cookie;
        touched[i] = touched[i] == '1' ? '2' : '1';
        EXPECT_EQ(read_cookie(key, touched, now), std::nullopt) << touched;
        EXPECT_EQ(read_cookie(key, cookie.substr(0, i), now), std::nullopt);
    }
}

}   // namespace
}   // namespace millrace::control
