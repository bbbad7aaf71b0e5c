#include "session/media_ports.hpp"

#include "base/virtual_network.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using Peers = MediaPorts::Peers;

PeerAddress at(const char* address, std::uint16_t port) {
    return *PeerAddress::parse({address, port});
}

/// Two workers with the ports between them: what is sent to 192.0.2.1 comes to the first, what is sent to
/// 192.0.2.2 to the second, as the kernel would choose.
class MediaPortsTest : public ::testing::Test {
protected:
    MediaPortsTest() {
        for (MediaPorts* const ports : {&first_, &second_}) {
            ports->introduce(all_);
            ports->listen();
        }
    }
    ~MediaPortsTest() override {
        leases_.clear();
        time_.settle();
    }

    MediaPorts::Sockets sockets(VirtualExecutor& executor, const char* address) {
        return {*network_.open(executor, {address, 8000}), *network_.open(executor, {address, 8001})};
    }
    /// Listens on a worker; what comes is written down with a name before it.
    Result<> enlist(MediaPorts& ports, std::string name, const Peers& peers) {
        Result<MediaPorts::Lease> lease =
            ports.enlist(peers, [this, name = std::move(name)](bool control, ByteSpan packet) {
                heard_ += name + (control ? "'" : ":") + std::string{as_text(packet)} + " ";
            });
        if (!lease) {
            return std::unexpected(lease.error());
        }
        leases_.push_back(std::move(*lease));
        time_.settle();
        return {};
    }
    void say(const Endpoint& from, const Endpoint& to, std::string_view text) {
        const auto socket = network_.open(far_, from);
        const std::array slices{as_bytes(text)};
        std::array batch{Datagram{.peer = *PeerAddress::parse(to), .slices = slices}};
        ASSERT_TRUE((*socket)->send(batch));
        time_.settle();
    }

    VirtualTime time_;
    VirtualNetwork network_{time_};
    VirtualExecutor& one_ = time_.add_executor();
    VirtualExecutor& two_ = time_.add_executor();
    VirtualExecutor& far_ = time_.add_executor();
    MediaPorts first_{one_, sockets(one_, "192.0.2.1")};
    MediaPorts second_{two_, sockets(two_, "192.0.2.2")};
    std::array<MediaPorts*, 2> all_{&first_, &second_};
    std::vector<MediaPorts::Lease> leases_;
    std::string heard_;
};

TEST_F(MediaPortsTest, gives_each_track_what_its_peers_send) {
    EXPECT_EQ(first_.server_ports(), (rtsp::Ports{8000, 8001}));
    ASSERT_TRUE(enlist(first_, "a", {at("192.0.2.7", 5000), at("192.0.2.7", 5001)}));
    ASSERT_TRUE(enlist(first_, "b", {at("192.0.2.7", 5002), at("192.0.2.7", 5003)}));
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "picture");
    say({"192.0.2.7", 5002}, {"192.0.2.1", 8000}, "sound");
    say({"192.0.2.7", 5003}, {"192.0.2.1", 8001}, "report");
    EXPECT_EQ(heard_, "a:picture b:sound b'report ");
}

TEST_F(MediaPortsTest, passes_on_what_came_to_another_worker) {
    ASSERT_TRUE(enlist(first_, "a", {at("192.0.2.7", 5000), at("192.0.2.7", 5001)}));
    for (const char* const text : {"one", "two"}) {
        say({"192.0.2.7", 5000}, {"192.0.2.2", 8000}, text);
    }
    say({"192.0.2.7", 5001}, {"192.0.2.2", 8001}, "report");
    EXPECT_EQ(heard_, "a:one a:two a'report ");
    EXPECT_EQ(second_.counters().passed_on, 3U);
    EXPECT_EQ(second_.counters().strangers, 0U);
}

