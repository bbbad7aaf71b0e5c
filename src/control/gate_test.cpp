#include "control/gate.hpp"

#include "control/gate_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using hub::Action;
using namespace testing;

Configuration house() {
    Configuration configuration;
    configuration.users = {
        user("cam", "let me in", {grant(Action::publish, "live/*")}),
        user("viewer", "show me", {grant(Action::play, "live/*")}),
        user("boss", "my house", {grant(Action::admin, "*"), grant(Action::play, "*")}),
        user("anyone", "", {grant(Action::play, "public/*")}),
    };
    configuration.tokens = {token("door", "a-token", {grant(Action::play, "live/a")})};
    return configuration;
}

hub::Petition as(hub::Petition petition, Action action) {
    petition.action = action;
    return petition;
}

hub::Petition from(hub::Petition petition, std::string address) {
    petition.peer.address = std::move(address);
    return petition;
}

TEST(Gate, nobody_gets_in_before_it_has_a_policy) {
    VirtualTime time;
    VirtualExecutor& executor = time.add_executor();
    VirtualBackground hashing{executor};
    SeededRandom random{1};
    Gate gate{executor, hashing, random, {}};
    Answer<hub::Admitted> answer{executor};
    std::optional<Errc> refused;
    gate.decide(player("live/a"), answer.reply());
    time.settle();
    executor.run([&] {
        executor.tasks().spawn([](Answer<hub::Admitted>& its, std::optional<Errc>& into) -> Task<> {
            const Result<hub::Admitted> given = co_await its.within(Instant::never());
            into = code(given);
        }(answer, refused));
    });
    EXPECT_EQ(refused, Errc::unauthenticated);
}

struct Row {
    const char* what;
    Action action;
    const char* stream;
    const char* query;
    Errc refused;   ///< would_block: let in
};

constexpr Errc let_in = Errc::would_block;

class GateRow : public ::testing::TestWithParam<Row> {};

TEST_P(GateRow, case_74_a_grant_reaches_as_far_as_it_says) {
    const Row& row = GetParam();
    Doorway door{house()};
    EXPECT_EQ(code(door.decide(as(player(row.stream, row.query), row.action))), row.refused) << row.what;
}

INSTANTIATE_TEST_SUITE_P(
    Grants, GateRow,
    ::testing::Values(
        Row{"no proof", Action::play, "live/a", "", Errc::unauthenticated},
        Row{"no proof, a public stream", Action::play, "public/a", "", let_in},
        Row{"no proof, publishing there", Action::publish, "public/a", "", Errc::unauthenticated},
        Row{"a user", Action::play, "live/a", "user=viewer&pass=show+me", let_in},
        Row{"a user, percent-encoded", Action::play, "live/a/b", "user=viewer&pass=show%20me", let_in},
        Row{"a publisher", Action::publish, "live/a", "user=cam&pass=let+me+in", let_in},
        Row{"a publisher watches", Action::play, "live/a", "user=cam&pass=let+me+in", Errc::refused},
        Row{"a viewer publishes", Action::publish, "live/a", "user=viewer&pass=show+me", Errc::refused},
        Row{"a viewer asks the API", Action::admin, "", "user=viewer&pass=show+me", Errc::refused},
        Row{"a viewer asks for the archive", Action::archive, "live/a", "user=viewer&pass=show+me",
            Errc::refused},
        Row{"an administrator", Action::admin, "", "user=boss&pass=my+house", let_in},
        Row{"an administrator publishes", Action::publish, "live/a", "user=boss&pass=my+house",
            Errc::refused},
        Row{"a token", Action::play, "live/a", "token=a-token", let_in},
        Row{"a token, another stream", Action::play, "live/b", "token=a-token", Errc::refused},
        Row{"a token, below its stream", Action::play, "live/a/x", "token=a-token", Errc::refused},
        Row{"a token, another case", Action::play, "live/A", "token=a-token", Errc::refused},
        Row{"a token, an escape for a slash", Action::play, "live%2Fa", "token=a-token", Errc::refused},
        Row{"a token, publishing", Action::publish, "live/a", "token=a-token", Errc::refused},
        Row{"a token, the API", Action::admin, "", "token=a-token", Errc::refused},
        Row{"a token, a public stream", Action::play, "public/a", "token=a-token", let_in},
        Row{"a wrong token", Action::play, "live/a", "token=b-token", Errc::unauthenticated},
        Row{"a wrong token for what anyone may", Action::play, "public/a", "token=b", Errc::unauthenticated},
        Row{"a wrong password", Action::play, "live/a", "user=viewer&pass=show", Errc::unauthenticated},
        Row{"another user's", Action::play, "live/a", "user=viewer&pass=let+me+in", Errc::unauthenticated},
        Row{"an unknown user", Action::play, "live/a", "user=you&pass=show+me", Errc::unauthenticated},
        Row{"anyone has no password", Action::play, "public/a", "user=anyone&pass=", Errc::unauthenticated},
        Row{"user without pass", Action::play, "live/a", "user=viewer", Errc::malformed},
        Row{"two proofs", Action::play, "live/a", "user=viewer&pass=show+me&token=a-token",
            Errc::malformed}));

