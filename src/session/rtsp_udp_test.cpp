#include "session/rtsp_datagrams.hpp"

#include "base/virtual_network.hpp"
#include "session/rtsp_peers_for_tests.hpp"

#include <array>

namespace millrace::session {
namespace {

using media::Codec;
using toys::RtspCamera;
using toys::RtspPeer;
using toys::RtspTalker;
using toys::RtspWorld;

constexpr std::uint16_t player_port = 5'000;
constexpr std::uint16_t camera_port = 6'000;
constexpr std::string_view url = "rtsp://h/live/cam";

/// A server with UDP ports, 192.0.2.2, and its peers, who are all 192.0.2.1.
struct UdpWorld : RtspWorld {
    VirtualNetwork network{world.time};
    MediaPorts ports{
        server, {*network.open(server, {"192.0.2.2", 8'000}), *network.open(server, {"192.0.2.2", 8'001})}};

    UdpWorld() {
        ports.listen();
        desk.media_ports = &ports;
    }
    UdpWorld(const UdpWorld&) = delete;
    UdpWorld& operator=(const UdpWorld&) = delete;
    ~UdpWorld() { world.time.stop(); }
};

/// The sockets of a peer: of each track one for RTP and one for RTCP.
struct Sockets {
    std::vector<std::unique_ptr<Datagrams>> all;

    Sockets(UdpWorld& scene, std::uint16_t first, const char* address = "192.0.2.1") {
        for (std::uint16_t i = 0; i < 4; ++i) {
            all.push_back(
                *scene.network.open(scene.clients, {address, static_cast<std::uint16_t>(first + i)}));
        }
    }
    std::vector<Bytes> hear(std::size_t which) {
        std::vector<Bytes> packets;
        std::array<std::byte, 2'000> buffer;
        std::array<Received, 1> into{Received{.buffer = buffer}};
        while (all[which]->receive(into)) {
            packets.push_back(Bytes::copy(as_text(into[0].bytes())));
        }
        return packets;
    }
    void say(std::size_t which, ByteSpan packet, std::uint16_t to) {
        const std::array slices{packet};
        std::array batch{Datagram{.peer = *PeerAddress::parse({"192.0.2.2", to}), .slices = slices}};
        ASSERT_TRUE(all[which]->send(batch));
    }
};

/// A publisher by UDP.
struct UdpCamera {
    UdpWorld& scene;
    std::vector<media::Track> tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    rtsp::Offer offer = rtsp::offer_of(tracks, "");
    RtspPeer peer{scene, toys::publishes(offer), camera_port};
    Sockets sockets{scene, camera_port};
    std::vector<std::unique_ptr<rtp::Sender>> senders;
    std::vector<std::vector<Bytes>> sent = std::vector<std::vector<Bytes>>(2);

