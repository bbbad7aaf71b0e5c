#include "session/link_serve.hpp"

#include "session/link_dial.hpp"
#include "session/link_port.hpp"
#include "session/link_pull.hpp"
#include "session/link_push.hpp"
#include "session/pushes_for_tests.hpp"

namespace millrace::session {
namespace {

constexpr std::array destinations{ForwardKind{"kcp", link_push}};
constexpr std::array pulled{SourceKind{"kcp", link_pull, true}};

/// Lets in one user by a password, and one who was proven by a key; all others nowhere.
class OneUserMay final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        const bool good = petition.query == "user=cam&pass=secret" || petition.proven_user == "gate";
        encrypted = encrypted && petition.encrypted;
        if (!good) {
            reply.give(fail(Errc::unauthenticated, "wrong user or password"));
        } else {
            reply.give(hub::Admitted{.identity = {.name = "user cam"}});
        }
    }
    bool encrypted = true;
};

/// A node that others call by links, and one that calls it; both on one directory, over a network that does
/// what the test says.
class Links : public toys::PushTest {
protected:
    Links() : PushTest{destinations} {
        connector_.network = &network_;
        desk_.node_id = "0123456789abcdef";
        far_.node_id = "fedcba9876543210";
        far_executor_.run([this] { port_.listen(); });
    }
    ~Links() override {
        push({});
        executor_.run([this] { pulls_.stop("live/pulled"); });
        pass(8s);
        world_.time.stop();
    }
    /// The other way round has its own chances.
    void path(const VirtualPath& both) {
        network_.set_path({"192.0.2.1", 0}, {"203.0.113.5", 0}, both);
        network_.set_path({"203.0.113.5", 0}, {"192.0.2.1", 0}, both);
    }
    static std::string fingerprint() { return link::text_of(*link::fingerprint_of(identity.certificate)); }
    static std::string address(std::string_view name, std::string_view query = {}) {
        return fmt::format("kcp://203.0.113.5:8910/{}?user=cam&pass=secret&fingerprint={}{}", name,
                           fingerprint(), query);
    }
    std::optional<hub::StreamReport> at(std::string_view name) {
        for (const hub::StreamReport& one : world_.reports()) {
            if (one.name == name) {
                return one;
            }
        }
        return std::nullopt;
    }
    std::uint64_t pictures(std::string_view name) {
        const auto report = at(name);
        return report ? toys::units_of(*report, media::Kind::video) : 0;
    }
    /// Until it goes there.
    void publish_to(std::string to) {
        publish();
        show(1);
        push({std::move(to)});
        for (int i = 0; i < 100 && report().state != hub::ForwardState::live; ++i) {
            show(1);
        }
        ASSERT_EQ(report().state, hub::ForwardState::live) << report().reason;
    }
    std::string refusal_of(std::string to) {
        publish();
        show(1);
        push({std::move(to)});
        for (int i = 0; i < 200 && report().state != hub::ForwardState::broken; ++i) {
            show(1);
        }
        return report().reason;
    }

    Task<> call_and_say_nothing(LinkCall whom) {
        auto calling = link_dial(executor_, connector_, random_, std::move(whom));
        auto called = co_await calling;
        if (called) {
            silent_.push_back(std::move(*called));
        }
    }

    static inline const link::Identity identity = *link::make_identity("server");
    VirtualNetwork network_{world_.time};
    VirtualExecutor& far_executor_ = world_.time.add_executor();
    OneUserMay gate_;
    std::unique_ptr<link::DtlsServer> dtls_ =
        *link::DtlsServer::make(identity, {{"gate", std::vector<std::byte>(16, std::byte{7})}}, random_);
    std::unique_ptr<Desk> far_desk_ = std::make_unique<Desk>(far_executor_, world_.directory, gate_, random_);
    Desk& far_ = *far_desk_;
    LinkPort port_{far_executor_, std::move(*network_.open(far_executor_, {"203.0.113.5", 8910})),
                   LinkPort::Means{*dtls_, random_}, [this](std::unique_ptr<LinkConnection> connection) {
                       far_executor_.tasks().spawn(link_serve(far_, std::move(connection)));
                   }};
    Sources pulls_{desk_, {spawner_, connector_, pulled}};
    std::vector<std::unique_ptr<LinkConnection>> silent_;
};

TEST_F(Links, f14_at_20_percent_loss_each_way_every_picture_arrives_and_every_chunk_is_proven) {
    path({.delay = 50ms, .loss = 0.2});
    publish_to(address("live/copy"));
    show(250);
    const std::uint64_t late = pictures("live/copy");
    const std::uint64_t sent = *report().frames_sent;
    EXPECT_GE(late + 15, sent) << "no picture is later than 600 ms";
    pass(2s);
    EXPECT_EQ(pictures("live/copy"), sent);
    const auto copy = at("live/copy");
    EXPECT_GE(copy->chunks.proven, 40U);
    EXPECT_EQ(copy->chunks.different, 0U);
    EXPECT_EQ(copy->chunks.incomplete, 0U);
    EXPECT_EQ(report().skips, 0U);
    EXPECT_GT(network_.counters().lost, 80U);
    ASSERT_TRUE(report().link);
    EXPECT_GT(report().link->resends_by_gap + report().link->resends_by_timer, 5U);
    EXPECT_NEAR(report().link->loss, 0.2, 0.1);
    EXPECT_GE(report().link->round_trip_min, 100ms);
}

