#include "session/rtsp_datagrams.hpp"

#include "protocol/rtp/rtcp.hpp"
#include "session/rtsp_udp_for_tests.hpp"

#include <algorithm>

namespace millrace::session {
namespace {

using toys::RtspPeer;
using toys::RtspTalker;
using toys::send_to;
using toys::UdpWorld;

constexpr std::string_view url = "rtsp://h/live/cam";

std::string session_of(std::string_view answer) {
    const std::size_t at = answer.find("Session: ");
    return at == std::string_view::npos
               ? std::string{}
               : std::string{answer.substr(at + 9, answer.find_first_of(";\r", at) - at - 9)};
}

/// A publisher of one track of H.264, whose pictures are several packets each and all different.
class UdpCamera {
public:
    explicit UdpCamera(UdpWorld& world)
        : world_{world},
          talker_{world},
          rtp_{world.open(UdpWorld::client_host, 5000)},
          rtcp_{world.open(UdpWorld::client_host, 5001)} {
        const std::array tracks{track_};
        const rtsp::Offer offer = rtsp::offer_of(tracks, "");
        talker_.ask("ANNOUNCE", url, "Content-Type: application/sdp\r\n", sdp::write(offer.description));
        set_up = talker_.ask("SETUP", fmt::format("{}/trackID=0", url),
                             "Transport: RTP/AVP;unicast;client_port=5000-5001;mode=record\r\n");
        session_ = fmt::format("Session: {}\r\n", session_of(set_up));
        recorded = talker_.ask("RECORD", url, session_);
        sender_ = std::make_unique<rtp::Sender>(
            offer.formats[0], rtp::PacketNumbering{.payload_type = offer.formats[0].payload_type, .ssrc = 7});
    }

    /// A key frame and three pictures that follow it.
    void send_group() {
        for (media::AccessUnit& unit : flv::samples::units(track_, at_ms_)) {
            std::vector<std::byte> nal{unit.payload.span().begin() + 4, unit.payload.span().end()};
            nal.resize(3000, std::byte{0x55});
            for (std::size_t part = sent.size() + 1; part != 0; part /= 16) {
                nal.push_back(static_cast<std::byte>(0x40U + part % 16));
            }
            std::vector<std::byte> payload;
            media::append_nal(payload, nal);
            unit.payload = Bytes{std::move(payload)};
            EXPECT_TRUE(sender_->write(unit));
            for (std::size_t i = 0; i < sender_->packets().count(); ++i) {
                send_to(*rtp_, 8000, sender_->packets().at(i));
            }
            sender_->packets().clear();
            sent.push_back(std::move(unit));
            world_.run_for(40ms);
        }
        at_ms_ += 160;
    }
    void end() { talker_.ask("TEARDOWN", url, session_); }
    Datagrams& rtp() { return *rtp_; }

    std::string set_up;
    std::string recorded;
    std::vector<media::AccessUnit> sent;

private:
    UdpWorld& world_;
    RtspTalker talker_;
    std::unique_ptr<Datagrams> rtp_;
    std::unique_ptr<Datagrams> rtcp_;
    std::string session_;
    media::Track track_ = flv::samples::track(media::Codec::h264);
    std::unique_ptr<rtp::Sender> sender_;
    std::int64_t at_ms_ = 0;
};

/// A player of the first track over UDP.
class UdpPlayer {
public:
    explicit UdpPlayer(UdpWorld& world, std::string_view more = "")
        : world_{world},
          talker_{world},
          rtp_{world.open(UdpWorld::client_host, 6000)},
          rtcp_{world.open(UdpWorld::client_host, 6001)} {
        const std::string described = talker_.ask("DESCRIBE", url);
        const auto description = sdp::read(described.substr(described.find("\r\n\r\n") + 4));
        receiver_ = std::make_unique<rtp::Receiver>(
            *rtp::Receiver::make(*rtsp::payload_of(description->media.at(0)), {}));
        set_up = talker_.ask("SETUP", fmt::format("{}/trackID=0", url),
                             fmt::format("Transport: RTP/AVP;unicast;client_port=6000-6001{}\r\n", more));
        session_ = fmt::format("Session: {}\r\n", session_of(set_up));
        played = talker_.ask("PLAY", url, session_);
    }