TEST_F(MediaPortsTest, case_21_hears_nobody_but_the_peer) {
    ASSERT_TRUE(enlist(first_, "a", {at("192.0.2.7", 5000), at("192.0.2.7", 5001)}));
    say({"192.0.2.66", 5000}, {"192.0.2.1", 8000}, "another host");
    say({"192.0.2.7", 5004}, {"192.0.2.1", 8000}, "another port");
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8001}, "media as a report");
    say({"192.0.2.7", 5001}, {"192.0.2.1", 8000}, "a report as media");
    say({"192.0.2.66", 5000}, {"192.0.2.2", 8000}, "elsewhere");
    EXPECT_EQ(heard_, "");
    EXPECT_EQ(first_.counters().strangers, 4U);
    EXPECT_EQ(second_.counters().strangers, 1U);
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "the peer");
    EXPECT_EQ(heard_, "a:the peer ");
}

TEST_F(MediaPortsTest, lets_nobody_take_the_ports_of_another_session) {
    const Peers peers{at("192.0.2.7", 5000), at("192.0.2.7", 5001)};
    ASSERT_TRUE(enlist(first_, "a", peers));
    EXPECT_EQ(enlist(first_, "b", peers).error().code, Errc::exists);
    EXPECT_EQ(enlist(second_, "b", {at("192.0.2.7", 4999), peers.rtcp}).error().code, Errc::exists);
    leases_.clear();
    time_.settle();
    ASSERT_TRUE(enlist(second_, "b", peers));
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "mine");
    EXPECT_EQ(heard_, "b:mine ");
}

TEST_F(MediaPortsTest, keeps_to_the_first_of_two_who_enlist_in_one_moment) {
    const Peers peers{at("192.0.2.7", 5000), at("192.0.2.7", 5001)};
    auto mine = first_.enlist(peers, [this](bool, ByteSpan) { heard_ += "first "; });
    auto yours = second_.enlist(peers, [this](bool, ByteSpan) { heard_ += "second "; });
    ASSERT_TRUE(mine && yours);
    time_.settle();
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "x");
    EXPECT_EQ(heard_, "first ");
    mine = MediaPorts::Lease{};
    yours = MediaPorts::Lease{};
    time_.settle();
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "x");
    EXPECT_EQ(heard_, "first ");
    EXPECT_EQ(first_.counters().strangers, 1U);
}

TEST_F(MediaPortsTest, lets_a_sink_end_its_own_lease) {
    auto lease = std::make_shared<MediaPorts::Lease>();
    *lease = *first_.enlist({at("192.0.2.7", 5000), at("192.0.2.7", 5001)}, [&, lease](bool, ByteSpan) {
        heard_ += "once";
        *lease = {};
    });
    time_.settle();
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "x");
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, "x");
    EXPECT_EQ(heard_, "once");
}

TEST_F(MediaPortsTest, drops_what_is_longer_than_a_packet_may_be) {
    ASSERT_TRUE(enlist(first_, "a", {at("192.0.2.7", 5000), at("192.0.2.7", 5001)}));
    say({"192.0.2.7", 5000}, {"192.0.2.1", 8000}, std::string(MediaPorts::packet_max + 1, 'x'));
    EXPECT_EQ(heard_, "");
    EXPECT_EQ(first_.counters().lost, 1U);
}

TEST_F(MediaPortsTest, knows_no_address_of_a_link) {
    EXPECT_EQ(enlist(first_, "a", {at("fe80::7", 5000), at("fe80::7", 5001)}).error().code,
              Errc::unsupported);
}

TEST_F(MediaPortsTest, sends_from_the_ports_that_the_peer_knows) {
    const auto peer = network_.open(far_, {"192.0.2.7", 5001});
    first_.send(true, at("192.0.2.7", 5001), as_bytes("a report"));
    time_.settle();
    std::array<std::byte, 100> buffer;
    std::array received{Received{.buffer = buffer}};
    ASSERT_TRUE((*peer)->receive(received));
    EXPECT_EQ(as_text(received[0].bytes()), "a report");
    EXPECT_EQ(received[0].from.text(), "192.0.2.1:8001");
}

}   // namespace
}   // namespace millrace::session
