#include "net/lobby.hpp"

#include <algorithm>
#include <cstring>
#include <span>

namespace millrace::net {

namespace {

constexpr std::size_t ipv6_network_size = 8;   // a /64

}   // namespace

Lobby::Lobby(Random& random) : counters_{std::make_unique<Counters>()} {
    random.fill(std::as_writable_bytes(std::span{secret_}));
}

std::atomic<std::uint32_t>& Lobby::counter_of(const PeerAddress& address) {
    PeerAddress::Ip ip = address.ip();
    if (!address.is_ipv4()) {
        std::fill(ip.begin() + ipv6_network_size, ip.end(), std::uint8_t{0});
    }
    std::array<std::uint32_t, 4> words{};
    std::memcpy(words.data(), ip.data(), sizeof words);
    // Multiply and shift (Dietzfelbinger 1996): with random factors, no choice of addresses collides more
    // often than chance.
    std::uint64_t sum = secret_[0];
    for (std::size_t i = 0; i < words.size(); ++i) {
        sum += secret_.at(i + 1) * words.at(i);
    }
    return counters_->at(sum >> (64U - counters_bits));
}

std::optional<Lobby::Pass> Lobby::enter(const PeerAddress& address) {
    std::atomic<std::uint32_t>& counter = counter_of(address);
    if (counter.fetch_add(1, std::memory_order_relaxed) >= strangers_max) {
        counter.fetch_sub(1, std::memory_order_relaxed);
        turned_away_.fetch_add(1, std::memory_order_relaxed);
        return std::nullopt;
    }
    return Pass{&counter};
}

}   // namespace millrace::net
