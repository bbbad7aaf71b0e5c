#include "net/reception.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "net/proxy_header.hpp"
#include "net/tls_connection.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace millrace::net {

namespace {

/// From how many bytes on a socket counts as readable (socket(7)).
void wake_at(int socket, std::size_t bytes) {
    const int low_mark = static_cast<int>(bytes);
    setsockopt(socket, SOL_SOCKET, SO_RCVLOWAT, &low_mark, sizeof low_mark);
}

/// Takes a PROXY header off the front of a connection, and nothing else. What has none is left as it is,
/// which is why all but a whole header is only looked at. A proxy that stays silent may: its time is over
/// then.
Task<Result<ProxyHeader>> take_proxy_header(TcpConnection& connection, Worker& worker) {
    const Instant deadline = worker.now() + proxy_header_time_max;
    std::array<std::byte, ProxyHeader::size_max> bytes;
    std::size_t seen = 0;
    for (;;) {
        const Result<> ready = co_await readable(connection, worker, deadline);
        if (!ready && seen == 0 && ready.error().code == Errc::timed_out) {
            co_return ProxyHeader{};
        }
        if (!ready) {
            co_return fail(ready.error().code, "an unfinished PROXY header");
        }
        const ssize_t count =
            ::recv(connection.socket(), bytes.data(), bytes.size(), MSG_PEEK | MSG_DONTWAIT);
        if (count <= 0) {
            co_return ProxyHeader{};   // its end, which the conversation will see
        }
        if (static_cast<std::size_t>(count) == seen) {
            co_return fail(Errc::closed, "an unfinished PROXY header");
        }
        seen = static_cast<std::size_t>(count);
        const auto scan = scan_proxy_header(std::span{bytes}.first(seen));
        if (!scan) {
            co_return std::unexpected(scan.error());
        }
        if (scan->kind == ProxyScan::Kind::incomplete) {
            wake_at(connection.socket(), scan->wanted);
            continue;
        }
        wake_at(connection.socket(), 1);
        if (scan->header.size > 0) {
            [[maybe_unused]] const Result<std::size_t> taken =
                connection.try_read(std::span{bytes}.first(scan->header.size));
        }
        co_return scan->header;
    }
}

void hand_over(const Reception& reception, Worker& worker, Newcomer newcomer) {
    Arrival arrival{newcomer.peer.endpoint(), std::move(newcomer.pass), newcomer.encrypted};
    if (reception.terms.tls == nullptr) {
        reception.on_accept(
            worker, std::make_unique<TcpConnection>(worker, std::move(newcomer.socket), std::move(arrival)));
        return;
    }
    auto ssl = reception.terms.tls->accept(newcomer.socket.number());
    if (!ssl) {
        log::warning("net", "a connection was dropped: {}", ssl.error().what);
        return;
    }
    reception.on_accept(worker, std::make_unique<TlsConnection>(worker, std::move(newcomer.socket),
                                                                std::move(*ssl), std::move(arrival)));
}

Task<> meet(ReceptionRef reception, Worker& worker, Newcomer newcomer) {
    const std::string proxy = newcomer.peer.text();
    TcpConnection waiting{worker, std::move(newcomer.socket)};
    const Result<ProxyHeader> header = co_await take_proxy_header(waiting, worker);
    if (!header) {
        log::info("net", "{} was dropped: {}", proxy, header.error().what);
        co_return;
    }
    newcomer.encrypted = header->encrypted;
    if (header->source) {
        newcomer.peer = *header->source;
        auto pass = reception->enter(newcomer.peer);
        if (!pass) {
            log::info("net", "{} was turned away: {}", newcomer.peer.text(), too_many_strangers);
            co_return;
        }
        newcomer.pass = std::move(*pass);
    }
    newcomer.socket = waiting.release();
    hand_over(*reception, worker, std::move(newcomer));
}

}   // namespace

bool Reception::trusts(const PeerAddress& peer) const {
    return std::ranges::any_of(terms.trusted_proxies,
                               [&](const IpPrefix& proxies) { return proxies.contains(peer); });
}

std::optional<Lobby::Pass> Reception::enter(const PeerAddress& peer) const {
    return lobby == nullptr || trusts(peer) ? Lobby::Pass{} : lobby->enter(peer);
}

void welcome(ReceptionRef reception, Worker& worker, Newcomer newcomer) {
    if (worker.stopping()) {
        return;
    }
    tune(newcomer.socket.number());
    if (reception->trusts(newcomer.peer)) {
        worker.tasks().spawn(meet(std::move(reception), worker, std::move(newcomer)));
        return;
    }
    hand_over(*reception, worker, std::move(newcomer));
}

}   // namespace millrace::net
