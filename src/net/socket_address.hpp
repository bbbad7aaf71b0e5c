#pragma once

#include "base/connection.hpp"
#include "base/outgoing.hpp"

#include <sys/socket.h>

#include <optional>

namespace millrace::net {

/// An IPv4 or IPv6 address and port as the kernel takes it.
struct SocketAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;

    /// From a numeric address; nothing if it is a name or nonsense.
    static std::optional<SocketAddress> parse(const Endpoint& endpoint);
    static SocketAddress peer_of(int socket);
    static SocketAddress local_of(int socket);

    int family() const { return storage.ss_family; }
    sockaddr* raw() { return reinterpret_cast<sockaddr*>(&storage); }
    const sockaddr* raw() const { return reinterpret_cast<const sockaddr*>(&storage); }
    /// An IPv4 peer of a dual-stack socket (`::ffff:192.0.2.1`) is written as what it is: `192.0.2.1`.
    Endpoint endpoint() const;
    /// Whether these rules let us send to it.
    bool allowed(const OutgoingRules& rules) const;
};

}   // namespace millrace::net
