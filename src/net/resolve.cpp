#include "net/resolve.hpp"

#include "net/loop.hpp"

#include <boost/asio/ip/tcp.hpp>

#include <cstring>

namespace millrace::net {

namespace {

using Resolver = boost::asio::ip::tcp::resolver;

std::vector<SocketAddress> addresses_in(const Resolver::results_type& found) {
    std::vector<SocketAddress> addresses;
    for (const auto& entry : found) {
        if (addresses.size() == addresses_max) {
            break;
        }
        const auto endpoint = entry.endpoint();
        SocketAddress& address = addresses.emplace_back();
        address.size = static_cast<socklen_t>(endpoint.size());
        std::memcpy(&address.storage, endpoint.data(), endpoint.size());
    }
    return addresses;
}

}   // namespace

void resolve(Worker& worker, const std::string& name, Reply<std::vector<SocketAddress>> reply) {
    if (name.empty() || name.size() > name_size_max || name.find('\0') != std::string::npos) {
        reply.give(fail(Errc::malformed, "not a host name"));
        return;
    }
    auto resolver = std::make_unique<Resolver>(worker.loop().context);
    Resolver& asking = *resolver;
    asking.async_resolve(
        name, "",
        [resolver = std::move(resolver), reply = std::move(reply)](
            const boost::system::error_code& error, const Resolver::results_type& found) mutable {
            if (error || found.empty()) {
                reply.give(fail(Errc::not_found, "no address for that host name"));
                return;
            }
            reply.give(addresses_in(found));
        });
}

Task<Result<std::vector<SocketAddress>>> addresses_of(Worker& worker, std::string host, Instant deadline) {
    if (const auto numeric = SocketAddress::parse({host, 0})) {
        co_return std::vector{*numeric};
    }
    Answer<std::vector<SocketAddress>> answer{worker};
    resolve(worker, host, answer.reply());
    auto found = co_await answer.within(deadline);
    co_return std::move(found);
}

}   // namespace millrace::net
