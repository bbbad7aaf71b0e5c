#include "base/log.hpp"
#include "net/socket_address.hpp"
#include "net/udp_datagrams.hpp"

#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>

namespace millrace::net {

namespace {

std::unexpected<Error> failure(int error) {
    switch (error) {
        case EADDRINUSE: return fail(Errc::exists, "another program uses this UDP port");
        case EACCES: return fail(Errc::refused, "ports below 1024 need the right to bind them");
        case EADDRNOTAVAIL: return fail(Errc::not_found, "no interface of this machine has this address");
        case EAFNOSUPPORT: return fail(Errc::unsupported, "this machine has no IPv6");
        case EMFILE:
        case ENFILE: return fail(Errc::exhausted, "too many open descriptors");
        default: return fail(Errc::io, "the system gave no UDP socket");
    }
}

/// A bound socket, or the errno.
std::expected<Descriptor, int> open_bound(const SocketAddress& address, int buffer_size) {
    Descriptor socket{::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) {
        return std::unexpected(errno);
    }
    const int off = 0;
    if (address.family() == AF_INET6) {
        setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    setsockopt(socket.number(), SOL_SOCKET, SO_RCVBUF, &buffer_size, sizeof buffer_size);
    setsockopt(socket.number(), SOL_SOCKET, SO_SNDBUF, &buffer_size, sizeof buffer_size);
    if (::bind(socket.number(), address.raw(), address.size) != 0) {
        return std::unexpected(errno);
    }
    return socket;
}

}   // namespace

Result<std::unique_ptr<Datagrams>> open_datagrams(Worker& worker, const DatagramOptions& options) {
    const Endpoint wanted{options.address, options.port};
    const auto address = SocketAddress::parse(wanted);
    if (!address) {
        return fail(Errc::malformed, "not an IP address");
    }
    auto socket = open_bound(*address, options.buffer_size);
    const bool absent = !socket && (socket.error() == EAFNOSUPPORT || socket.error() == EADDRNOTAVAIL);
    if (absent && options.is_default && address->family() == AF_INET6) {
        const Endpoint all_of_ipv4{"0.0.0.0", options.port};
        log::info("net", "no IPv6 here: UDP on {} instead of {}", all_of_ipv4.text(), wanted.text());
        socket = open_bound(*SocketAddress::parse(all_of_ipv4), options.buffer_size);
    }
    if (!socket) {
        return failure(socket.error());
    }
    return std::make_unique<UdpDatagrams>(worker, std::move(*socket), options.segmentation);
}

}   // namespace millrace::net
