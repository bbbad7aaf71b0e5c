#include "apps/node/media_ports.hpp"

#include "base/log.hpp"
#include "net/datagram_link.hpp"
#include "net/udp_datagrams.hpp"

#include <fmt/format.h>
#include <stdexcept>

namespace millrace::apps {

namespace {

/// An even port that is free, with its neighbour. Sockets that share a port would share it with another
/// node of the same user, too.
Result<std::uint16_t> find_free(net::Worker& worker, const net::DatagramOptions& options) {
    const auto alone = net::open_pair(worker, options);
    return alone ? Result<std::uint16_t>{alone->first->local().port} : std::unexpected(alone.error());
}

}   // namespace

std::vector<std::unique_ptr<session::MediaPorts>> open_media_ports(
    net::WorkerPool& pool, const control::Configuration& configuration) {
    const control::ListenAddress& wanted = configuration.rtsp_udp;
    std::vector<std::unique_ptr<session::MediaPorts>> all;
    if (!wanted.on) {
        return all;
    }
    net::DatagramOptions options{.address = wanted.endpoint.address,
                                 .port = wanted.endpoint.port,
                                 .is_default = !wanted.written,
                                 .hops = static_cast<std::uint8_t>(configuration.rtsp_multicast_ttl),
                                 .interface = configuration.rtsp_multicast_interface};
    const Result<std::uint16_t> port = find_free(*pool.workers()[0], options);
    if (!port && !wanted.written) {
        log::warning("serve", "rtsp.udp: {}: {}; RTSP goes over TCP alone", wanted.endpoint.text(),
                     port.error().what);
        return all;
    }
    const auto refuse = [&](const Error& error) -> void {
        throw std::runtime_error(fmt::format("rtsp.udp: {}: {}", wanted.endpoint.text(), error.what));
    };
    if (!port) {
        refuse(port.error());
    }
    options.port = *port;
    options.shared_port = true;
    std::vector<session::MediaPorts*> sides;
    for (const auto& worker : pool.workers()) {
        auto pair = net::open_pair(*worker, options);
        if (!pair) {
            refuse(pair.error());
        }
        all.push_back(std::make_unique<session::MediaPorts>(
            *worker, session::MediaPorts::Sockets{std::move(pair->first), std::move(pair->second)}));
        sides.push_back(all.back().get());
    }
    for (session::MediaPorts* const one : sides) {
        one->introduce(sides);
    }
    return all;
}

std::vector<std::unique_ptr<Datagrams>> open_kcp_bare(net::WorkerPool& pool,
                                                      const control::Configuration& configuration) {
    const control::ListenAddress& wanted = configuration.kcp_bare;
    std::vector<std::unique_ptr<Datagrams>> all;
    if (!wanted.on) {
        return all;
    }
    net::DatagramOptions options{
        .address = wanted.endpoint.address, .port = wanted.endpoint.port, .is_default = !wanted.written};
    const auto open = [&](net::Worker& worker) {
        auto opened = net::open_datagrams(worker, options);
        if (!opened) {
            throw std::runtime_error(
                fmt::format("kcp.bare_listen: {}: {}", wanted.endpoint.text(), opened.error().what));
        }
        return std::move(*opened);
    };
    // Sockets that share a port would share it with another node, too: first it must be free.
    options.port = open(*pool.workers()[0])->local().port;
    options.shared_port = true;
    for (const auto& worker : pool.workers()) {
        all.push_back(open(*worker));
    }
    return all;
}

std::unique_ptr<session::MulticastStreams> open_multicast(Executor& home, bool ports,
                                                          const control::Configuration& wanted) {
    const std::optional<PeerAddress> group = PeerAddress::parse(wanted.rtsp_multicast.endpoint);
    if (!wanted.rtsp_multicast.on || !group) {
        return nullptr;
    }
    if (!ports) {
        log::warning("serve", "rtsp.multicast: it needs the ports of rtsp.udp; nothing goes to groups");
        return nullptr;
    }
    return std::make_unique<session::MulticastStreams>(
        home, session::MulticastPlace{*group, static_cast<std::uint8_t>(wanted.rtsp_multicast_ttl)});
}

}   // namespace millrace::apps
