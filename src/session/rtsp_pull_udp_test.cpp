#include "session/rtsp_pull.hpp"

#include "session/rtsp_call.hpp"
#include "session/rtsp_pull_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::last_words;
using toys::PlayedCamera;

/// A camera at an address, and a network with datagrams.
class RtspPullByUdp : public toys::RtspPullTest {
protected:
    static constexpr std::string_view address = "rtsp://192.0.2.9/live";

    RtspPullByUdp() { connector_.network = &network_; }
    ~RtspPullByUdp() override {
        camera_.reset();   // its sockets are the network's
        world_.time.stop();
    }

    void begin(SourceTransport transport = SourceTransport::udp) { start(std::string{address}, transport); }
    PlayedCamera& answer_with_ports(toys::CameraNature nature = {}) {
        nature.grants_udp = true;
        PlayedCamera& camera = answer(std::move(nature));
        camera.network = &network_;
        return camera;
    }

    VirtualNetwork network_{world_.time};
};

TEST_F(RtspPullByUdp, plays_by_udp_on_a_pair_of_ports_for_each_track) {
    begin();
    PlayedCamera& camera = answer_with_ports({.audio = media::Codec::pcmu});
    EXPECT_NE(camera.heard.find("RTP/AVP;unicast;client_port=40000-40001"), std::string::npos)
        << camera.heard;
    EXPECT_NE(camera.heard.find("client_port=40002-40003"), std::string::npos);
    show(10);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().units_in, 10U * 12);
    EXPECT_EQ(connector_.dials.at(0).to->address, "192.0.2.9");
}

TEST_F(RtspPullByUdp, sends_a_packet_of_nothing_each_way_for_routers_and_then_reports) {
    begin();
    PlayedCamera& camera = answer_with_ports();
    camera.hear_datagrams();
    ASSERT_EQ(camera.heard_datagrams.size(), 0U) << "before the camera has opened its ports they are lost";
    show(50);
    camera.hear_datagrams();
    ASSERT_GE(camera.heard_datagrams.size(), 1U);
    EXPECT_EQ(camera.heard_datagrams.at(0).at(1), std::byte{201}) << "a receiver report";
}

TEST_F(RtspPullByUdp, f_1_percent_of_loss_and_no_broken_picture_is_handed_on) {
    network_.set_default_path({.delay = 5ms, .jitter = 2ms, .loss = 0.01, .reordering = 0.02});
    begin();
    answer_with_ports();
    show(400);
    const hub::StreamReport said = report();
    EXPECT_EQ(state(), "live");
    EXPECT_LT(said.units_in, 1'600U);
    EXPECT_GT(said.units_in, 1'400U);
    EXPECT_GT(said.units_dropped, 0U);
}

TEST_F(RtspPullByUdp, case_21_packets_of_strangers_are_dropped) {
    begin();
    answer_with_ports();
    show(2);
    auto stranger = network_.open(far_side_, {"192.0.2.66", 5'000});
    ASSERT_TRUE(stranger);
    const rtp::Header header{.marker = true, .payload_type = 96, .sequence = 7, .timestamp = 8, .ssrc = 666};
    const std::vector<std::byte> packet = rtp::samples::packet(header, as_bytes("xxxxxxxxxxxx"));
    for (int i = 0; i < 50; ++i) {
        const std::array slices{ByteSpan{packet}};
        std::array batch{Datagram{.peer = *PeerAddress::parse({"192.0.2.1", 40'000}), .slices = slices}};
        ASSERT_TRUE((*stranger)->send(batch));
    }
    show(2);
    EXPECT_EQ(report().units_in, 16U);
    EXPECT_EQ(report().jumps, 0U);
    EXPECT_EQ(report().units_dropped, 0U);
}

TEST_F(RtspPullByUdp, by_itself_udp_is_tried_first) {
    begin(SourceTransport::automatic);
    answer_with_ports();
    show(2);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(connector_.asked, 1);
}

TEST_F(RtspPullByUdp, by_itself_a_camera_without_udp_is_asked_for_tcp_at_once) {
    begin(SourceTransport::automatic);
    answer();
    ASSERT_EQ(connector_.asked, 2);
    EXPECT_NE(answer().heard.find("RTP/AVP/TCP"), std::string::npos);
    show(2);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullByUdp, by_itself_a_silent_camera_is_asked_for_tcp_after_3_s_and_that_is_remembered) {
    begin(SourceTransport::automatic);
    answer_with_ports();
    world_.time.run_for(rtsp_udp_patience - 100ms);
    EXPECT_EQ(connector_.asked, 1);
    world_.time.run_for(200ms);
    ASSERT_EQ(connector_.asked, 2);
    EXPECT_NE(connector_.servers.at(0).hear().find("TEARDOWN"), std::string::npos);
    answer();
    show(2);
    EXPECT_EQ(state(), "live");
    stop();
    begin(SourceTransport::automatic);
    EXPECT_NE(answer().heard.find("RTP/AVP/TCP"), std::string::npos);
    EXPECT_EQ(connector_.asked, 3);
    show(2);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullByUdp, udp_alone_is_not_given_up_for_tcp) {
    begin();
    answer();
    EXPECT_EQ(last_words, "the camera answers 461 Unsupported Transport");
    EXPECT_EQ(connector_.asked, 1);
    answer_with_ports();
    world_.time.run_for(rtsp_udp_patience + 1s);
    EXPECT_EQ(last_words, "no packet came by UDP");
}

TEST_F(RtspPullByUdp, one_that_is_stopped_tells_the_camera_to_stop_sending) {
    begin();
    answer_with_ports();
    show(2);
    stop();
    EXPECT_NE(camera_->far().hear().find("TEARDOWN"), std::string::npos);
    EXPECT_EQ(executor_.tasks().size(), 0U);
    EXPECT_EQ(state(), "offline");
}

TEST_F(RtspPullByUdp, where_we_have_no_udp_tcp_is_taken) {
    connector_.network = nullptr;
    begin(SourceTransport::automatic);
    answer();
    ASSERT_EQ(connector_.asked, 2);
    answer();
    show(2);
    EXPECT_EQ(state(), "live");
}

TEST_F(RtspPullByUdp, by_rtsps_packets_stay_on_the_secured_connection) {
    start("rtsps://192.0.2.9/live", SourceTransport::automatic);
    EXPECT_NE(answer().heard.find("RTP/AVP/TCP"), std::string::npos);
}

}   // namespace
}   // namespace millrace::session
