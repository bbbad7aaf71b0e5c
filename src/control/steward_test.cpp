#include "control/steward_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

using Fate = VirtualStorage::Fate;

TEST(Steward, a_change_is_kept_before_it_is_answered_and_survives_a_restart) {
    toys::Stewardship node;
    EXPECT_EQ(node.set("grace", "3s"), 204);
    EXPECT_EQ(node.configuration().grace, 3s);
    EXPECT_EQ(node.configuration().origins.at("grace"), Origin::overlay);
    EXPECT_NE(node.storage.text("state.json").find("\"grace\": \"3s\""), std::string::npos);
    node.start();
    EXPECT_EQ(node.configuration().grace, 3s);
}

TEST(Steward, f4_a_machine_that_dies_in_a_write_comes_back_with_the_old_or_the_new_and_never_with_less) {
    for (const Fate fate : {Fate::lost_in_time, Fate::kept_in_time}) {
        toys::Stewardship node;
        ASSERT_EQ(node.set("grace", "3s"), 204);
        node.storage.set_fate(fate);
        EXPECT_NE(node.set("grace", "4s"), 204) << "nobody may hear that it is done";
        node.start();
        EXPECT_EQ(node.configuration().grace, fate == Fate::kept_in_time ? 4s : 3s);
    }
}

TEST(Steward, f7_a_full_disk_changes_nothing_and_says_so) {
    toys::Stewardship node;
    node.storage.set_fate(Fate::refused);
    EXPECT_EQ(node.set("grace", "3s"), 503);
    EXPECT_NE(node.words.find("storage.path"), std::string::npos);
    EXPECT_EQ(node.configuration().grace, 10s);
    EXPECT_EQ(node.realm.abandoned, 1) << "what was opened for it is closed";
    node.storage.set_fate(Fate::done);
    EXPECT_EQ(node.set("grace", "3s"), 204);
}

TEST(Steward, f7_a_disk_that_fails_late_leaves_nothing_of_what_was_refused) {
    toys::Stewardship node;
    ASSERT_EQ(node.set("grace", "3s"), 204);
    node.storage.set_fate(Fate::refused_late);
    EXPECT_EQ(node.set("grace", "4s"), 503);
    EXPECT_EQ(node.configuration().grace, 3s);
    node.start();
    EXPECT_EQ(node.configuration().grace, 3s) << "as it was said";
}

TEST(Steward, case_98_what_does_not_load_changes_nothing) {
    toys::Stewardship node;
    EXPECT_EQ(node.set("grace", "soon"), 422);
    EXPECT_EQ(node.words.substr(0, 45), "the API's changes: grace: 'soon' is not a dur");
    EXPECT_EQ(node.set("grase", "1s"), 422);
    EXPECT_EQ(node.storage.writes(), 0U);
    EXPECT_EQ(node.realm.prepared, 0);
}

TEST(Steward, case_98_what_cannot_be_made_ready_changes_nothing) {
    toys::Stewardship node;
    node.realm.refusal = "http.listen: cannot listen on 127.0.0.1:1";
    EXPECT_EQ(node.set("grace", "3s"), 409);
    EXPECT_EQ(node.words, node.realm.refusal);
    EXPECT_EQ(node.configuration().grace, 10s);
    EXPECT_EQ(node.storage.writes(), 0U);
}

TEST(Steward, changes_that_come_together_are_done_one_after_the_other) {
    toys::Stewardship node;
    Answer<Outcome> first{node.home};
    node.steward->change(
        [](State& state, const Standing&) {
            put(state.overlay, "grace", text_node("3s"));
            return Outcome{};
        },
        first.reply());
    EXPECT_EQ(node.change([](State& state, const Standing& now) {
        EXPECT_EQ(now.configuration.grace, 3s) << "the second sees the first";
        put(state.overlay, "hls", map_node());
        return Outcome{};
    }),
              204);
    EXPECT_EQ(node.storage.writes(), 2U);
}

TEST(Steward, too_many_changes_at_once_are_refused) {
    toys::Stewardship node;
    std::vector<std::unique_ptr<Answer<Outcome>>> answers;
    for (std::size_t i = 0; i <= Steward::waiting_max + 1; ++i) {
        answers.push_back(std::make_unique<Answer<Outcome>>(node.home));
        node.steward->change([](State&, const Standing&) { return Outcome{}; }, answers.back()->reply());
    }
    node.time.settle();
    EXPECT_LE(node.storage.writes(), Steward::waiting_max + 1);
}

TEST(Steward, a_reload_reads_the_file_again_and_keeps_the_overlay) {
    toys::Stewardship node{"grace: 1s"};
    node.sources.file_name = "/nowhere/m.yaml";
    node.start();
    ASSERT_EQ(node.set("hls", "x"), 422);
    EXPECT_EQ(node.change(nullptr), 422) << "the file is gone";
    EXPECT_NE(node.words.find("/nowhere/m.yaml: cannot be read"), std::string::npos);
    EXPECT_EQ(node.configuration().grace, 1s);
    EXPECT_EQ(node.set("log", "x"), 422);
    EXPECT_EQ(node.set("open", "x"), 422);
    EXPECT_EQ(node.configuration().grace, 1s) << "a failed reload does not show in later changes";
}

TEST(Steward, the_last_administrator_cannot_be_taken_away) {
    toys::Stewardship node;
    const auto with_admin = [](State& state, const Standing&) {
        state.first_admin = "$argon2id$v=19$x";
        return Outcome{};
    };
    ASSERT_EQ(node.change(with_admin), 204);
    EXPECT_EQ(node.configuration().users.at(0).name, "admin");
    EXPECT_EQ(node.configuration().users.at(0).origin, Origin::first_start);
    const auto without = [](State& state, const Standing&) {
        state.first_admin.clear();
        return Outcome{};
    };
    EXPECT_EQ(node.change(without), 409);
    EXPECT_EQ(node.configuration().users.size(), 1U);
}

TEST(Standing, the_first_administrator_holds_only_where_nobody_wrote_who_may_do_what) {
    State state;
    state.first_admin = "$argon2id$v=19$x";
    ConfigurationSources sources;
    EXPECT_TRUE(needs_admin(stand(sources, {}).configuration));
    EXPECT_FALSE(needs_admin(stand(sources, state).configuration));
    sources.file_text = "auth: { users: [] }";
    EXPECT_TRUE(stand(sources, state).configuration.users.empty());
    EXPECT_FALSE(needs_admin(stand(sources, {}).configuration));
    EXPECT_FALSE(needs_admin(stand({.open = true}, {}).configuration));
}

TEST(Standing, says_what_environment_and_options_fix) {
    ConfigurationSources sources;
    sources.file_text = "grace: 1s";
    sources.environment = {"MILLRACE_HTTP_LISTEN=off"};
    sources.sets = {"workers=1"};
    sources.open = true;
    const Configuration c = stand(sources, {}).configuration;
    EXPECT_EQ(fixed_by(c, "grace"), std::nullopt);
    EXPECT_EQ(fixed_by(c, "rtmp.listen"), std::nullopt);
    EXPECT_EQ(fixed_by(c, "http.listen"), "the environment variable MILLRACE_HTTP_LISTEN");
    EXPECT_EQ(fixed_by(c, "workers"), "the option --set workers");
    EXPECT_EQ(fixed_by(c, "open"), "the option --open or --set open");
}

}   // namespace
}   // namespace millrace::control
