#include "session/kcp_bare.hpp"

#include "base/virtual_network.hpp"
#include "protocol/kcp/conversation.hpp"
#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

/// Somebody else's KCP, which sends a transport stream in the reference's turbo mode.
class PlainPeer {
public:
    PlainPeer(std::unique_ptr<Datagrams> socket, std::uint32_t conv, Instant now)
        : socket_{std::move(socket)}, kcp_{settings_of(conv), now} {
        received_.front().buffer = buffer_;
    }

    kcp::Conversation& kcp() { return kcp_; }
    Datagrams& socket() { return *socket_; }
    /// Bytes of what came.
    std::size_t heard() const { return heard_; }
    void send(ByteSpan bytes) {
        const std::array slices{bytes};
        std::array batch{Datagram{.peer = *PeerAddress::parse({"192.0.2.1", 8911}), .slices = slices}};
        EXPECT_TRUE(socket_->send(batch));
    }
    void turn(Instant now) {
        while (socket_->receive(received_)) {
            heard_ += received_.front().size;
            EXPECT_TRUE(kcp_.receive(received_.front().bytes(), now));
        }
        if (kcp_.deadline() <= now) {
            kcp_.advance(now);
        }
        while (const std::optional<kcp::Outgoing> out = kcp_.next_output()) {
            send(out->bytes);
        }
    }

private:
    static kcp::Settings settings_of(std::uint32_t conv) {
        kcp::Settings settings = *kcp::named_mode("turbo");
        settings.conv = conv;
        settings.stream = true;
        return settings;
    }

    std::unique_ptr<Datagrams> socket_;
    kcp::Conversation kcp_;
    std::array<std::byte, 2048> buffer_{};
    std::array<Received, 1> received_;
    std::size_t heard_ = 0;
};

class NobodyMay final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        petitions.push_back(std::move(petition));
        reply.give(fail(Errc::refused, "nobody may"));
    }
    std::vector<hub::Petition> petitions;
};

class KcpBarePort : public toys::PullTest {
protected:
    KcpBarePort() {
        use(desk_);
        executor_.run([this] { port_.listen(); });
    }
    ~KcpBarePort() override { world_.time.stop(); }

    static void use(Desk& desk) {
        desk.settings =
            std::make_shared<const Settings>(Settings{.kcp_bare = {{1, "live/cam"}, {2, "live/other"}}});
    }
    std::unique_ptr<Datagrams> open(std::string_view address, std::uint16_t port = 0) {
        return std::move(*network_.open(far_side_, {std::string{address}, port}));
    }
    std::unique_ptr<PlainPeer> peer(std::uint32_t conv, std::string_view address = "192.0.2.9",
                                    std::uint16_t port = 0) {
        return std::make_unique<PlainPeer>(open(address, port), conv, executor_.now());
    }
    void turns(PlainPeer& peer, Duration span) {
        for (const Instant end = executor_.now() + span; executor_.now() < end;) {
            world_.time.run_for(5ms);
            peer.turn(executor_.now());
        }
    }
    /// Film at its own pace.
    void play(PlainPeer& peer, std::int64_t start_ms, std::int64_t length_ms) {
        const std::vector<std::byte> film = toys::ts_film(start_ms, length_ms);
        const auto steps = static_cast<std::size_t>(length_ms / 40);
        for (std::size_t i = 0; i < steps; ++i) {
            const std::size_t from = film.size() * i / steps;
            const ByteSpan piece = ByteSpan{film}.subspan(from, film.size() * (i + 1) / steps - from);
            EXPECT_TRUE(peer.kcp().send(Bytes::copy(piece), executor_.now()));
            turns(peer, 40ms);
        }
    }
    std::uint64_t pictures() { return toys::units_of(report(), media::Kind::video); }
    std::uint64_t strangers() const { return port_.counters().strangers.load(); }

    VirtualNetwork network_{world_.time};
    KcpBare port_{desk_, std::move(*network_.open(executor_, {"192.0.2.1", 8911}))};
};

