#include "net/resolve.hpp"

#include "base/log.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <cstring>
#include <memory>

namespace millrace::net {

namespace {

struct FreeAddresses {
    void operator()(addrinfo* found) const { ::freeaddrinfo(found); }
};

Result<std::vector<SocketAddress>> look_up(const std::string& name) {
    addrinfo wanted{};
    wanted.ai_socktype = SOCK_STREAM;   // each address once
    addrinfo* first = nullptr;
    if (::getaddrinfo(name.c_str(), nullptr, &wanted, &first) != 0) {
        return fail(Errc::not_found, "no address for that host name");
    }
    const std::unique_ptr<addrinfo, FreeAddresses> found{first};
    std::vector<SocketAddress> addresses;
    for (const addrinfo* one = found.get(); one != nullptr && addresses.size() < addresses_max;
         one = one->ai_next) {
        SocketAddress& address = addresses.emplace_back();
        address.size = one->ai_addrlen;
        std::memcpy(&address.storage, one->ai_addr, one->ai_addrlen);
    }
    return addresses;
}

}   // namespace

void resolve(Worker& worker, const std::string& name, Reply<std::vector<SocketAddress>> reply) {
    if (name.empty() || name.size() > name_size_max || name.find('\0') != std::string::npos) {
        reply.give(fail(Errc::malformed, "not a host name"));
        return;
    }
    Background* const lookups = worker.lookups();
    // What is not taken is dropped, and its reply says that nobody answered.
    if (lookups == nullptr ||
        !lookups->run([name, reply = std::move(reply)]() mutable { reply.give(look_up(name)); })) {
        log::warning("net", "{} was not looked up: too much is asked for at once", name);
    }
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