    /// Takes what came by now.
    void listen() {
        std::array<std::byte, 2000> buffer;
        std::array received{Received{.buffer = buffer}};
        while (rtp_->receive(received)) {
            EXPECT_EQ(received[0].from.text(), "192.0.2.2:8000");
            receiver_->receive(received[0].bytes(), world_.world.time.now());
            while (std::optional<media::AccessUnit> unit = receiver_->next()) {
                units.push_back(unit->payload);
            }
        }
        while (rtcp_->receive(received)) {
            EXPECT_EQ(received[0].from.text(), "192.0.2.2:8001");
            const auto packets = rtp::read_control(received[0].bytes());
            EXPECT_TRUE(packets);
            for (const rtp::ControlPacket& packet : *packets) {
                reports += std::holds_alternative<rtp::SenderReport>(packet) ? 1 : 0;
                byes += std::holds_alternative<rtp::Bye>(packet) ? 1 : 0;
            }
        }
    }
    void say_that_it_listens() {
        std::vector<std::byte> report;
        rtp::write_receiver_report(report, {.ssrc = 9, .blocks = {}});
        send_to(*rtcp_, 8001, report);
    }
    std::string ask(std::string_view method) { return talker_.ask(method, url, session_); }
    bool closed() {
        talker_.hear();
        return talker_.closed;
    }

