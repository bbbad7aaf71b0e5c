#include "session/links_for_tests.hpp"

namespace millrace::session {
namespace {

class LinkServes : public toys::LinkTest {};

TEST_F(LinkServes, a_server_whose_certificate_is_another_is_refused_with_its_fingerprint) {
    const std::string other(64, 'a');
    const std::string words = refusal_of(
        fmt::format("kcp://203.0.113.5:8910/live/copy?user=cam&pass=secret&fingerprint={}", other));
    EXPECT_TRUE(words.contains(fingerprint())) << words;
    EXPECT_TRUE(words.contains("another certificate")) << words;
    EXPECT_FALSE(at("live/copy"));
}

TEST_F(LinkServes, a_server_that_nobody_vouches_for_is_refused_and_the_words_say_what_to_do) {
    const std::string words = refusal_of("kcp://203.0.113.5:8910/live/copy?user=cam&pass=secret");
    EXPECT_TRUE(words.contains("add fingerprint=" + fingerprint())) << words;
    EXPECT_FALSE(at("live/copy"));
}

TEST_F(LinkServes, who_may_not_publish_is_refused_in_words) {
    const std::string words = refusal_of(
        fmt::format("kcp://203.0.113.5:8910/live/copy?user=cam&pass=wrong&fingerprint={}", fingerprint()));
    EXPECT_TRUE(words.contains("wrong user or password")) << words;
    EXPECT_FALSE(words.contains("pass=wrong")) << words;
    EXPECT_FALSE(at("live/copy"));
    EXPECT_TRUE(gate_.encrypted);
}

TEST_F(LinkServes, a_key_that_both_know_proves_both) {
    const auto with_key = [this](std::byte byte) {
        desk_.settings = std::make_shared<const Settings>(
            Settings{.link_keys = {{"gate", std::vector<std::byte>(16, byte)}}});
    };
    with_key(std::byte{8});
    const std::string words = refusal_of("kcp://203.0.113.5:8910/live/copy?identity=gate");
    EXPECT_TRUE(words.contains("another key for this identity")) << words;
    EXPECT_FALSE(at("live/copy"));
    push({});
    pass(1s);
    with_key(std::byte{7});
    push({"kcp://203.0.113.5:8910/live/copy?identity=gate"});
    show(100);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
}

TEST_F(LinkServes, addresses_that_cannot_be_are_given_up) {
    publish();
    show(1);
    push({"kcp://203.0.113.5:8910/live/copy?fingerprint=beef"});
    show(1);
    EXPECT_TRUE(report().given_up);
    EXPECT_TRUE(report().reason.contains("64 hexadecimal digits")) << report().reason;
    push({"kcp://203.0.113.5:8910/live/copy?identity=nobody"});
    show(1);
    EXPECT_TRUE(report().given_up);
    EXPECT_TRUE(report().reason.contains("kcp.psk_file")) << report().reason;
}

TEST_F(LinkServes, a_player_gets_the_stream_and_its_end) {
    path({.delay = 20ms, .loss = 0.05});
    publish();
    show(5);
    const std::string from = address("live/cam");
    executor_.run([&] { pulls_.start({.stream = "live/pulled", .source = from}); });
    show(100);
    const auto pulled_one = at("live/pulled");
    ASSERT_TRUE(pulled_one);
    EXPECT_GE(toys::units_of(*pulled_one, media::Kind::video), 70U);
    EXPECT_EQ(pulled_one->chunks.different, 0U);
    EXPECT_GE(pulled_one->chunks.proven, 10U);
    bool seen = false;
    far_executor_.run([&] {
        for (const hub::SessionReport& one : far_.sessions.reports()) {
            seen = seen || (one.facts.protocol == "kcp" && one.link && one.link->segments > 0);
        }
    });
    EXPECT_TRUE(seen) << "the player's link is among the sessions";
    finish();
    pass(500ms);
    const auto ended = at("live/pulled");
    EXPECT_TRUE(!ended || ended->state != hub::StreamState::live);
}

TEST_F(LinkServes, case_37_strangers_that_say_nothing_are_no_links_for_long_and_one_host_has_few) {
    for (int i = 0; i < 12; ++i) {
        executor_.run([this] {
            LinkCall call{.to = {"203.0.113.5", 8910},
                          .trust = {.pin = *link::fingerprint_of(identity.certificate)},
                          .deadline = executor_.now() + 4s};
            executor_.tasks().spawn(call_and_say_nothing(std::move(call)));
        });
        pass(300ms);
    }
    EXPECT_LE(silent_.size(), link::Server::Limits{}.handshakes_of_host);
    EXPECT_GE(silent_.size(), 4U);
    pass(10s);
    EXPECT_EQ(port_.links().size(), 0U) << "nobody stays who does not say what it wants";
    executor_.run([this] { silent_.clear(); });
}

}   // namespace
}   // namespace millrace::session