TEST(Gate, says_who_was_let_in_and_whether_anyone_would_have_been) {
    Doorway door{house()};
    const auto viewer = door.decide(player("live/a", "user=viewer&pass=show+me"));
    EXPECT_EQ(viewer->identity.name, "user viewer");
    EXPECT_NE(viewer->identity.credential, 0U);
    EXPECT_FALSE(viewer->anyone);
    EXPECT_TRUE(door.decide(player("public/a", "token=a-token"))->anyone);
    const auto stranger = door.decide(player("public/a"));
    EXPECT_EQ(stranger->identity, anyone());
    EXPECT_TRUE(stranger->anyone);
}

TEST(Gate, a_user_that_its_channel_proved_is_let_in_by_its_grants_and_no_other) {
    Doorway door{house()};
    hub::Petition petition = player("live/a");
    petition.proven_user = "viewer";
    EXPECT_EQ(door.decide(petition)->identity.name, "user viewer");
    petition.action = hub::Action::publish;
    EXPECT_EQ(code(door.decide(petition)), Errc::refused);
    petition.proven_user = "nobody here";
    EXPECT_EQ(code(door.decide(petition)), Errc::unauthenticated);
}

TEST(Gate, case_78_coming_back_without_a_proof_is_refused) {
    Doorway door{house()};
    hub::Petition camera = as(player("live/a", "user=cam&pass=let+me+in"), Action::publish);
    EXPECT_TRUE(door.decide(camera));
    camera.query.clear();
    EXPECT_EQ(code(door.decide(camera)), Errc::unauthenticated);
}

TEST(Gate, ten_thousand_requests_with_one_password_cost_one_argon2id) {
    Doorway door{house()};
    hub::Petition request = player("live/a");
    request.authorization = "Basic dmlld2VyOnNob3cgbWU=";
    for (int i = 0; i < 10'000; ++i) {
        ASSERT_TRUE(door.decide(request));
    }
    EXPECT_EQ(door.hashing.done(), 1U);
    door.time.run_for(ProofChecks::remembered_for);
    EXPECT_TRUE(door.decide(request));
    EXPECT_EQ(door.hashing.done(), 2U);
}

TEST(Gate, many_with_the_same_new_password_wait_for_one_argon2id) {
    Doorway door{house()};
    std::vector<std::unique_ptr<Answer<hub::Admitted>>> answers;
    for (std::size_t i = 0; i < 2 * ProofChecks::waiting_max; ++i) {
        answers.push_back(std::make_unique<Answer<hub::Admitted>>(door.asker));
        door.gate.decide(player("live/a", "user=viewer&pass=show+me"), answers.back()->reply());
    }
    std::size_t in = 0;
    std::size_t sent_away = 0;
    for (const auto& answer : answers) {
        const Result<hub::Admitted> given = door.wait_for(*answer);
        in += given ? 1 : 0;
        sent_away += code(given) == Errc::exhausted ? 1 : 0;
    }
    EXPECT_EQ(door.hashing.done(), 1U);
    EXPECT_GE(in, ProofChecks::waiting_max);
    EXPECT_EQ(in + sent_away, answers.size());
}

