#include "control/sweep.hpp"

#include "control/gate_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using hub::Action;
using hub::SessionKind;
using namespace testing;

class Conversation final : public hub::Sessions::Entry {
public:
    using Entry::Entry;
    void end(Error reason) override { ended = reason.code; }
    hub::SessionReport report() const override { return {.id = id(), .facts = facts()}; }
    std::optional<Errc> ended;
};

Configuration house() {
    Configuration configuration;
    configuration.users = {
        user("cam", "pw", {grant(Action::publish, "live/*"), grant(Action::play, "live/a")}),
        user("anyone", "", {grant(Action::play, "public/*")})};
    configuration.tokens = {token("door", "a-token", {grant(Action::play, "live/a")})};
    return configuration;
}

/// Two workers with a conversation each of all that may be.
class Rounds : public ::testing::Test {
protected:
    Conversation& talk(SessionKind kind, const std::string& stream, hub::Identity who) {
        hub::Sessions& sessions = talks_.size() % 2 == 0 ? first_ : second_;
        talks_.push_back(std::make_unique<Conversation>(
            sessions, hub::SessionFacts{kind, "rtmp", stream, {"192.0.2.1", 1}, {}, std::move(who)}));
        return *talks_.back();
    }
    hub::Identity identity(std::string_view query, Action action, std::string stream) {
        hub::Petition petition = player(std::move(stream), std::string{query});
        petition.action = action;
        return door_.decide(petition)->identity;
    }
    void use(const Configuration& configuration) {
        door_.use(configuration);
        sweeper_.use(policy_of(configuration));
        door_.time.settle();
    }

    Doorway door_{house()};
    hub::Sessions first_{door_.time.add_executor()};
    hub::Sessions second_{door_.time.add_executor()};
    Sweeper sweeper_{door_.home, {&first_, &second_}};
    std::vector<std::unique_ptr<Conversation>> talks_;

    Conversation& camera_ =
        talk(SessionKind::publisher, "live/a", identity("user=cam&pass=pw", Action::publish, "live/a"));
    Conversation& viewer_ =
        talk(SessionKind::viewer, "live/a", identity("user=cam&pass=pw", Action::play, "live/a"));
    Conversation& by_token_ =
        talk(SessionKind::viewer, "live/a", identity("token=a-token", Action::play, "live/a"));
    Conversation& stranger_ = talk(SessionKind::viewer, "public/a", anyone());
    Conversation& our_own_ = talk(SessionKind::publisher, "live/test", {});
};

TEST_F(Rounds, leave_everybody_whose_right_still_is_one) {
    use(house());
    Configuration more = house();
    more.users.push_back(user("other", "pw", {grant(Action::play, "*")}));
    use(more);
    door_.time.run_for(10 * Sweeper::every);
    for (const auto& one : talks_) {
        EXPECT_EQ(one->ended, std::nullopt) << one->facts().who.name;
    }
}

TEST_F(Rounds, case_76_end_at_once_who_was_taken_out) {
    use(house());
    Configuration fewer = house();
    fewer.users.clear();
    use(fewer);
    EXPECT_EQ(camera_.ended, Errc::refused);
    EXPECT_EQ(viewer_.ended, Errc::refused);
    EXPECT_EQ(stranger_.ended, Errc::refused);
    EXPECT_EQ(by_token_.ended, std::nullopt);
    EXPECT_EQ(our_own_.ended, std::nullopt);
}

TEST_F(Rounds, case_76_end_who_lost_one_grant_and_no_other) {
    Configuration changed = house();
    changed.users[0].allow.pop_back();
    use(changed);
    EXPECT_EQ(viewer_.ended, Errc::refused);
    EXPECT_EQ(camera_.ended, std::nullopt);
}

TEST_F(Rounds, case_76_end_who_came_in_by_a_password_or_token_that_was_changed) {
    Configuration changed = house();
    changed.users[0] = user("cam", "another", house().users[0].allow);
    changed.tokens = {token("door", "b-token", house().tokens[0].allow)};
    use(changed);
    EXPECT_EQ(camera_.ended, Errc::refused);
    EXPECT_EQ(by_token_.ended, Errc::refused);
    EXPECT_EQ(stranger_.ended, std::nullopt);
}

TEST_F(Rounds, case_76_end_who_was_let_in_while_the_policy_changed) {
    Configuration fewer = house();
    fewer.users.clear();
    use(fewer);
    Conversation& late = talk(SessionKind::viewer, "live/a", viewer_.facts().who);
    door_.time.run_for(Sweeper::every);
    EXPECT_EQ(late.ended, Errc::refused);
}

TEST_F(Rounds, end_a_tokens_viewers_when_it_expires) {
    Configuration changed = house();
    changed.tokens[0].expires = WallTime{door_.time.utc().microseconds + 60'000'000};
    use(changed);
    door_.time.run_for(59s);
    EXPECT_EQ(by_token_.ended, std::nullopt);
    door_.time.run_for(1s + Sweeper::every);
    EXPECT_EQ(by_token_.ended, Errc::refused);
}

TEST_F(Rounds, case_76_end_strangers_when_an_open_node_is_closed) {
    Configuration configuration;
    configuration.open = true;
    use(configuration);
    Conversation& viewer = talk(SessionKind::viewer, "live/b", anyone());
    door_.time.run_for(Sweeper::every);
    EXPECT_EQ(viewer.ended, std::nullopt);
    use({});
    EXPECT_EQ(viewer.ended, Errc::refused);
}

}   // namespace
}   // namespace millrace::control
