#include "protocol/rtp/klv.hpp"
#include "protocol/rtsp/muxer.hpp"
#include "session/rtsp_peers_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::RtspPeer;
using toys::RtspWorld;

/// A publisher of pictures and KLV, by TCP.
struct Drone {
    explicit Drone(RtspWorld& its_scene) : scene{its_scene} {
        for (std::size_t i = 0; i < tracks.size(); ++i) {
            senders.push_back(std::make_unique<rtp::Sender>(
                offer.formats[i], rtp::PacketNumbering{.payload_type = offer.formats[i].payload_type,
                                                       .ssrc = static_cast<std::uint32_t>(i + 1),
                                                       .timestamp = static_cast<std::uint32_t>(70'000 * i),
                                                       .channel = static_cast<std::uint8_t>(2 * i)}));
        }
    }
    void send(std::size_t track, const media::AccessUnit& unit) {
        EXPECT_TRUE(senders[track]->write(unit));
        peer.send(senders[track]->packets().bytes);
        senders[track]->packets().clear();
    }
    /// Groups of four pictures each 40 ms, with KLV beside the first of each.
    void fly(int groups) {
        for (; groups > 0; --groups) {
            for (media::AccessUnit& unit : flv::samples::units(tracks[0], at_ms)) {
                send(0, unit);
            }
            media::TimedMessage klv{.kind = media::TimedMessage::Kind::klv,
                                    .body = rtp::samples::grown({}, 1'000 + said.size() * 500),
                                    .pts = at_ms * 90};
            send(1, rtp::klv_unit(klv, tracks[1].config));
            said.push_back(klv.body);
            at_ms += 160;
            scene.run_for(160ms);
        }
    }

    RtspWorld& scene;
    std::vector<media::Track> tracks{flv::samples::track(media::Codec::h264), rtsp::klv_track()};
    rtsp::Offer offer = rtsp::offer_of(tracks, "");
    RtspPeer peer{scene, toys::publishes(offer)};
    std::vector<std::unique_ptr<rtp::Sender>> senders;
    std::vector<Bytes> said;
    std::int64_t at_ms = 1'000;
};

TEST(RtspKlv, what_is_published_with_klv_is_played_with_it_byte_by_byte) {
    RtspWorld scene;
    Drone drone{scene};
    ASSERT_TRUE(drone.peer.started());
    drone.fly(1);
    RtspPeer player{scene, toys::plays()};
    ASSERT_TRUE(player.started());
    ASSERT_EQ(player.description().media.size(), 2U);
    const sdp::Media& klv = player.description().media[1];
    EXPECT_EQ(klv.kind, "application");
    ASSERT_EQ(klv.formats.size(), 1U);
    EXPECT_EQ(klv.formats[0].encoding, "smpte336m");
    EXPECT_EQ(klv.formats[0].clock_rate, 90'000U);
    EXPECT_EQ(scene.world.reports().at(0).tracks.size(), 1U) << "it is no track of the stream";
    for (int i = 0; i < 9; ++i) {
        drone.fly(1);
        player.talk();
    }
    const std::vector<std::vector<Bytes>> got = toys::units_of(player);
    EXPECT_EQ(got[1], (std::vector<Bytes>{drone.said.begin() + 1, drone.said.end()}));
    EXPECT_GE(got[0].size(), 36U);
    EXPECT_EQ(scene.world.reports().at(0).results.taken, 10U);
    EXPECT_EQ(scene.world.reports().at(0).results.refused, 0U);
}

TEST(RtspKlv, a_player_that_sets_up_the_pictures_alone_is_sent_them_alone) {
    RtspWorld scene;
    Drone drone{scene};
    drone.fly(1);
    toys::RtspTalker player{scene};
    EXPECT_NE(player.ask("DESCRIBE", "rtsp://h/live/cam").find("m=application"), std::string::npos);
    const std::string set_up = player.ask("SETUP", "rtsp://h/live/cam/trackID=0",
                                          "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    const std::size_t at = set_up.find("Session: ") + 9;
    const std::string session = set_up.substr(at, set_up.find_first_of(";\r", at) - at);
    player.ask("PLAY", "rtsp://h/live/cam", fmt::format("Session: {}\r\n", session));
    drone.fly(3);
    std::string heard = player.hear();
    std::size_t frames = 0;
    while (heard.size() > 4 && heard[0] == '$') {
        EXPECT_LE(heard[1], 1);
        const std::size_t size =
            static_cast<std::uint8_t>(heard[2]) * 256U + static_cast<std::uint8_t>(heard[3]);
        heard.erase(0, 4 + size);
        ++frames;
    }
    EXPECT_TRUE(heard.empty());
    EXPECT_GE(frames, 12U);
}

TEST(RtspKlv, streams_without_klv_have_no_such_track) {
    RtspWorld scene;
    toys::RtspCamera camera{scene, {media::Codec::h264}};
    camera.send(0);
    RtspPeer player{scene, toys::plays()};
    EXPECT_EQ(player.description().media.size(), 1U);
}

}   // namespace
}   // namespace millrace::session
