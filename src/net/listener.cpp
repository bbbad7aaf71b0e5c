#include "net/listener.hpp"

#include "base/log.hpp"
#include "net/acceptor.hpp"
#include "net/socket_address.hpp"

#include <fmt/format.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>

namespace millrace::net {

namespace {

/// What to do about a failure to listen.
std::string_view advice(int error) {
    switch (error) {
        case EADDRINUSE: return "another program uses this port; stop it or choose another port";
        case EACCES:
            return "ports below 1024 need the right to bind them (CAP_NET_BIND_SERVICE); choose a higher "
                   "port";
        case EADDRNOTAVAIL:
            return "no interface of this machine has this address; see `ip address`, or use :: for all";
        case EAFNOSUPPORT: return "this machine has no IPv6; use 0.0.0.0";
        case EMFILE:
        case ENFILE: return "too many open descriptors; raise the limit (ulimit -n)";
        default: return "the system refused";
    }
}

/// A listening socket, or the errno.
std::expected<Descriptor, int> open_listening(const SocketAddress& address, int backlog) {
    Descriptor socket{::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) {
        return std::unexpected(errno);
    }
    const int on = 1;
    const int off = 0;
    setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address.family() == AF_INET6) {
        setsockopt(socket.number(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
    if (::bind(socket.number(), address.raw(), address.size) != 0 ||
        ::listen(socket.number(), backlog) != 0) {
        return std::unexpected(errno);
    }
    return socket;
}

/// The wanted address, or where its port is taken the next one, as often as the options say.
std::expected<Descriptor, int> open_listening(SocketAddress address, const ListenOptions& options) {
    auto socket = open_listening(address, options.backlog);
    for (unsigned tries = 1; tries < options.port_tries && !socket && socket.error() == EADDRINUSE; ++tries) {
        const auto port = static_cast<std::uint16_t>(options.port + tries);
        address = *SocketAddress::parse({options.address, port});
        socket = open_listening(address, options.backlog);
    }
    return socket;
}

Descriptor open_listening(const ListenOptions& options) {
    const Endpoint wanted{options.address, options.port};
    const auto address = SocketAddress::parse(wanted);
    if (!address) {
        throw std::runtime_error(fmt::format(
            "cannot listen on \"{}\": not an IP address; write one like 192.0.2.1, ::1, or :: for all",
            log::escaped(options.address)));
    }
    auto socket = open_listening(*address, options);
    if (socket) {
        return std::move(*socket);
    }
    const bool absent = socket.error() == EAFNOSUPPORT || socket.error() == EADDRNOTAVAIL;
    if (absent && options.is_default && address->family() == AF_INET6) {
        const Endpoint all_of_ipv4{"0.0.0.0", options.port};
        auto fallback = open_listening(*SocketAddress::parse(all_of_ipv4), options.backlog);
        if (fallback) {
            log::info("net", "no IPv6 here: listening on {} instead of {}", all_of_ipv4.text(),
                      wanted.text());
            return std::move(*fallback);
        }
        throw std::runtime_error(fmt::format("cannot listen on {} ({}): {}", all_of_ipv4.text(),
                                             std::strerror(fallback.error()), advice(fallback.error())));
    }
    throw std::runtime_error(fmt::format("cannot listen on {} ({}): {}", wanted.text(),
                                         std::strerror(socket.error()), advice(socket.error())));
}

class TcpDoor final : public Door {
public:
    TcpDoor(Worker& home, Descriptor socket, ReceptionRef reception)
        : home_{home}, local_{SocketAddress::local_of(socket.number()).endpoint()} {
        acceptor_ = std::make_unique<Acceptor>(home, std::move(socket), std::move(reception));
        home_.post([&acceptor = *acceptor_] { acceptor.start(); });
    }
    ~TcpDoor() override { TcpDoor::close(); }

    const Endpoint& local() const override { return local_; }
    void use(Terms terms) override {
        if (acceptor_ != nullptr) {
            home_.post([&acceptor = *acceptor_, terms = std::move(terms)]() mutable {
                acceptor.use(std::move(terms));
            });
        }
    }
    void close() override {
        if (acceptor_ != nullptr) {
            // If the pool has stopped, the post only destroys it: here.
            home_.post([acceptor = std::move(acceptor_)]() mutable { acceptor.reset(); });
        }
    }

private:
    Worker& home_;
    Endpoint local_;
    std::unique_ptr<Acceptor> acceptor_;
};

}   // namespace

std::unique_ptr<Door> listen(WorkerPool& pool, const ListenOptions& options, OnAccept on_accept) {
    Descriptor socket = open_listening(options);
    const Reception reception{
        pool, options.lobby, {options.tls, options.trusted_proxies}, std::move(on_accept)};
    return std::make_unique<TcpDoor>(pool.next(), std::move(socket),
                                     std::make_shared<const Reception>(reception));
}

}   // namespace millrace::net