TEST(Gate, case_77_ten_wrong_passwords_a_minute_are_looked_at) {
    Doorway door{house()};
    EXPECT_TRUE(door.decide(player("live/a", "user=viewer&pass=show+me")));
    std::size_t wrong = 0;
    std::size_t throttled = 0;
    for (int i = 0; i < 10'000; ++i) {
        const Errc refused =
            code(door.decide(player("live/a", fmt::format("user=user{}&pass={}", i % 7, i))));
        wrong += refused == Errc::unauthenticated ? 1 : 0;
        throttled += refused == Errc::throttled ? 1 : 0;
    }
    EXPECT_EQ(wrong, Failures::failures_max);
    EXPECT_EQ(throttled, 10'000 - Failures::failures_max);
    EXPECT_EQ(door.hashing.done(), 1 + Failures::failures_max);
    // Tokens are guessed no faster, and who is known already is not held up.
    EXPECT_EQ(code(door.decide(player("live/a", "token=a-token"))), Errc::throttled);
    EXPECT_TRUE(door.decide(player("live/a", "user=viewer&pass=show+me")));
    // Nor is anybody elsewhere, whatever name the guesses were made with.
    EXPECT_TRUE(door.decide(from(player("live/a", "user=boss&pass=my+house"), "192.0.2.2")));
    EXPECT_TRUE(door.decide(player("public/a")));
    door.time.run_for(Failures::window);
    EXPECT_TRUE(door.decide(player("live/a", "token=a-token")));
}

TEST(Gate, case_77_a_whole_ipv6_network_of_64_bits_is_one_address) {
    Doorway door{house()};
    for (std::size_t i = 0; i < Failures::failures_max; ++i) {
        const std::string address = fmt::format("2001:db8::{:x}", i + 1);
        EXPECT_EQ(code(door.decide(from(player("live/a", fmt::format("token={}", i)), address))),
                  Errc::unauthenticated);
    }
    EXPECT_EQ(code(door.decide(from(player("live/a", "token=x"), "2001:db8::ffff"))), Errc::throttled);
    EXPECT_TRUE(door.decide(from(player("live/a", "token=a-token"), "2001:db8:0:1::1")));
}

TEST(Gate, the_same_wrong_password_again_costs_nothing_and_holds_up_no_neighbour) {
    Doorway door{house()};
    const hub::Petition old_camera = player("live/a", "user=cam&pass=old");
    for (std::size_t i = 0; i < Failures::failures_max; ++i) {
        EXPECT_EQ(code(door.decide(old_camera)), Errc::unauthenticated);
    }
    EXPECT_EQ(code(door.decide(old_camera)), Errc::throttled);
    EXPECT_EQ(door.hashing.done(), 1U);
    EXPECT_TRUE(door.decide(player("live/a", "user=viewer&pass=show+me")));
}

TEST(Gate, more_newcomers_of_one_address_than_may_fail_wait_for_their_turn) {
    Configuration configuration;
    for (int i = 0; i < 30; ++i) {
        configuration.users.push_back(user(fmt::format("u{}", i), "pw", {grant(Action::play, "*")}));
    }
    Doorway door{configuration};
    std::vector<std::unique_ptr<Answer<hub::Admitted>>> answers;
    for (int i = 0; i < 30; ++i) {
        answers.push_back(std::make_unique<Answer<hub::Admitted>>(door.asker));
        door.gate.decide(player("live/a", fmt::format("user=u{}&pass=pw", i)), answers.back()->reply());
    }
    for (const auto& answer : answers) {
        EXPECT_TRUE(door.wait_for(*answer));
    }
    EXPECT_EQ(door.hashing.done(), 30U);
}

TEST(Gate, too_many_passwords_at_once_are_told_to_come_again) {
    Doorway door{house(), 0};
    EXPECT_EQ(code(door.decide(player("live/a", "user=viewer&pass=show+me"))), Errc::exhausted);
    EXPECT_TRUE(door.decide(player("live/a", "token=a-token")));
}

TEST(Gate, case_76_a_new_policy_holds_at_once_for_newcomers) {
    Doorway door{house()};
    const hub::Petition viewer = player("live/a", "user=viewer&pass=show+me");
    EXPECT_TRUE(door.decide(viewer));
    Configuration changed = house();
    changed.users[1] = user("viewer", "another", {grant(Action::play, "live/*")});
    door.use(changed);
    EXPECT_EQ(code(door.decide(viewer)), Errc::unauthenticated);
    EXPECT_TRUE(door.decide(player("live/a", "user=viewer&pass=another")));
    changed.users.clear();
    changed.tokens.clear();
    door.use(changed);
    EXPECT_EQ(code(door.decide(player("live/a", "token=a-token"))), Errc::unauthenticated);
    EXPECT_EQ(code(door.decide(player("public/a"))), Errc::unauthenticated);
    door.use(house());
    EXPECT_TRUE(door.decide(player("live/a", "token=a-token")));
}

TEST(Gate, an_expired_token_is_refused_even_if_it_is_remembered) {
    Configuration configuration = house();
    Doorway door{configuration};
    const std::int64_t now = door.time.utc().microseconds;
    configuration.tokens[0].expires = WallTime{now + 60'000'000};
    door.use(configuration);
    EXPECT_TRUE(door.decide(player("live/a", "token=a-token")));
    door.time.run_for(60s);
    EXPECT_EQ(code(door.decide(player("live/a", "token=a-token"))), Errc::unauthenticated);
}

TEST(Gate, an_open_node_lets_anyone_publish_and_watch_but_change_nothing) {
    Configuration configuration;
    configuration.open = true;
    Doorway door{configuration};
    EXPECT_TRUE(door.decide(player("live/a"))->anyone);
    EXPECT_TRUE(door.decide(as(player("live/a"), Action::publish)));
    EXPECT_TRUE(door.decide(as(player(""), Action::admin)));
    // Whatever somebody sends along, there is nothing to prove.
    EXPECT_TRUE(door.decide(player("live/a", "user=viewer")));
    hub::Petition change = as(player(""), Action::admin);
    change.changes = true;
    change.host = "127.0.0.1:8080";
    EXPECT_EQ(code(door.decide(change)), Errc::unauthenticated);
    configuration.users = {user("boss", "my house", {grant(Action::admin, "*")})};
    door.use(configuration);
    change.query = "user=boss&pass=my+house";
    EXPECT_TRUE(door.decide(change));
    EXPECT_EQ(code(door.decide(player("live/a", "user=boss&pass=x"))), Errc::unauthenticated);
}

TEST(Gate, of_streams_in_general_it_says_which) {
    Doorway door{house()};
    hub::Petition petition = player("", "token=a-token");
    petition.of_some = true;
    const Result<hub::Admitted> admitted = door.decide(petition);
    ASSERT_TRUE(admitted);
    EXPECT_TRUE(admitted->may(Action::play, "live/a"));
    EXPECT_FALSE(admitted->may(Action::play, "other/b"));
    EXPECT_FALSE(admitted->may(Action::admin, ""));
    petition.query = "token=wrong";
    EXPECT_EQ(code(door.decide(petition)), Errc::unauthenticated);
}

TEST(Gate, of_streams_in_general_who_may_play_none_is_refused_unless_it_administers) {
    Configuration configuration;
    configuration.users = {user("cam", "my house", {grant(Action::publish, "*")}),
                           user("boss", "my house", {grant(Action::admin, "*")})};
    Doorway door{configuration};
    const auto ask = [&](std::string query) {
        hub::Petition petition = player("", std::move(query));
        petition.of_some = true;
        return door.decide(petition);
    };
    EXPECT_EQ(code(ask("")), Errc::unauthenticated);
    EXPECT_EQ(code(ask("user=cam&pass=my+house")), Errc::refused);
    const Result<hub::Admitted> boss = ask("user=boss&pass=my+house");
    ASSERT_TRUE(boss);
    EXPECT_TRUE(boss->may(Action::admin, ""));
}

/// What the gate says on the asker's thread: "no word" where its home must be asked.
std::string at_once(Doorway& door, const hub::Petition& petition) {
    const auto known = door.gate.decide_now(petition);
    if (!known) {
        return "no word";
    }
    return *known ? (*known)->identity.name : "refused";
}

TEST(Gate, what_needs_no_proof_is_decided_where_it_is_asked) {
    Doorway door{house()};
    EXPECT_EQ(at_once(door, player("public/a")), "anyone");
    EXPECT_EQ(at_once(door, player("live/a")), "refused");
    Configuration other = house();
    other.users.pop_back();   // anyone
    door.use(other);
    EXPECT_EQ(at_once(door, player("public/a")), "refused");
}

TEST(Gate, a_proof_that_held_is_known_where_it_is_asked_until_it_holds_no_more) {
    for (const std::string query : {"token=a-token", "user=viewer&pass=show+me"}) {
        Doorway door{house()};
        EXPECT_EQ(at_once(door, player("live/a", query)), "no word");
        EXPECT_TRUE(door.decide(player("live/a", query)));
        const std::string name = query.starts_with("token") ? "token door" : "user viewer";
        EXPECT_EQ(at_once(door, player("live/a", query)), name);
        EXPECT_EQ(at_once(door, player("other/a", query)), "refused");
        EXPECT_EQ(at_once(door, player("live/a", query + "x")), "no word");
        door.time.run_for(ProofChecks::remembered_for);
        EXPECT_EQ(at_once(door, player("live/a", query)), "no word");
        EXPECT_TRUE(door.decide(player("live/a", query)));
        Configuration changed = house();
        changed.users[1] = user("viewer", "show me more", {grant(Action::play, "live/*")});
        changed.tokens = {token("door", "another", {grant(Action::play, "live/a")})};
        door.use(changed);
        EXPECT_EQ(at_once(door, player("live/a", query)), "no word");
        EXPECT_EQ(code(door.decide(player("live/a", query))), Errc::unauthenticated);
    }
}

TEST(Gate, a_token_that_expires_is_not_known_any_more_where_it_is_asked) {
    Configuration configuration = house();
    Doorway door{configuration};
    configuration.tokens[0].expires =
        WallTime{door.home.clock().utc().microseconds + std::chrono::microseconds{60s}.count()};
    door.use(configuration);
    EXPECT_TRUE(door.decide(player("live/a", "token=a-token")));
    EXPECT_EQ(at_once(door, player("live/a", "token=a-token")), "token door");
    door.time.run_for(61s);
    EXPECT_EQ(at_once(door, player("live/a", "token=a-token")), "no word");
    EXPECT_EQ(code(door.decide(player("live/a", "token=a-token"))), Errc::unauthenticated);
}

}   // namespace
}   // namespace millrace::control