    explicit UdpCamera(UdpWorld& its_scene) : scene{its_scene} {
        for (std::uint32_t i = 0; i < 2; ++i) {
            senders.push_back(std::make_unique<rtp::Sender>(
                offer.formats[i],
                rtp::PacketNumbering{.payload_type = offer.formats[i].payload_type, .ssrc = i + 1}));
        }
    }
    void send(std::int64_t at_ms) {
        for (std::size_t i = 0; i < 2; ++i) {
            for (const media::AccessUnit& unit : flv::samples::units(tracks[i], at_ms)) {
                ASSERT_TRUE(senders[i]->write(unit));
                rtp::Packets& packets = senders[i]->packets();
                for (std::size_t n = 0; n < packets.count(); ++n) {
                    sockets.say(i * 2, packets.at(n), 8'000);
                }
                packets.clear();
                sent[i].push_back(unit.payload);
            }
        }
        scene.run_for(160ms);
    }
};

std::vector<std::vector<Bytes>> units_of(RtspPeer& peer, Sockets& sockets, Instant now) {
    std::vector<std::vector<Bytes>> units;
    for (std::size_t i = 0; i < peer.description().media.size(); ++i) {
        const auto format = rtsp::payload_of(peer.description().media[i]);
        auto receiver = *rtp::Receiver::make(*format, {.reorder_wait = rtp::Receiver::reorder_wait_udp});
        std::vector<Bytes>& got = units.emplace_back();
        const auto drain = [&] {
            while (std::optional<media::AccessUnit> unit = receiver.next()) {
                got.push_back(unit->payload);
            }
        };
        for (const Bytes& packet : sockets.hear(i * 2)) {
            receiver.receive(packet, now);
            drain();
        }
        receiver.advance(now + 1s);
        drain();
    }
    return units;
}

TEST(RtspByUdp, publishes_and_plays_each_unit_once_and_in_order) {
    UdpWorld scene;
    UdpCamera camera{scene};
    ASSERT_TRUE(camera.peer.started());
    EXPECT_EQ(camera.peer.setups()[0].transport.server_ports, (rtsp::Ports{8'000, 8'001}));
    camera.send(0);
    Sockets sockets{scene, player_port};
    RtspPeer player{scene, toys::plays(), player_port};
    ASSERT_TRUE(player.started());
    EXPECT_EQ(player.starts().size(), 2U);
    for (std::int64_t at = 160; at < 1'600; at += 160) {
        camera.send(at);
    }
    scene.run_for(1s);
    EXPECT_EQ(units_of(player, sockets, scene.world.time.now()), camera.sent);
    EXPECT_FALSE(sockets.hear(1).empty()) << "sender reports come by the other port";
    EXPECT_FALSE(camera.sockets.hear(1).empty()) << "and receiver reports to the publisher";
    EXPECT_EQ(scene.ports.fan_out().viewers(), 1U);
}

TEST(RtspByUdp, hands_on_no_broken_unit_where_packets_are_lost_and_overtake_each_other) {
    UdpWorld scene;
    scene.network.set_path({"192.0.2.1", 0}, {"192.0.2.2", 0},
                           {.loss = 0.05, .duplication = 0.02, .reordering = 0.1});
    UdpCamera camera{scene};
    ASSERT_TRUE(camera.peer.started());
    camera.send(0);
    camera.send(160);
    Sockets sockets{scene, player_port};
    RtspPeer player{scene, toys::plays(), player_port};
    ASSERT_TRUE(player.started());
    for (std::int64_t at = 320; at < 8'000; at += 160) {
        camera.send(at);
    }
    scene.run_for(1s);
    const auto got = units_of(player, sockets, scene.world.time.now());
    EXPECT_GT(got[0].size(), 50U);
    EXPECT_GT(got[1].size(), 50U);
    for (std::size_t i = 0; i < 2; ++i) {
        for (const Bytes& unit : got[i]) {
            EXPECT_NE(std::ranges::find(camera.sent[i], unit), camera.sent[i].end());
        }
    }
}

TEST(RtspByUdp, case_18_sends_to_the_host_that_asked_whatever_destination_it_names) {
    UdpWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    Sockets victim{scene, player_port, "192.0.2.99"};
    Sockets own{scene, player_port};
    RtspTalker talker{scene};
    talker.ask("DESCRIBE", url);
    const std::string answer =
        talker.ask("SETUP", fmt::format("{}/trackID=0", url),
                   "Transport: RTP/AVP;unicast;destination=192.0.2.99;client_port=5000-5001\r\n");
    ASSERT_TRUE(answer.starts_with("RTSP/1.0 200 ")) << answer;
    EXPECT_EQ(answer.find("192.0.2.99"), std::string::npos);
    const std::string session = answer.substr(answer.find("Session: ") + 9, 16);
    talker.ask("PLAY", url, fmt::format("Session: {}\r\n", session));
    scene.run_for(1s);
    EXPECT_TRUE(victim.hear(0).empty());
    EXPECT_FALSE(own.hear(0).empty());
}

TEST(RtspByUdp, case_21_packets_of_another_host_are_nobodys) {
    UdpWorld scene;
    UdpCamera camera{scene};
    camera.send(0);
    Sockets stranger{scene, camera_port, "192.0.2.66"};
    const std::uint64_t before = scene.world.reports().at(0).bytes_in;
    stranger.say(0, as_bytes(std::string_view{"\x80\x60 nothing of yours"}), 8'000);
    scene.run_for(100ms);
    EXPECT_EQ(scene.ports.counters().strangers, 1U);
    EXPECT_EQ(scene.world.reports().at(0).bytes_in, before);
}

TEST(RtspByUdp, a_player_that_says_nothing_for_a_minute_ends_and_one_with_reports_stays) {
    UdpWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspPeer silent{scene, toys::plays(), player_port};
    RtspPeer alive{scene, toys::plays(), player_port + 10};
    Sockets sockets{scene, player_port + 10};
    EXPECT_EQ(scene.ports.fan_out().viewers(), 2U);
    std::vector<std::byte> report;
    rtp::write_receiver_report(report, {.ssrc = 9, .blocks = {}});
    for (int second = 1; second < 70; ++second) {
        camera.send(second * 1'000);
        sockets.say(1, report, 8'001);
        scene.run_for(1s);
    }
    EXPECT_EQ(scene.ports.fan_out().viewers(), 1U);
    silent.talk();
    EXPECT_TRUE(silent.over());
    alive.talk();
    EXPECT_FALSE(alive.over());
}

TEST(RtspByUdp, pauses_goes_on_and_gives_all_back_at_teardown) {
    UdpWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    Sockets own{scene, player_port};
    RtspTalker talker{scene};
    talker.ask("DESCRIBE", url);
    const std::string set_up = talker.ask("SETUP", fmt::format("{}/trackID=0", url),
                                          "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n");
    const std::string session =
        fmt::format("Session: {}\r\n", set_up.substr(set_up.find("Session: ") + 9, 16));
    const std::string mixed = talker.ask("SETUP", fmt::format("{}/trackID=1", url),
                                         session + "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    EXPECT_TRUE(mixed.starts_with("RTSP/1.0 200 "));
    EXPECT_TRUE(talker.ask("PLAY", url, session).starts_with("RTSP/1.0 461 ")) << "half by TCP";
    talker.ask("SETUP", fmt::format("{}/trackID=1", url),
               session + "Transport: RTP/AVP;unicast;client_port=5002-5003\r\n");
    EXPECT_TRUE(talker.ask("PLAY", url, session).starts_with("RTSP/1.0 200 "));
    scene.run_for(1s);
    EXPECT_FALSE(own.hear(0).empty());
    EXPECT_TRUE(talker.ask("PAUSE", url, session).starts_with("RTSP/1.0 200 "));
    camera.send(2'000);
    scene.run_for(1s);
    EXPECT_TRUE(own.hear(0).empty());
    EXPECT_TRUE(talker.ask("PLAY", url, session).starts_with("RTSP/1.0 200 "));
    scene.run_for(1s);
    EXPECT_FALSE(own.hear(0).empty());
    EXPECT_TRUE(talker.ask("TEARDOWN", url, session).starts_with("RTSP/1.0 200 "));
    camera.send(4'000);
    scene.run_for(1s);
    EXPECT_TRUE(own.hear(0).empty());
    EXPECT_EQ(scene.ports.fan_out().viewers(), 0U);
    EXPECT_EQ(scene.desk.sessions.size(), 1U);
}

}   // namespace
}   // namespace millrace::session
