#include "session/multicast_streams.hpp"

#include "base/virtual_network.hpp"
#include "session/media_ports.hpp"
#include "session/rtsp_peers_for_tests.hpp"

#include <array>

namespace millrace::session {
namespace {

using toys::RtspCamera;
using toys::RtspTalker;
using toys::RtspWorld;

constexpr std::string_view url = "rtsp://h/live/cam";
constexpr std::string_view wish = "Transport: RTP/AVP;multicast,RTP/AVP/TCP;unicast;interleaved=0-1\r\n";

/// A server that sends to 239.255.42.1 and what counts on from it, where somebody listens to the first group.
struct MulticastWorld : RtspWorld {
    VirtualNetwork network{world.time};
    MediaPorts ports{
        server, {*network.open(server, {"192.0.2.2", 8'000}), *network.open(server, {"192.0.2.2", 8'001})}};
    MulticastStreams streams{server, {*PeerAddress::parse({"239.255.42.1", 8'002}), 5}};
    std::unique_ptr<Datagrams> ear = *network.open(clients, {"239.255.42.1", 8'002});

    MulticastWorld() {
        ports.listen();
        desk.media_ports = &ports;
        desk.multicast = &streams;
    }
    MulticastWorld(const MulticastWorld&) = delete;
    MulticastWorld& operator=(const MulticastWorld&) = delete;
    ~MulticastWorld() { world.time.stop(); }

    /// Packets of pictures that came to the group.
    int heard() {
        int count = 0;
        std::array<std::byte, 2'000> buffer;
        std::array<Received, 1> into{Received{.buffer = buffer, .from = {}}};
        while (ear->receive(into)) {
            ++count;
        }
        return count;
    }
};

struct GroupPlayer : RtspTalker {
    explicit GroupPlayer(RtspWorld& scene) : RtspTalker{scene} {}
    std::string session;

    std::string set_up(unsigned track) {
        const std::string answer =
            ask("SETUP", fmt::format("{}/trackID={}", url, track), session + std::string{wish});
        const std::size_t at = answer.find("Session: ");
        if (at != std::string::npos) {
            session = fmt::format("Session: {}\r\n", answer.substr(at + 9, 16));
        }
        return answer;
    }
    std::string play() {
        session.clear();
        ask("DESCRIBE", url);
        set_up(0);
        set_up(1);
        return ask("PLAY", url, session);
    }
};

TEST(Multicast, players_share_a_group_from_the_first_setup_to_the_last_farewell) {
    MulticastWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    GroupPlayer one{scene};
    one.ask("DESCRIBE", url);
    EXPECT_NE(
        one.set_up(0).find("Transport: RTP/AVP;multicast;destination=239.255.42.1;port=8002-8003;ttl=5"),
        std::string::npos);
    EXPECT_NE(one.set_up(1).find("port=8004-8005"), std::string::npos);
    EXPECT_TRUE(one.ask("PLAY", url, one.session).starts_with("RTSP/1.0 200 "));
    scene.run_for(200ms);
    EXPECT_GT(scene.heard(), 0);
    GroupPlayer other{scene};
    EXPECT_TRUE(other.play().starts_with("RTSP/1.0 200 "));
    EXPECT_EQ(scene.ports.fan_out().viewers(), 1U) << "one copy for both";
    EXPECT_TRUE(one.ask("TEARDOWN", url, one.session).starts_with("RTSP/1.0 200 "));
    camera.send(1'500);
    scene.run_for(200ms);
    EXPECT_GT(scene.heard(), 0);
    other.connection.reset();
    scene.run_for(200ms);
    EXPECT_EQ(scene.ports.fan_out().viewers(), 0U);
    camera.send(2'000);
    scene.run_for(200ms);
    EXPECT_EQ(scene.heard(), 0);
    EXPECT_TRUE(one.play().starts_with("RTSP/1.0 200 ")) << "the same connection, once more";
    scene.run_for(200ms);
    EXPECT_GT(scene.heard(), 0);
}

TEST(Multicast, ends_with_the_stream_and_begins_with_the_next) {
    MulticastWorld scene;
    GroupPlayer one{scene};
    {
        RtspCamera camera{scene};
        camera.send(0);
        scene.run_for(1s);
        EXPECT_TRUE(one.play().starts_with("RTSP/1.0 200 "));
        camera.peer().client().tear_down();
        camera.peer().talk();
    }
    scene.run_for(30s);
    one.hear();
    EXPECT_TRUE(one.closed);
    EXPECT_EQ(scene.ports.fan_out().viewers(), 0U);
    scene.heard();
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    GroupPlayer other{scene};
    EXPECT_TRUE(other.play().starts_with("RTSP/1.0 200 "));
    scene.run_for(200ms);
    EXPECT_GT(scene.heard(), 0);
}

TEST(Multicast, is_not_mixed_with_other_ways_and_not_there_unless_it_is_on) {
    MulticastWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    GroupPlayer one{scene};
    one.ask("DESCRIBE", url);
    one.set_up(0);
    EXPECT_TRUE(one.ask("SETUP", fmt::format("{}/trackID=1", url),
                        one.session + "Transport: RTP/AVP;unicast;client_port=5000-5001\r\n")
                    .starts_with("RTSP/1.0 461 "));
    scene.desk.multicast = nullptr;
    GroupPlayer plain{scene};
    plain.ask("DESCRIBE", url);
    EXPECT_NE(plain.set_up(0).find("Transport: RTP/AVP/TCP;unicast;interleaved=0-1"), std::string::npos);
}

}   // namespace
}   // namespace millrace::session
