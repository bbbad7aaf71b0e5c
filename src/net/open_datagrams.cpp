#include "base/log.hpp"
#include "net/socket_address.hpp"
#include "net/udp_datagrams.hpp"

#include <net/if.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace millrace::net {

namespace {

std::unexpected<Error> failure(int error) {
    switch (error) {
        case EADDRINUSE: return fail(Errc::exists, "another program uses this UDP port");
        case EACCES: return fail(Errc::refused, "ports below 1024 need the right to bind them");
        case EADDRNOTAVAIL: return fail(Errc::not_found, "no interface of this machine has this address");
        case EAFNOSUPPORT: return fail(Errc::unsupported, "this machine has no IPv6");
        case ENODEV: return fail(Errc::not_found, "no interface of this machine leads to this group");
        case EMFILE:
        case ENFILE: return fail(Errc::exhausted, "too many open descriptors");
        default: return fail(Errc::io, "the system gave no UDP socket");
    }
}

template <class T>
bool set(int socket, int level, int option, const T& value) {
    return setsockopt(socket, level, option, &value, sizeof value) == 0;
}

bool is_group(const SocketAddress& address) {
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address.storage, sizeof v4);
        return IN_MULTICAST(ntohl(v4.sin_addr.s_addr));
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    return IN6_IS_ADDR_MULTICAST(&v6.sin6_addr);
}

/// Asks for what is sent to the group of `address`; false leaves the errno.
bool join(int socket, const SocketAddress& address, unsigned interface) {
    if (address.family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &address.storage, sizeof v4);
        return set(socket, IPPROTO_IP, IP_ADD_MEMBERSHIP,
                   ip_mreqn{v4.sin_addr, {}, static_cast<int>(interface)});
    }
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    return set(socket, IPPROTO_IPV6, IPV6_JOIN_GROUP, ipv6_mreq{v6.sin6_addr, interface});
}

/// How far, and where, what is sent to groups goes; false leaves the errno. A socket for both families
/// wants both said.
bool steer(int socket, int family, const DatagramOptions& options, unsigned interface) {
    const int hops = options.hops;
    const int index = static_cast<int>(interface);
    const bool six = family == AF_INET6;
    if (hops > 0 && (!set(socket, IPPROTO_IP, IP_MULTICAST_TTL, hops) ||
                     (six && !set(socket, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, hops)))) {
        return false;
    }
    return interface == 0 || (set(socket, IPPROTO_IP, IP_MULTICAST_IF, ip_mreqn{{}, {}, index}) &&
                              (!six || set(socket, IPPROTO_IPV6, IPV6_MULTICAST_IF, index)));
}

/// A bound socket, or the errno.
std::expected<Descriptor, int> open_bound(SocketAddress address, const DatagramOptions& options) {
    const unsigned interface = options.interface.empty() ? 0 : if_nametoindex(options.interface.c_str());
    if (interface == 0 && !options.interface.empty()) {
        return std::unexpected(ENODEV);
    }
    Descriptor socket{::socket(address.family(), SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) {
        return std::unexpected(errno);
    }
    const int number = socket.number();
    const bool group = is_group(address);
    if (address.family() == AF_INET6) {
        set(number, IPPROTO_IPV6, IPV6_V6ONLY, 0);
    }
    set(number, SOL_SOCKET, SO_RCVBUF, options.buffer_size);
    set(number, SOL_SOCKET, SO_SNDBUF, options.buffer_size);
    // Everybody on this machine who joined a group gets what comes for it.
    if ((group && !set(number, SOL_SOCKET, SO_REUSEADDR, 1)) ||
        (options.shared_port && !set(number, SOL_SOCKET, SO_REUSEPORT, 1)) ||
        !steer(number, address.family(), options, interface)) {
        return std::unexpected(errno);
    }
    if (group && address.family() == AF_INET6) {
        reinterpret_cast<sockaddr_in6*>(address.raw())->sin6_scope_id = interface;
    }
    // Bound to the group itself, it hears of no other group that somebody here joined on this port.
    if (::bind(number, address.raw(), address.size) != 0 || (group && !join(number, address, interface))) {
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
    auto socket = open_bound(*address, options);
    const bool absent = !socket && (socket.error() == EAFNOSUPPORT || socket.error() == EADDRNOTAVAIL);
    if (absent && options.is_default && address->family() == AF_INET6) {
        const Endpoint all_of_ipv4{"0.0.0.0", options.port};
        log::info("net", "no IPv6 here: UDP on {} instead of {}", all_of_ipv4.text(), wanted.text());
        socket = open_bound(*SocketAddress::parse(all_of_ipv4), options);
    }
    if (!socket) {
        return failure(socket.error());
    }
    return std::make_unique<UdpDatagrams>(worker, std::move(*socket), options.segmentation);
}

}   // namespace millrace::net
