#include "base/hex.hpp"
#include "net/drive.hpp"
#include "session/link_address.hpp"
#include "session/link_enrol.hpp"
#include "session/links_for_tests.hpp"

namespace millrace::session {
namespace {

class LinkServes : public toys::LinkTest {
protected:
    /// Calls as the uplink of a box, whose key it has; what was said.
    Task<> knock(std::string name, Hops from, std::string& said) {
        const auto address =
            link_address(fmt::format("kcp://203.0.113.5:8910/{}?identity=gate", name), *desk_.settings);
        LinkCall whom{
            .to = address->to, .trust = address->trust, .deadline = executor_.now() + 10s, .words = &said};
        auto calling = link_dial(executor_, connector_, random_, std::move(whom));
        auto called = co_await calling;
        if (!called) {
            co_return;
        }
        link::Talk talk{{.direction = link::Direction::uplink,
                         .name = address->name,
                         .query = address->query,
                         .hops = std::move(from)},
                        executor_.now()};
        while (said.empty()) {
            const Result<> turn = co_await net::drive(**called, talk, executor_, desk_.read_buffer);
            const auto event = talk.next_event();
            if (event && std::holds_alternative<link::Welcome>(*event)) {
                said = "welcome";
            } else if (event && std::holds_alternative<link::Refusal>(*event)) {
                said = std::get<link::Refusal>(*event).words;
            } else if (!turn) {
                said = turn.error().what;
            }
        }
        silent_.push_back(std::move(*called));
    }
    Task<> say_key(std::string token, std::string& said) {
        said =
            co_await link_enrol({executor_, connector_, random_},
                                {.token = std::move(token), .key = std::vector<std::byte>(32, std::byte{9})});
    }
};

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

TEST_F(LinkServes, case_103_a_key_that_two_boxes_use_at_once_is_the_first_ones) {
    desk_.settings = std::make_shared<const Settings>(
        Settings{.link_keys = {{"gate", std::vector<std::byte>(16, std::byte{7})}}});
    const auto knock_as = [this](std::string name, char node) {
        std::string said;
        executor_.run([&] {
            executor_.tasks().spawn(
                knock(std::move(name), Hops::parse(std::string(Hops::id_size, node)), said));
        });
        pass(2s);
        return said;
    };
    EXPECT_EQ(knock_as("live/gate", 'a'), "welcome");
    EXPECT_EQ(knock_as("live/yard", 'a'), "welcome") << "another stream of the same box";
    EXPECT_TRUE(knock_as("live/other", 'b').contains("another box uses this key")) << "whatever stream";
    EXPECT_FALSE(at("live/other"));
    EXPECT_TRUE(at("live/gate"));
    executor_.run([this] { silent_.clear(); });
    pass(10s);
    EXPECT_EQ(knock_as("live/other", 'b'), "welcome") << "nobody else uses it any more";
    executor_.run([this] { silent_.clear(); });
}

TEST_F(LinkServes, a_box_says_its_key_once_with_its_token_and_a_token_publishes_nothing) {
    std::vector<hub::EnrolmentWish> wishes;
    far_.enrol = [&wishes](hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply) {
        wishes.push_back(std::move(wish));
        reply.give(hub::EnrolmentAnswer{.enrolled = wishes.size() == 1, .words = "used already"});
    };
    const std::vector<std::byte> token(32, std::byte{0x21});
    dtls_->use({{"enroll:gate", token}});
    const auto enrol = [this](std::string key) {
        std::string said = "nothing came of it";
        executor_.run([&] {
            executor_.tasks().spawn(
                say_key(fmt::format("kcp://gate:{}@203.0.113.5:8910/live/gate", key), said));
        });
        pass(20s);
        return said;
    };
    EXPECT_EQ(enrol(hex_text(token)), "");
    ASSERT_EQ(wishes.size(), 1U);
    EXPECT_EQ(wishes[0].name, "gate");
    EXPECT_EQ(wishes[0].key, std::vector<std::byte>(32, std::byte{9}));
    EXPECT_TRUE(wishes[0].from.starts_with("192.0.2.1:")) << wishes[0].from;
    EXPECT_EQ(enrol(hex_text(token)), "the server says: used already");
    EXPECT_TRUE(enrol(std::string(64, 'e')).contains("another key for this identity"));
    EXPECT_TRUE(enrol("beef").contains("this is no token"));
    EXPECT_EQ(wishes.size(), 2U);
    desk_.settings = std::make_shared<const Settings>(Settings{.link_keys = {{"enroll:gate", token}}});
    const std::string words = refusal_of("kcp://203.0.113.5:8910/live/copy?identity=enroll:gate");
    EXPECT_TRUE(words.contains("millrace enroll")) << words;
    EXPECT_FALSE(at("live/copy"));
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
