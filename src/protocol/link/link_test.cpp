#include "protocol/link/link_for_tests.hpp"

#include <fmt/format.h>

#include <cstdio>

namespace millrace::link {
namespace {

using toys::at;
using toys::Hostility;
using toys::World;

std::vector<std::string> numbered(std::string_view word, int count) {
    std::vector<std::string> all;
    for (int i = 0; i < count; ++i) {
        all.push_back(fmt::format("{} {} {}", word, i, std::string(static_cast<std::size_t>(i % 3000), 'x')));
    }
    return all;
}

void send_all(World& world, const std::vector<std::string>& up, const std::vector<std::string>& down) {
    for (std::size_t i = 0; i < std::max(up.size(), down.size()); ++i) {
        if (i < up.size()) {
            EXPECT_TRUE(world.client->send(Bytes::copy(up[i]), world.now));
        }
        if (i < down.size()) {
            EXPECT_TRUE(world.server.send(world.client->id(), Bytes::copy(down[i]), world.now));
        }
        world.run_for(5ms);
    }
}

TEST(Link, opens_by_a_certificate_that_is_pinned_and_carries_messages_both_ways) {
    World world;
    world.connect(world.pinned());
    EXPECT_FALSE(world.client->send(Bytes::copy("too early"), world.now));
    world.run_for(500ms);
    ASSERT_TRUE(world.open());
    const auto up = numbered("up", 300);
    const auto down = numbered("down", 300);
    send_all(world, up, down);
    world.run_for(1s);
    EXPECT_EQ(world.at_server, up);
    EXPECT_EQ(world.at_client, down);
}

TEST(Link, opens_in_three_round_trips) {
    World world;
    world.connect(world.pinned());
    world.run_for(3 * 40ms + 10ms);
    EXPECT_TRUE(world.open());
}

TEST(Link, believes_no_other_certificate) {
    World world;
    world.connect({.pin = *fingerprint_of(make_identity("another")->certificate)});
    world.run_for(6s);
    ASSERT_TRUE(world.client->ending());
    EXPECT_EQ(world.client->ending()->code, Errc::refused);
    EXPECT_EQ(world.opened, 0);
    EXPECT_EQ(world.server.size(), 0U);
}

TEST(Link, believes_a_certificate_that_an_authority_signed_for_the_host) {
    World world;
    const std::string path = fmt::format("{}/link_authority.pem", ::testing::TempDir());
    std::FILE* const file = std::fopen(path.c_str(), "we");
    std::fputs(world.identity.certificate.c_str(), file);
    std::fclose(file);
    World wrong_host;
    world.connect({.host = "camera box", .authorities = path});
    world.run_for(1s);
    EXPECT_TRUE(world.open());
    wrong_host.connect({.host = "camera box", .authorities = path});
    wrong_host.run_for(6s);
    EXPECT_FALSE(wrong_host.client->is_open()) << "its server shows a certificate that nobody signed";
    World other;
    other.connect({.host = "another box", .authorities = path});
    other.run_for(6s);
    EXPECT_FALSE(other.client->is_open());
    EXPECT_EQ(other.opened, 0);
    std::remove(path.c_str());
}

TEST(Link, opens_by_a_key_that_both_know_and_by_no_other) {
    const std::vector<std::byte> key(32, std::byte{7});
    std::vector<std::byte> wrong = key;
    wrong.back() = std::byte{8};
    World world{{}, 1, {}, {{"box 1", key}}};
    world.connect({.psk = DtlsClient::Psk{"box 1", key}});
    world.run_for(1s);
    ASSERT_TRUE(world.open());
    EXPECT_EQ(world.server.find(world.client->id())->psk_identity(), "box 1");
    for (const DtlsClient::Psk& psk : {DtlsClient::Psk{"box 1", wrong}, {"box 2", key}}) {
        World other{{}, 1, {}, {{"box 1", key}}};
        other.connect({.psk = psk});
        other.run_for(200ms);
        ASSERT_TRUE(other.client->ending()) << psk.identity << " is told in five ways of 20 ms";
        EXPECT_EQ(other.client->ending()->code, Errc::refused);
        EXPECT_EQ(other.opened, 0);
        EXPECT_EQ(other.server.size(), 0U);
    }
}

TEST(Link, opens_and_keeps_its_order_on_any_network) {
    const std::vector<std::byte> key(32, std::byte{7});
    int opened = 0;
    const auto sent = numbered("up", 60);
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        World world{
            {.line = {.in_order = false, .loss = 0.2, .duplication = 0.1}}, seed, {}, {{"box 1", key}}};
        world.connect(seed % 2 == 0 ? DtlsClient::Trust{.psk = {{"box 1", key}}} : world.pinned());
        world.run_for(4900ms);
        if (!world.open()) {
            EXPECT_FALSE(world.client->ending()) << "nobody refuses the other, seed " << seed;
            continue;
        }
        ++opened;
        world.broken = 0.05;   // before there are keys, a changed bit may end a handshake
        send_all(world, sent, sent);
        world.run_for(3s);
        EXPECT_EQ(world.at_server, sent) << "seed " << seed;
        EXPECT_EQ(world.at_client, sent) << "seed " << seed;
    }
    EXPECT_GE(opened, 36);
}

TEST(Link, carries_segments_as_full_as_they_may_be_with_parity_over_them) {
    World world;
    world.connect(world.pinned());
    world.run_for(1s);
    ASSERT_TRUE(world.open());
    const kcp::Line line{.delay_min = 20ms, .delay_max = 20ms, .loss = 0.1};
    world.up.change(line);
    world.down.change(line);
    const std::string full(link_settings().segment_max(), 'x');
    for (int i = 0; i < 300; ++i) {
        ASSERT_TRUE(world.client->send(Bytes::copy(as_bytes(full)), world.now));
        world.run_for(20ms);
    }
    world.run_for(2s);
    EXPECT_GT(world.client->parity(), 0);
    EXPECT_TRUE(world.client->is_open());
    EXPECT_EQ(world.at_server, std::vector<std::string>(300, full));
}

TEST(Link, f16_what_was_changed_on_its_way_says_nothing) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    ASSERT_TRUE(world.open());
    const auto sent = numbered("up", 50);
    send_all(world, sent, {});
    world.run_for(1s);
    ASSERT_EQ(world.at_server, sent);
    const auto recorded = world.recorded;
    const std::uint64_t before = world.server.find(world.client->id())->counters().refused;
    std::uint64_t tried = 0;
    for (std::size_t bit = 0; bit < 64U * 8; bit += 7) {
        std::vector<std::byte> changed = recorded.back();
        if (bit / 8 >= id_size && bit / 8 < changed.size()) {
            changed[bit / 8] ^= static_cast<std::byte>(1U << bit % 8);
            world.server.receive(world.client_address, changed, world.now);
            ++tried;
        }
    }
    EXPECT_EQ(world.server.find(world.client->id())->counters().refused - before, tried);
    world.run_for(1s);
    EXPECT_TRUE(world.open());
    EXPECT_EQ(world.at_server, sent);
}