    std::string set_up;
    std::string played;
    std::vector<Bytes> units;
    int reports = 0;
    int byes = 0;

private:
    UdpWorld& world_;
    RtspTalker talker_;
    std::unique_ptr<Datagrams> rtp_;
    std::unique_ptr<Datagrams> rtcp_;
    std::string session_;
    std::unique_ptr<rtp::Receiver> receiver_;
};

std::vector<Bytes> payloads_of(const std::vector<media::AccessUnit>& units, std::size_t from = 0) {
    std::vector<Bytes> payloads;
    for (std::size_t i = from; i < units.size(); ++i) {
        payloads.push_back(units[i].payload);
    }
    return payloads;
}

TEST(RtspDatagrams, carry_each_picture_of_a_publisher_to_a_player) {
    UdpWorld world;
    UdpCamera camera{world};
    EXPECT_NE(camera.set_up.find("server_port=8000-8001"), std::string::npos) << camera.set_up;
    ASSERT_TRUE(camera.recorded.starts_with("RTSP/1.0 200 ")) << camera.recorded;
    camera.send_group();
    UdpPlayer player{world};
    EXPECT_NE(player.set_up.find("server_port=8000-8001"), std::string::npos) << player.set_up;
    ASSERT_TRUE(player.played.starts_with("RTSP/1.0 200 ")) << player.played;
    for (int i = 0; i < 20; ++i) {
        camera.send_group();
        player.listen();
    }
    world.run_for(100ms);
    player.listen();
    EXPECT_EQ(player.units, payloads_of(camera.sent));
    EXPECT_GT(player.reports, 1);
}

TEST(RtspDatagrams, case_18_go_to_the_peer_whatever_destination_says) {
    UdpWorld world;
    UdpCamera camera{world};
    camera.send_group();
    const auto victim = world.open("192.0.2.99", 6000);
    UdpPlayer player{world, ";destination=192.0.2.99"};
    EXPECT_EQ(player.set_up.find("192.0.2.99"), std::string::npos) << player.set_up;
    camera.send_group();
    world.run_for(100ms);
    player.listen();
    EXPECT_EQ(player.units, payloads_of(camera.sent));
    std::array<std::byte, 2000> buffer;
    std::array received{Received{.buffer = buffer}};
    EXPECT_FALSE(victim->receive(received));
    EXPECT_EQ(world.network.counters().unclaimed, 0U);
}

TEST(RtspDatagrams, case_21_of_strangers_change_nothing) {
    UdpWorld world;
    UdpCamera camera{world};
    camera.send_group();
    UdpPlayer player{world};
    const auto stranger = world.open("192.0.2.66", 5000);
    const auto neighbour = world.open(UdpWorld::client_host, 5004);
    rtp::Sender liar{
        *rtsp::payload_of(
            rtsp::offer_of(std::array{flv::samples::track(media::Codec::h264)}, "").description.media.at(0)),
        rtp::PacketNumbering{.payload_type = 96, .ssrc = 7, .sequence = 20}};
    for (const media::AccessUnit& unit : flv::samples::units(flv::samples::track(media::Codec::h264), 0)) {
        EXPECT_TRUE(liar.write(unit));
    }
    for (std::size_t i = 0; i < liar.packets().count(); ++i) {
        send_to(*stranger, 8000, liar.packets().at(i));
        send_to(*neighbour, 8000, liar.packets().at(i));
    }
    camera.send_group();
    world.run_for(100ms);
    player.listen();
    EXPECT_EQ(player.units, payloads_of(camera.sent));
    EXPECT_EQ(world.ports.counters().strangers, 2 * liar.packets().count());
}

TEST(RtspDatagrams, hand_on_whole_pictures_alone_where_the_path_loses_and_reorders) {
    UdpWorld world;
    UdpCamera camera{world};
    camera.send_group();
    RtspPeer player{world, toys::plays()};   // by TCP: it sees what the server handed on
    world.network.set_path(
        {UdpWorld::client_host, 0}, {UdpWorld::server_host, 0},
        {.delay = 5ms, .jitter = 5ms, .loss = 0.02, .duplication = 0.01, .reordering = 0.03});
    for (int i = 0; i < 100; ++i) {
        camera.send_group();
        player.talk();
    }
    world.run_for(1s);
    player.talk();
    const std::vector<Bytes> got = units_of(player).at(0);
    const std::vector<Bytes> sent = payloads_of(camera.sent);
    EXPECT_GT(world.network.counters().lost, 10U);
    EXPECT_GT(world.network.counters().reordered, 10U);
    EXPECT_GT(got.size(), sent.size() / 2);
    EXPECT_LT(got.size(), sent.size());
    std::optional<std::ptrdiff_t> last;
    for (const Bytes& unit : got) {
        const auto at = std::ranges::find(sent, unit) - sent.begin();
        ASSERT_LT(at, std::ssize(sent)) << "a picture that was never sent";
        ASSERT_TRUE(!last || at > *last);
        ASSERT_TRUE(!last || at == *last + 1 || camera.sent[static_cast<std::size_t>(at)].key)
            << "picture " << at << " needs one that is missing";
        last = at;
    }
}

TEST(RtspDatagrams, stop_for_a_player_of_which_nothing_is_heard_for_a_minute) {
    UdpWorld world;
    UdpCamera camera{world};
    camera.send_group();
    UdpPlayer player{world};
    const auto watch = [&](Duration span, bool answers) {
        for (Duration spent{0}; spent < span; spent += 1s) {
            camera.send_group();
            world.run_for(840ms);
            player.listen();
            if (answers) {
                player.say_that_it_listens();
            }
        }
    };
    watch(90s, true);
    EXPECT_FALSE(player.closed());
    EXPECT_EQ(player.units, payloads_of(camera.sent));
    const std::size_t before = camera.sent.size();
    watch(90s, false);
    EXPECT_TRUE(player.closed());
    EXPECT_LT(player.units.size(), before + 75 * 4);
    EXPECT_EQ(world.ports.fan_out().viewers(), 0U);
}

TEST(RtspDatagrams, rest_while_a_player_pauses_and_end_with_the_stream) {
    UdpWorld world;
    UdpCamera camera{world};
    camera.send_group();
    UdpPlayer player{world};
    world.run_for(100ms);
    player.listen();
    EXPECT_TRUE(player.ask("PAUSE").starts_with("RTSP/1.0 200 "));
    const std::size_t heard = player.units.size();
    camera.send_group();
    camera.send_group();
    player.listen();
    EXPECT_EQ(player.units.size(), heard);
    const std::size_t newest = camera.sent.size() - 4;
    EXPECT_TRUE(player.ask("PLAY").starts_with("RTSP/1.0 200 "));
    world.run_for(100ms);
    player.listen();
    const std::vector<Bytes> since{player.units.begin() + static_cast<std::ptrdiff_t>(heard),
                                   player.units.end()};
    EXPECT_EQ(since, payloads_of(camera.sent, newest));
    camera.end();
    world.run_for(30s);
    player.listen();
    EXPECT_EQ(player.byes, 1);
    EXPECT_TRUE(player.closed());
    EXPECT_EQ(world.ports.fan_out().viewers(), 0U);
}

}   // namespace
}   // namespace millrace::session
