#include "net/datagram_link.hpp"

#include "net/resolve.hpp"
#include "net/udp_datagrams.hpp"

namespace millrace::net {

namespace {

/// Of ports that the kernel chose: each was free, but not its neighbour.
constexpr int pair_attempts_max = 64;

Result<DatagramPair> open_neighbours(Worker& worker, DatagramOptions options, std::uint16_t even) {
    options.port = even;
    auto first = open_datagrams(worker, options);
    if (!first) {
        return std::unexpected(first.error());
    }
    options.port = static_cast<std::uint16_t>(even + 1);
    auto second = open_datagrams(worker, options);
    if (!second) {
        return std::unexpected(second.error());
    }
    return DatagramPair{std::move(*first), std::move(*second)};
}

/// Where somebody is reached: the first of its addresses that may be.
Task<Result<PeerAddress>> find(Worker& worker, Endpoint to, Instant deadline,
                               std::shared_ptr<const OutgoingRules> rules) {
    const auto addresses = co_await addresses_of(worker, to.address, deadline);
    if (!addresses) {
        co_return std::unexpected(addresses.error());
    }
    for (const SocketAddress& address : *addresses) {
        if (address.allowed(*rules)) {
            Endpoint found = address.endpoint();
            found.port = to.port;
            if (const auto peer = PeerAddress::parse(found)) {
                co_return *peer;
            }
        }
    }
    co_return std::unexpected(outgoing_refused);
}

}   // namespace

Result<DatagramPair> open_pair(Worker& worker, const DatagramOptions& options) {
    if (options.port % 2 != 0) {
        return fail(Errc::malformed, "the first port of a pair is even");
    }
    if (options.port != 0) {
        return open_neighbours(worker, options, options.port);
    }
    for (int attempt = 0; attempt < pair_attempts_max; ++attempt) {
        std::uint16_t even = 0;
        {
            const auto any = open_datagrams(worker, options);
            if (!any) {
                return std::unexpected(any.error());
            }
            even = (*any)->local().port & 0xFFFEU;
        }
        auto pair = open_neighbours(worker, options, even);
        if (pair || pair.error().code != Errc::exists) {
            return pair;
        }
    }
    return fail(Errc::exhausted, "no two neighbouring UDP ports are free");
}

Task<Result<DatagramLink>> open_link(Worker& worker, DatagramDial dial,
                                     std::shared_ptr<const OutgoingRules> rules) {
    DatagramLink link;
    if (dial.to) {
        const auto to = co_await find(worker, *dial.to, dial.deadline, std::move(rules));
        if (!to) {
            co_return std::unexpected(to.error());
        }
        link.to = *to;
    }
    DatagramOptions options{.address = dial.local.address,
                            .port = dial.local.port,
                            .hops = dial.hops,
                            .interface = std::move(dial.interface)};
    if (options.address.empty()) {
        options.is_default = !dial.to;
        options.address = dial.to && link.to.is_ipv4() ? "0.0.0.0" : "::";
    }
    if (!dial.pair) {
        auto socket = open_datagrams(worker, options);
        if (!socket) {
            co_return std::unexpected(socket.error());
        }
        link.first = std::move(*socket);
        co_return std::move(link);
    }
    auto pair = open_pair(worker, options);
    if (!pair) {
        co_return std::unexpected(pair.error());
    }
    link.first = std::move(pair->first);
    link.second = std::move(pair->second);
    co_return std::move(link);
}

}   // namespace millrace::net