TEST_F(Links, f16_what_comes_twice_and_out_of_order_is_there_once_and_in_order) {
    path({.delay = 20ms, .duplication = 0.1, .reordering = 0.1, .held_back = 50ms});
    publish_to(address("live/copy"));
    show(5);
    hub::toys::Viewer viewer{world_, world_.desk_b, "live/copy"};
    show(100);
    pass(1s);
    const std::vector<std::int64_t> times = toys::times_of(viewer.read(), 'v');
    ASSERT_GE(times.size(), 100U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_EQ(times[i] - times[i - 1], 40);
    }
    EXPECT_EQ(at("live/copy")->chunks.different, 0U);
    EXPECT_GT(network_.counters().duplicated, 20U);
}

TEST_F(Links, an_end_that_is_said_is_told_at_once) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
    finish();
    pass(200ms);
    const auto copy = at("live/copy");
    EXPECT_TRUE(!copy || copy->state == hub::StreamState::offline);
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
}

TEST_F(Links, a_server_that_is_gone_is_found_and_called_again) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    path({.loss = 1});
    show(80);
    EXPECT_NE(report().state, hub::ForwardState::live);
    EXPECT_FALSE(report().reason.empty());
    path({.delay = 20ms});
    show(200);
    EXPECT_EQ(report().state, hub::ForwardState::live);
    EXPECT_EQ(report().reconnects(), 1U);
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
}

TEST_F(Links, a_server_whose_certificate_is_another_is_refused_with_its_fingerprint) {
    const std::string other(64, 'a');
    const std::string words = refusal_of(
        fmt::format("kcp://203.0.113.5:8910/live/copy?user=cam&pass=secret&fingerprint={}", other));
    EXPECT_TRUE(words.contains(fingerprint())) << words;
    EXPECT_TRUE(words.contains("another certificate")) << words;
    EXPECT_FALSE(at("live/copy"));
}

TEST_F(Links, a_server_that_nobody_vouches_for_is_refused_and_the_words_say_what_to_do) {
    const std::string words = refusal_of("kcp://203.0.113.5:8910/live/copy?user=cam&pass=secret");
    EXPECT_TRUE(words.contains("add fingerprint=" + fingerprint())) << words;
    EXPECT_FALSE(at("live/copy"));
}

TEST_F(Links, who_may_not_publish_is_refused_in_words) {
    const std::string words = refusal_of(
        fmt::format("kcp://203.0.113.5:8910/live/copy?user=cam&pass=wrong&fingerprint={}", fingerprint()));
    EXPECT_TRUE(words.contains("wrong user or password")) << words;
    EXPECT_FALSE(words.contains("pass=wrong")) << words;
    EXPECT_FALSE(at("live/copy"));
    EXPECT_TRUE(gate_.encrypted);
}

TEST_F(Links, a_key_that_both_know_proves_both) {
    const auto with_key = [this](std::byte byte) {
        desk_.settings = std::make_shared<const Settings>(
            Settings{.link_keys = {{"gate", std::vector<std::byte>(16, byte)}}});
    };
    with_key(std::byte{8});
    EXPECT_FALSE(refusal_of("kcp://203.0.113.5:8910/live/copy?identity=gate").empty());
    EXPECT_FALSE(at("live/copy"));
    push({});
    pass(1s);
    with_key(std::byte{7});
    push({"kcp://203.0.113.5:8910/live/copy?identity=gate"});
    show(100);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
}

TEST_F(Links, addresses_that_cannot_be_are_given_up) {
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

TEST_F(Links, what_the_receiver_wishes_reaches_the_encoder) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    const int before = publisher_->asks;
    world_.desk_b.executor.run([this] { world_.directory.ask("live/copy", hub::AskBitrate{500'000}); });
    show(10);
    EXPECT_EQ(publisher_->asks, before + 1);
}

TEST_F(Links, a_path_that_is_too_narrow_skips_to_key_frames_and_stays_close) {
    // 60 % of what comes.
    path({.delay = 20ms, .bytes_per_second = 30'000});
    publish();
    push({address("live/copy")});
    for (int i = 0; i < 1'000; ++i, at_ms_ += 40) {
        media::AccessUnit unit = picture(at_ms_ % 1'000 == 0);
        std::vector<std::byte> large(2'000, std::byte{1});
        large[0] = large[1] = std::byte{0};
        large[2] = std::byte{0x07};
        large[3] = std::byte{0xCC};   // one NAL unit of 1,996 bytes
        large[4] = unit.key ? std::byte{0x65} : std::byte{0x41};
        unit.payload = Bytes{std::move(large)};
        publisher_->unit(std::move(unit));
        pass(40ms);
    }
    EXPECT_GT(report().skips, 3U);
    EXPECT_GT(pictures("live/copy"), 400U) << "a path of 600 carries that many";
    ASSERT_TRUE(report().link);
    EXPECT_LE(report().queue_age, 1'500ms);
    EXPECT_LE(report().link->queued, 64U << 10U);
    EXPECT_EQ(at("live/copy")->chunks.different, 0U);
}

TEST_F(Links, a_player_gets_the_stream_and_its_end) {
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

TEST_F(Links, case_37_strangers_that_say_nothing_are_no_links_for_long_and_one_host_has_few) {
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
