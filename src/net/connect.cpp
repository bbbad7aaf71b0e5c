#include "net/connect.hpp"

#include "base/waiting.hpp"
#include "net/resolve.hpp"
#include "net/tls_connection.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cerrno>
#include <cstring>

namespace millrace::net {

namespace {

/// One that does not answer, where there are others.
constexpr Duration patience_for_one = 2s;

using Opened = Result<std::unique_ptr<Connection>>;

std::unexpected<Error> connect_failure(int error) {
    switch (error) {
        case ECONNREFUSED: return fail(Errc::refused, "nobody listens at that address and port");
        case ETIMEDOUT: return fail(Errc::timed_out, "the peer did not answer");
        case EHOSTUNREACH:
        case ENETUNREACH:
        case EADDRNOTAVAIL: return fail(Errc::io, "there is no way to that address");
        case EMFILE:
        case ENFILE: return fail(Errc::exhausted, "too many open descriptors");
        default: return fail(Errc::io, "connecting failed");
    }
}

int pending_error(int socket) {
    int error = 0;
    socklen_t size = sizeof error;
    return getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size) == 0 ? error : errno;
}

Task<Result<Descriptor>> open_socket(Worker& worker, SocketAddress to, Instant deadline) {
    Descriptor socket{::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) {
        co_return connect_failure(errno);
    }
    tune(socket.number());
    if (::connect(socket.number(), to.raw(), to.size) == 0) {
        co_return std::move(socket);
    }
    if (errno != EINPROGRESS) {
        co_return connect_failure(errno);
    }
    TcpConnection opening{worker, std::move(socket)};
    const Result<> ready = co_await writable(opening, worker, deadline);
    const int error = ready ? pending_error(opening.socket()) : 0;
    Descriptor opened = opening.release();
    if (!ready) {
        co_return std::unexpected(ready.error());
    }
    if (error != 0) {
        co_return connect_failure(error);
    }
    co_return std::move(opened);
}

Task<Opened> secure(Worker& worker, Descriptor socket, UniqueSsl ssl, Instant deadline) {
    auto connection = std::make_unique<TlsConnection>(worker, std::move(socket), std::move(ssl));
    for (;;) {
        const Result<> done = connection->handshake();
        if (done) {
            co_return std::move(connection);
        }
        if (done.error().code != Errc::would_block) {
            co_return std::unexpected(done.error());
        }
        const Result<> ready = co_await writable(*connection, worker, deadline);
        if (!ready) {
            co_return std::unexpected(ready.error());
        }
    }
}

void set_port(SocketAddress& address, std::uint16_t port) {
    // The port stands at the same place in both families.
    static_assert(offsetof(sockaddr_in, sin_port) == offsetof(sockaddr_in6, sin6_port));
    const std::uint16_t wire = htons(port);
    std::memcpy(reinterpret_cast<std::byte*>(&address.storage) + offsetof(sockaddr_in, sin_port), &wire,
                sizeof wire);
}

}   // namespace

Task<Opened> connect(Worker& worker, Endpoint to, Instant deadline, Dialing how) {
    auto addresses = co_await addresses_of(worker, to.address, deadline);
    if (!addresses) {
        co_return std::unexpected(addresses.error());
    }
    const std::size_t forbidden = std::erase_if(*addresses, [&](const SocketAddress& one) {
        return how.rules != nullptr && !one.allowed(*how.rules);
    });
    Error failure =
        forbidden > 0 ? outgoing_refused : Error{Errc::not_found, "no address for that host name"};
    for (std::size_t i = 0; i < addresses->size() && worker.now() < deadline; ++i) {
        // An address that does not answer leaves time for the others.
        const auto left = static_cast<std::int64_t>(addresses->size() - i);
        const Duration share = std::min((deadline - worker.now()) / left, patience_for_one);
        const Instant until = left == 1 ? deadline : worker.now() + share;
        set_port((*addresses)[i], to.port);
        Result<Descriptor> socket = co_await open_socket(worker, (*addresses)[i], until);
        if (!socket) {
            failure = socket.error();
            continue;
        }
        if (how.rules != nullptr && !SocketAddress::peer_of(socket->number()).allowed(*how.rules)) {
            co_return std::unexpected(outgoing_refused);
        }
        if (how.tls == nullptr) {
            co_return std::make_unique<TcpConnection>(worker, std::move(*socket));
        }
        auto ssl = how.tls->connect(socket->number(), to.address);
        if (!ssl) {
            co_return std::unexpected(ssl.error());
        }
        auto secured = co_await secure(worker, std::move(*socket), std::move(*ssl), deadline);
        co_return std::move(secured);
    }
    co_return std::unexpected(failure);
}

}   // namespace millrace::net
