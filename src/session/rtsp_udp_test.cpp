#include "session/rtsp_datagrams.hpp"

#include "session/rtsp_udp_for_tests.hpp"

#include <array>

namespace millrace::session {
namespace {

using media::Codec;
using toys::RtspCamera;
using toys::RtspPeer;
using toys::RtspTalker;
using toys::send_to;
using toys::UdpWorld;

constexpr std::uint16_t player_port = 5'000;
constexpr std::uint16_t camera_port = 6'000;
constexpr std::string_view url = "rtsp://h/live/cam";

/// The sockets of a peer: of each track one for RTP and one for RTCP.
struct Sockets {
    std::vector<std::unique_ptr<Datagrams>> all;

    Sockets(UdpWorld& scene, std::uint16_t first) {
        for (std::uint16_t i = 0; i < 4; ++i) {
            all.push_back(scene.open(UdpWorld::client_host, static_cast<std::uint16_t>(first + i)));
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
                    send_to(*sockets.all[i * 2], 8'000, packets.at(n));
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
    const std::string again = talker.ask("PLAY", url, session);
    EXPECT_TRUE(again.starts_with("RTSP/1.0 200 "));
    EXPECT_NE(again.find("RTP-Info: "), std::string::npos) << again;
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