TEST(Link, case_37_a_stranger_is_answered_no_more_than_it_said_and_nothing_is_kept_of_it) {
    World world;
    world.connect(world.pinned());
    const std::vector<std::byte> hello = world.client->next_output()->bytes;
    std::size_t answered = 0;
    for (int i = 0; i < 2'000; ++i) {
        std::vector<std::byte> forged = hello;
        world.random.fill(std::span{forged}.first(id_size));
        world.server.receive(at(fmt::format("203.0.113.{}", i % 250), 99), forged, world.now);
        std::size_t size = 0;
        while (const auto letter = world.server.next_output()) {
            size += letter->bytes.size();
            ++answered;
        }
        ASSERT_LE(size, forged.size());
    }
    EXPECT_EQ(answered, 2'000U);
    EXPECT_EQ(world.server.size(), 0U);
    EXPECT_EQ(world.server.deadline(), Instant::never());
    EXPECT_FALSE(world.server.next_event());
}

TEST(Link, case_37_datagrams_cut_at_every_byte_and_bare_kcp_are_not_answered) {
    World world;
    world.connect(world.pinned());
    const std::vector<std::byte> hello = world.client->next_output()->bytes;
    for (std::size_t size = 0; size < hello.size(); ++size) {
        world.server.receive(world.client_address, ByteSpan{hello}.first(size), world.now);
        EXPECT_FALSE(world.server.next_output()) << size;
    }
    std::vector<std::byte> bare;
    kcp::append(bare, {.conv = 1, .frg = 255, .wnd = 65'535, .sn = 9, .una = 0xFFFF'0000});
    world.server.receive(world.client_address, bare, world.now);
    EXPECT_FALSE(world.server.next_output());
    EXPECT_EQ(world.server.size(), 0U);
}

TEST(Link, case_37_a_cookie_is_good_only_from_where_it_was_sent_to_and_not_for_long) {
    World world;
    world.connect(world.pinned());
    world.run_for(75ms);   // the second hello, with its cookie, came
    ASSERT_GE(world.recorded.size(), 2U);
    const std::vector<std::byte> with_cookie = world.recorded.at(1);
    World fresh{{}, 2};   // which has other secrets
    fresh.connect(fresh.pinned());
    fresh.server.receive(world.client_address, with_cookie, fresh.now);
    EXPECT_EQ(fresh.server.size(), 0U);
    world.client->close("done", world.now);
    world.run_for(6s);
    ASSERT_EQ(world.server.size(), 0U);
    world.server.receive(at("203.0.113.1", 40'000), with_cookie, world.now);
    EXPECT_EQ(world.server.size(), 0U);
    world.server.receive(at("198.51.100.7", 40'001), with_cookie, world.now);
    EXPECT_EQ(world.server.size(), 0U);
    for (int i = 0; i < 2; ++i) {
        world.now = world.now + DtlsServer::cookie_lifetime;
        world.server.receive(at("203.0.113.2", 1), with_cookie, world.now);   // somebody is heard meanwhile
    }
    world.server.receive(world.client_address, with_cookie, world.now);
    EXPECT_EQ(world.server.size(), 0U);
}

TEST(Link, case_38_a_recorded_session_that_is_played_again_is_refused) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    const auto sent = numbered("up", 50);
    send_all(world, sent, {});
    world.run_for(500ms);
    ASSERT_EQ(world.at_server, sent);
    const auto recorded = world.recorded;
    for (const auto& datagram : recorded) {   // while it goes on
        world.to_server(world.client_address, datagram);
        world.to_server(at("203.0.113.9", 1), datagram);
        world.drain();
    }
    EXPECT_EQ(world.at_server, sent);
    EXPECT_TRUE(world.open());
    EXPECT_TRUE(world.elsewhere.empty()) << "what was there before moves nobody";
    world.client->close("done", world.now);
    world.run_for(500ms);
    ASSERT_EQ(world.server.size(), 0U);
    for (const auto& datagram : recorded) {   // when it is over
        world.to_server(world.client_address, datagram);
        world.drain();
    }
    world.run_for(6s);
    EXPECT_EQ(world.opened, 1);
    EXPECT_EQ(world.at_server, sent);
    EXPECT_EQ(world.server.size(), 0U);
}

TEST(Link, follows_its_peer_to_another_address_once_that_has_answered) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    ASSERT_TRUE(world.open());
    const PeerAddress old = world.client_address;
    world.client_address = at("203.0.113.50", 1234);
    const auto sent = numbered("down", 20);
    send_all(world, {}, sent);
    world.run_for(1s);
    EXPECT_EQ(world.server.find(world.client->id())->peer(), world.client_address);
    EXPECT_NE(world.server.find(world.client->id())->peer(), old);
    EXPECT_EQ(world.server.find(world.client->id())->counters().moves, 1U);
    EXPECT_EQ(world.at_client, sent);
}

TEST(Link, whoever_sends_its_words_on_from_elsewhere_moves_nothing) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    ASSERT_TRUE(world.open());
    const PeerAddress thief = at("203.0.113.66", 6);
    world.client_deaf = true;
    std::size_t came = 0;
    for (int i = 0; i < 1000; ++i) {   // all that the client says comes from the thief alone
        world.now = world.now + 1ms;
        world.client->advance(world.now);
        while (const auto letter = world.client->next_output()) {
            world.to_server(thief, letter->bytes);
            came += letter->bytes.size();
        }
        world.server.advance(world.now);
        world.drain();
    }
    std::size_t went = 0;
    for (const Letter& letter : world.elsewhere) {
        went += letter.peer == thief ? letter.bytes.size() : 0;
    }
    EXPECT_GT(went, 0U) << "it was asked";
    EXPECT_LE(went, came * 4);
    EXPECT_EQ(world.server.find(world.client->id())->peer(), world.client_address);
    world.client_deaf = false;
    const auto sent = numbered("down", 10);
    send_all(world, {}, sent);
    world.run_for(1s);
    EXPECT_EQ(world.at_client, sent);
}

TEST(Link, a_dead_peer_is_found_within_3_s) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    ASSERT_TRUE(world.open());
    world.client_mute = true;
    const Instant died = world.now;
    while (world.ended.empty() && world.now < died + 10s) {
        world.run_for(1ms);
    }
    EXPECT_LE(world.now - died, 3s);
    ASSERT_EQ(world.ended.size(), 1U);
    EXPECT_EQ(world.ended.front().why.code, Errc::timed_out);
    EXPECT_TRUE(world.ended.front().was_open);
    EXPECT_EQ(world.server.size(), 0U);
}

TEST(Link, an_idle_link_lives_on_at_30_percent_loss) {
    World world{{.line = {.delay_min = 50ms, .delay_max = 50ms}}};
    world.connect(world.pinned());
    world.run_for(1s);
    ASSERT_TRUE(world.open());
    world.up.change({.delay_min = 50ms, .delay_max = 50ms, .loss = 0.3});
    world.down.change({.delay_min = 50ms, .delay_max = 50ms, .loss = 0.3});
    world.run_for(10min);
    EXPECT_TRUE(world.open());
}

TEST(Link, a_close_is_told_with_its_reason) {
    World world;
    world.connect(world.pinned());
    world.run_for(500ms);
    world.client->close("the camera was switched off", world.now);
    world.run_for(100ms);
    ASSERT_EQ(world.ended.size(), 1U);
    EXPECT_EQ(world.ended.front().why.code, Errc::closed);
    EXPECT_EQ(world.ended.front().farewell, "the camera was switched off");
    EXPECT_FALSE(world.client->send(Bytes::copy("more"), world.now));
}

TEST(Link, handshakes_that_never_end_are_limited_by_host_and_forgotten) {
    World world;
    std::vector<std::unique_ptr<DtlsClient>> contexts;
    for (std::uint16_t i = 0; i < 40; ++i) {
        contexts.push_back(*DtlsClient::make(world.pinned()));
        Association client{{Association::Role::client, *contexts.back()->connect(), i, world.server_address},
                           world.random,
                           world.now};
        const PeerAddress from = at("203.0.113.5", static_cast<std::uint16_t>(1000 + i));
        for (int trip = 0; trip < 2; ++trip) {
            while (const auto letter = client.next_output()) {
                world.server.receive(from, letter->bytes, world.now);
            }
            while (const auto letter = world.server.next_output()) {
                client.receive(world.server_address, ByteSpan{letter->bytes}.subspan(id_size), world.now);
            }
        }
    }
    EXPECT_EQ(world.server.size(), Server::Limits{}.handshakes_of_host);
    EXPECT_GT(world.server.counters().turned_away, 0U);
    world.now = world.now + Association::handshake_max;
    world.server.advance(world.now);
    EXPECT_EQ(world.server.size(), 0U);
}

/// Frames of 2 Mbit/s over a link.
struct Carried {
    double in_time;               ///< share that was whole within the limit from its capture
    double overhead;              ///< bytes of the way up, with IP and UDP, over those of the frames
    float queue_p95_ms;           ///< where the rate is limited
    std::vector<Duration> took;   ///< from capture until it was whole, each
};
Carried carry(const kcp::Line& line, Duration limit, std::uint64_t seed = 5) {
    World world{{.line = {.delay_min = line.delay_min, .delay_max = line.delay_max}}, seed};
    world.connect(world.pinned());
    world.run_for(3s);
    EXPECT_TRUE(world.open());
    world.up.change(line);
    world.down.change(line);
    constexpr int frames = 900;
    const std::uint64_t before = world.up.bytes;
    std::size_t payload = 0;
    std::vector<Instant> captured;
    std::vector<Duration> took;
    const auto look = [&] {
        while (took.size() < world.at_server.size()) {
            took.push_back(world.now - captured.at(took.size()));
        }
    };
    for (int frame = 0; frame < frames; ++frame) {
        captured.push_back(world.now);
        const std::size_t size = frame % 60 == 0 ? 45'000 : 7'700;
        payload += size;
        EXPECT_TRUE(world.client->send(Bytes{std::vector<std::byte>(size)}, world.now));
        for (int ms = 0; ms < 33; ++ms) {
            world.run_for(1ms);
            look();
        }
    }
    for (int ms = 0; ms < 3000; ++ms) {
        world.run_for(1ms);
        look();
    }
    EXPECT_EQ(took.size(), captured.size());
    EXPECT_TRUE(world.open());
    const auto good = std::ranges::count_if(took, [limit](Duration one) { return one <= limit; });
    std::vector<float> delays = world.up.narrow().delays;
    std::ranges::sort(delays);
    return {.in_time = static_cast<double>(good) / frames,
            .overhead = static_cast<double>(world.up.bytes - before) / static_cast<double>(payload),
            .queue_p95_ms = delays.empty() ? 0 : delays[delays.size() * 95 / 100],
            .took = std::move(took)};
}

TEST(Link, f14_at_20_percent_loss_99_9_percent_of_frames_are_there_in_4_round_trips_and_200_ms) {
    const Carried got = carry({.delay_min = 50ms, .delay_max = 50ms, .loss = 0.2}, 600ms);
    EXPECT_GE(got.in_time, 0.999);
    EXPECT_LE(got.overhead, 1.60);
}

TEST(Link, f14_at_30_percent_loss_99_9_percent_of_frames_are_there_and_99_percent_in_420_ms) {
    constexpr std::uint64_t seeds = 4;
    double in_time = 0;
    double overhead = 0;
    std::vector<Duration> took;
    for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
        const Carried got = carry({.delay_min = 50ms, .delay_max = 50ms, .loss = 0.3}, 600ms, seed);
        EXPECT_GE(got.in_time, 0.99) << seed;
        in_time += got.in_time / seeds;
        overhead += got.overhead / seeds;
        took.insert(took.end(), got.took.begin(), got.took.end());
    }
    std::ranges::sort(took);
    EXPECT_GE(in_time, 0.999);
    EXPECT_LE(took[took.size() * 99 / 100], 420ms);
    EXPECT_LE(overhead, 2.0);
}

