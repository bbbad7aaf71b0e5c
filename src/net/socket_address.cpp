#include "net/socket_address.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <array>
#include <cstring>

namespace millrace::net {

std::optional<SocketAddress> SocketAddress::parse(const Endpoint& endpoint) {
    SocketAddress address;
    sockaddr_in v4{};
    if (inet_pton(AF_INET, endpoint.address.c_str(), &v4.sin_addr) == 1) {
        v4.sin_family = AF_INET;
        v4.sin_port = htons(endpoint.port);
        std::memcpy(&address.storage, &v4, sizeof v4);
        address.size = sizeof v4;
        return address;
    }
    sockaddr_in6 v6{};
    if (inet_pton(AF_INET6, endpoint.address.c_str(), &v6.sin6_addr) == 1) {
        v6.sin6_family = AF_INET6;
        v6.sin6_port = htons(endpoint.port);
        std::memcpy(&address.storage, &v6, sizeof v6);
        address.size = sizeof v6;
        return address;
    }
    return std::nullopt;
}

SocketAddress SocketAddress::peer_of(int socket) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (getpeername(socket, address.raw(), &address.size) != 0) {
        return {};
    }
    return address;
}

SocketAddress SocketAddress::local_of(int socket) {
    SocketAddress address;
    address.size = sizeof address.storage;
    if (getsockname(socket, address.raw(), &address.size) != 0) {
        return {};
    }
    return address;
}

Endpoint SocketAddress::endpoint() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (family() == AF_INET) {
        sockaddr_in v4{};
        std::memcpy(&v4, &storage, sizeof v4);
        inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
        return {text.data(), ntohs(v4.sin_port)};
    }
    if (family() == AF_INET6) {
        sockaddr_in6 v6{};
        std::memcpy(&v6, &storage, sizeof v6);
        if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
            inet_ntop(AF_INET, &v6.sin6_addr.s6_addr[12], text.data(), text.size());
        } else {
            inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
        }
        return {text.data(), ntohs(v6.sin6_port)};
    }
    return {};
}

bool SocketAddress::allowed(const OutgoingRules& rules) const {
    const auto peer = PeerAddress::parse(endpoint());
    return peer && rules.allow(*peer);
}

}   // namespace millrace::net
