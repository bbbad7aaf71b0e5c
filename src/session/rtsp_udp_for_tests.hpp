#pragma once

#include "base/virtual_network.hpp"
#include "session/media_ports.hpp"
#include "session/rtsp_peers_for_tests.hpp"

namespace millrace::session::toys {

/// A server with UDP ports, 192.0.2.2, and its peers, who are all 192.0.2.1, with the network between them.
struct UdpWorld : RtspWorld {
    static constexpr const char* server_host = "192.0.2.2";
    static constexpr const char* client_host = "192.0.2.1";

    VirtualNetwork network{world.time};
    MediaPorts ports{
        server, {*network.open(server, {server_host, 8'000}), *network.open(server, {server_host, 8'001})}};

    UdpWorld() {
        ports.listen();
        desk.media_ports = &ports;
    }
    UdpWorld(const UdpWorld&) = delete;
    UdpWorld& operator=(const UdpWorld&) = delete;
    ~UdpWorld() { world.time.stop(); }

    std::unique_ptr<Datagrams> open(const char* host, std::uint16_t port) {
        return *network.open(clients, {host, port});
    }
};

/// To a port of the server.
inline void send_to(Datagrams& from, std::uint16_t port, ByteSpan packet) {
    const std::array slices{packet};
    std::array batch{Datagram{.peer = *PeerAddress::parse({UdpWorld::server_host, port}), .slices = slices}};
    EXPECT_EQ(from.send(batch).value_or(0), 1U);
}

}   // namespace millrace::session::toys