TEST(Link, f14_at_5_percent_and_300_ms_round_trip) {
    const Carried got = carry({.delay_min = 150ms, .delay_max = 150ms, .loss = 0.05}, 1400ms);
    EXPECT_GE(got.in_time, 0.999);
    EXPECT_LE(got.overhead, 1.4);
}

TEST(Link, f14_at_10_percent_in_long_bursts_nothing_is_lost) {
    const Carried got = carry({.delay_min = 50ms, .delay_max = 50ms, .loss = 0.1, .burst = 20}, 1s);
    EXPECT_GE(got.in_time, 0.99);
}

TEST(Link, a_path_of_3_mbit_is_not_flooded) {
    for (const double loss : {0.0, 0.01}) {
        const kcp::Line line{.delay_min = 30ms, .delay_max = 62ms, .loss = loss, .bytes_per_second = 375'000};
        const Carried one = carry(line, 350ms);
        EXPECT_GE(one.in_time, 0.99) << loss;
        EXPECT_LE(one.queue_p95_ms, loss == 0 ? 30 : 45) << loss;
        constexpr std::uint64_t seeds = 4;
        double in_time = 0;
        float queue_p95_ms = 0;
        for (std::uint64_t seed = 1; seed <= seeds; ++seed) {
            const Carried got = carry(line, 350ms, seed);
            in_time += got.in_time / seeds;
            queue_p95_ms += got.queue_p95_ms / seeds;
        }
        EXPECT_GE(in_time, 0.99) << loss;
        EXPECT_LE(queue_p95_ms, 36) << loss;
    }
}

TEST(Fingerprints, are_read_as_people_write_them) {
    const Fingerprint one = *fingerprint_of(make_identity("a")->certificate);
    const std::string text = text_of(one);
    EXPECT_EQ(text.size(), 64U);
    EXPECT_EQ(fingerprint_in(text), one);
    std::string upper;
    for (std::size_t i = 0; i < text.size(); ++i) {
        upper += static_cast<char>(std::toupper(static_cast<unsigned char>(text[i])));
        upper += i % 2 == 1 && i + 1 < text.size() ? ":" : "";
    }
    EXPECT_EQ(fingerprint_in(upper), one);
    for (const std::string& bad :
         {std::string{}, text.substr(2), text + "00", "0x" + text.substr(2), text + ":"}) {
        EXPECT_FALSE(fingerprint_in(bad)) << bad;
    }
}

}   // namespace
}   // namespace millrace::link