TEST_F(KcpBarePort, row_0_30_a_plain_peer_publishes_the_stream_of_its_number) {
    const auto camera = peer(1);
    play(*camera, 0, 4000);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().name, "live/cam");
    EXPECT_EQ(report().publisher->protocol, "kcp");
    EXPECT_EQ(report().publisher->peer.address, "192.0.2.9");
    EXPECT_GE(pictures(), 99U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(camera->kcp().waiting(), 0U) << "all of it was acknowledged";
}

TEST_F(KcpBarePort, row_0_30_loss_duplicates_and_reordering_cost_no_picture) {
    network_.set_default_path({.delay = 20ms,
                               .jitter = 10ms,
                               .loss = 0.1,
                               .duplication = 0.1,
                               .reordering = 0.1,
                               .held_back = 50ms});
    const auto camera = peer(1);
    play(*camera, 0, 8000);
    turns(*camera, 3s);
    EXPECT_GT(network_.counters().lost, 20U);
    EXPECT_GT(network_.counters().duplicated, 20U);
    EXPECT_GE(pictures(), 199U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_unusable, 0U);
    EXPECT_EQ(camera->kcp().waiting(), 0U);
}

TEST_F(KcpBarePort, case_37_what_is_no_conversation_to_be_is_not_answered) {
    const auto stranger = peer(1);
    const auto try_all_cuts = [&](const std::vector<std::byte>& datagram, std::size_t size_max) {
        for (std::size_t size = 0; size <= size_max; ++size) {
            stranger->send(ByteSpan{datagram}.first(size));
        }
    };
    const auto made = [](const kcp::Segment& segment) {
        std::vector<std::byte> bytes;
        kcp::append(bytes, segment);
        return bytes;
    };
    const std::vector<std::byte> payload(188, ts::sync_byte);
    try_all_cuts(made({.conv = 1, .wnd = 65'535, .payload = payload}), 24 + 187);   // short, or cut within
    try_all_cuts(made({.conv = 1, .sn = KcpBare::window, .payload = payload}), 24 + 188);   // far ahead
    try_all_cuts(made({.conv = 1, .sn = 0x8000'0000, .payload = payload}), 24 + 188);
    try_all_cuts(made({.conv = 3, .payload = payload}), 24 + 188);   // a number guessed
    for (const auto command : {kcp::Command::ack, kcp::Command::ask_window, kcp::Command::tell_window}) {
        stranger->send(made({.conv = 1, .command = command, .una = 0xFFFF'FFFF}));
    }
    stranger->send(made({.conv = 1, .command = kcp::Command{80}, .payload = payload}));
    world_.time.run_for(1s);
    stranger->turn(executor_.now());
    EXPECT_EQ(stranger->heard(), 0U);
    EXPECT_EQ(port_.heard(), 0U);
    EXPECT_GT(strangers(), 800U);
    EXPECT_EQ(strangers(), port_.counters().datagrams.load());
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(KcpBarePort, case_37_fragments_that_never_end_hold_no_more_than_a_window_and_end) {
    const auto attacker = peer(1);
    const std::vector<std::byte> payload(1400, std::byte{7});
    for (std::uint32_t sn = 0; sn < 3U * KcpBare::window; ++sn) {
        std::vector<std::byte> bytes;
        kcp::append(bytes, {.conv = 1, .frg = 255, .sn = sn, .payload = payload});
        attacker->send(bytes);
        world_.time.run_for(1ms);
    }
    EXPECT_EQ(port_.heard(), 0U) << "the second piece said as many follow as the first one said";
    world_.time.run_for(KcpBare::silence_max + 2s);
    EXPECT_EQ(state(), "none");
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(KcpBarePort, case_36_what_is_no_transport_stream_is_not_heard_until_it_was_silent) {
    auto stranger = peer(1, "192.0.2.9", 777);
    std::vector<std::byte> noise(20'000);
    for (std::byte& one : noise) {
        one = static_cast<std::byte>(random_.next_u32());
    }
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(stranger->kcp().send(Bytes::copy(noise), executor_.now()));
        turns(*stranger, 1s);
    }
    EXPECT_EQ(port_.heard(), 0U);
    EXPECT_EQ(state(), "none");
    const std::size_t heard = stranger->heard();
    turns(*stranger, 8s);
    EXPECT_EQ(stranger->heard(), heard) << "it speaks on, and is answered nothing";
    stranger.reset();
    world_.time.run_for(KcpBare::silence_max + 2s);
    const auto camera = peer(1, "192.0.2.9", 777);
    play(*camera, 0, 1000);
    EXPECT_EQ(state(), "live");
}

TEST_F(KcpBarePort, a_peer_that_falls_silent_is_forgotten_and_may_begin_anew_from_the_same_port) {
    {
        const auto camera = peer(1, "192.0.2.9", 777);
        play(*camera, 0, 2000);
        EXPECT_EQ(state(), "live");
    }
    world_.time.run_for(KcpBare::silence_max + 2s);
    EXPECT_EQ(port_.heard(), 0U);
    EXPECT_EQ(state(), "stale");
    const auto camera = peer(1, "192.0.2.9", 777);
    play(*camera, 0, 2000);
    EXPECT_EQ(state(), "live");
    EXPECT_GE(pictures(), 98U);
}

TEST_F(KcpBarePort, one_that_was_ended_stays_so_while_it_sends_on) {
    const auto camera = peer(1);
    play(*camera, 0, 2000);
    ASSERT_EQ(desk_.sessions.size(), 1U);
    executor_.run(
        [this] { desk_.sessions.end_where([](const auto&) { return true; }, {Errc::cancelled, "kicked"}); });
    play(*camera, 2000, 13'000);
    EXPECT_EQ(port_.heard(), 0U);
    EXPECT_NE(state(), "live");
}

TEST_F(KcpBarePort, hears_so_many_of_one_host_and_no_more) {
    std::vector<std::unique_ptr<PlainPeer>> peers;
    // Not enough to publish yet.
    const std::vector<std::byte> film = toys::ts_film(0, 400);
    const Bytes packet = Bytes::copy(ByteSpan{film}.first(ts::packet_size));
    for (std::size_t i = 0; i < KcpBare::conversations_max + KcpBare::per_host_max; ++i) {
        peers.push_back(peer(1, i <= KcpBare::per_host_max ? "192.0.2.9" : fmt::format("198.51.100.{}", i)));
        EXPECT_TRUE(peers.back()->kcp().send(packet, executor_.now()));
        peers.back()->turn(executor_.now());
        world_.time.run_for(1ms);
        EXPECT_LE(port_.heard(), KcpBare::conversations_max);
        if (i == KcpBare::per_host_max) {
            EXPECT_EQ(port_.heard(), KcpBare::per_host_max);
        }
    }
    EXPECT_EQ(port_.heard(), KcpBare::conversations_max);
}

TEST_F(KcpBarePort, case_37_nobody_is_answered_before_somebody_was_let_in) {
    VirtualExecutor& strict = world_.time.add_executor();
    NobodyMay nobody_may;
    Desk desk{strict, world_.directory, nobody_may, random_};
    use(desk);
    KcpBare port{desk, std::move(*network_.open(strict, {"192.0.2.7", 8911}))};
    strict.run([&] { port.listen(); });
    const auto stranger = open("192.0.2.9");
    std::vector<std::byte> bytes;
    const std::vector<std::byte> payload(188, ts::sync_byte);
    kcp::append(bytes, {.conv = 2, .payload = payload});
    for (int i = 0; i < 50; ++i) {
        const std::array slices{ByteSpan{bytes}};
        std::array batch{Datagram{.peer = *PeerAddress::parse({"192.0.2.7", 8911}), .slices = slices}};
        EXPECT_TRUE(stranger->send(batch));
        world_.time.run_for(100ms);
    }
    EXPECT_EQ(stranger->counters().received, 0U);
    ASSERT_EQ(nobody_may.petitions.size(), 1U) << "one that was refused does not ask with each datagram";
    EXPECT_EQ(nobody_may.petitions.front().stream, "live/other");
    EXPECT_EQ(nobody_may.petitions.front().action, hub::Action::publish);
    EXPECT_FALSE(nobody_may.petitions.front().encrypted);
    EXPECT_EQ(port.heard(), 0U);
    world_.time.stop();
}

}   // namespace
}   // namespace millrace::session
