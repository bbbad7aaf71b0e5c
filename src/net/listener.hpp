#pragma once

#include "base/connection.hpp"
#include "base/ip_prefix.hpp"
#include "net/lobby.hpp"
#include "net/tls.hpp"
#include "net/worker_pool.hpp"

#include <memory>
#include <string>
#include <vector>

namespace millrace::net {

/// Where to listen, and how.
struct ListenOptions {
    std::string address = "::";   ///< numeric; "::" takes IPv4 too
    std::uint16_t port = 0;       ///< 0: the kernel chooses, `local()` tells
    int backlog = 4096;
    /// Nobody asked for this very address: where it does not exist (no IPv6), all of IPv4 does as well.
    bool is_default = false;
    /// How many ports are tried in turn, beginning with `port`, where one is taken.
    unsigned port_tries = 1;
    std::shared_ptr<const TlsServer> tls = nullptr;   ///< none: plain TCP
    std::vector<IpPrefix> trusted_proxies;            ///< see Terms
    Lobby* lobby = nullptr;                           ///< where strangers are counted; null: nobody is
};

/// What newcomers meet. Those who are in already keep what they met.
struct Terms {
    std::shared_ptr<const TlsServer> tls;   ///< none: plain TCP
    /// Who may say for whom it comes, by the PROXY protocol, version 2. To others that is just noise.
    std::vector<IpPrefix> trusted_proxies;
};

/// A listener whose terms may change while it listens: a new certificate, other proxies.
class Door : public Listener {
public:
    /// Any thread, one at a time.
    virtual void use(Terms terms) = 0;
};

/// Listens at once, accepts while the pool runs, and deals connections out to the workers in turn. Throws
/// std::runtime_error that says what to do. The listener ends before the pool does; any thread may close it,
/// one at a time. A handful of connections may still be handed over after the close.
std::unique_ptr<Door> listen(WorkerPool& pool, const ListenOptions& options, OnAccept on_accept);

}   // namespace millrace::net
