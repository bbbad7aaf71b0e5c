#include "base/virtual_network.hpp"

#include "base/check.hpp"
#include "base/virtual_datagrams.hpp"
#include "base/waiting.hpp"

#include <algorithm>

namespace millrace {

/// The listener that `listen` gives; the network holds what it does.
class VirtualNetwork::AtAddress final : public Listener {
public:
    AtAddress(VirtualNetwork& network, const PeerAddress& at, std::uint64_t number)
        : network_{network}, at_{at}, number_{number}, local_{at.endpoint()} {}
    AtAddress(const AtAddress&) = delete;
    AtAddress& operator=(const AtAddress&) = delete;
    ~AtAddress() override { AtAddress::close(); }

    const Endpoint& local() const override { return local_; }
    void close() override {
        const auto found = network_.accepting_.find(at_);
        if (found != network_.accepting_.end() && found->second.number == number_) {
            network_.accepting_.erase(found);
        }
    }

private:
    VirtualNetwork& network_;
    PeerAddress at_;
    std::uint64_t number_;
    Endpoint local_;
};

VirtualNetwork::VirtualNetwork(VirtualTime& time)
    : time_{time},
      chance_{std::uint64_t{time.random().next_u32()} << 32U | time.random().next_u32()},
      flips_{SeededRandom{chance_}.next_u32()} {
}

VirtualNetwork::~VirtualNetwork() {
    check(sockets_.empty() && accepting_.empty(), "a simulated network outlives what was opened on it");
}

template <class Map>
Result<PeerAddress> VirtualNetwork::claim(const Endpoint& at, const Map& taken) {
    auto address = PeerAddress::parse(at);
    if (!address) {
        return fail(Errc::malformed, "not an IP address");
    }
    if (at.port != 0) {
        return taken.contains(*address) ? Result<PeerAddress>{fail(Errc::exists, "the port is taken")}
                                        : Result<PeerAddress>{*address};
    }
    for (std::uint32_t port = first_free_port; port <= UINT16_MAX; ++port) {
        const PeerAddress free{address->ip(), static_cast<std::uint16_t>(port)};
        if (!taken.contains(free)) {
            return free;
        }
    }
    return fail(Errc::exhausted, "every port is taken");
}

Result<std::unique_ptr<Listener>> VirtualNetwork::listen(const Endpoint& at, std::vector<Executor*> executors,
                                                         OnAccept on_accept) {
    check(!executors.empty(), "somebody takes the connections");
    const Result<PeerAddress> address = claim(at, accepting_);
    if (!address) {
        return std::unexpected(address.error());
    }
    const std::uint64_t number = ++listeners_;
    accepting_[*address] = {std::move(executors), std::move(on_accept), 0, number};
    return std::make_unique<AtAddress>(*this, *address, number);
}

Task<Result<std::unique_ptr<Connection>>> VirtualNetwork::connect(Executor& executor, VirtualCall call) {
    using Opened = Result<std::unique_ptr<Connection>>;
    const auto to = PeerAddress::parse(call.to);
    if (!to) {
        co_return Opened{fail(Errc::malformed, "not an IP address")};
    }
    co_await sleep_until(executor, executor.now() + call.up.delay);
    std::unique_ptr<Connection> near;
    if (const auto found = accepting_.find(*to); found != accepting_.end()) {
        Accepting& accepting = found->second;
        Executor& far_executor = *accepting.executors.at(accepting.turn++ % accepting.executors.size());
        auto [ours, theirs] =
            virtual_connection(executor, far_executor, call.up, call.down, call.from, call.to);
        near = std::move(ours);
        far_executor.post(
            [this, &far_executor, at = *to, number = accepting.number, far = std::move(theirs)]() mutable {
                hand_over(far_executor, {at, number}, std::move(far));
            });
    }
    co_await sleep_until(executor, executor.now() + call.down.delay);
    if (near == nullptr) {
        co_return Opened{fail(Errc::refused, "nobody listens at that address and port")};
    }
    co_return Opened{std::move(near)};
}

void VirtualNetwork::hand_over(Executor& executor, const ListenerName& to,
                               std::unique_ptr<Connection> connection) {
    const auto found = accepting_.find(to.at);
    if (found != accepting_.end() && found->second.number == to.number) {
        const OnAccept on_accept = found->second.on_accept;   // it may close its listener
        on_accept(executor, std::move(connection));
    }
}

Result<std::unique_ptr<Datagrams>> VirtualNetwork::open(Executor& executor, const Endpoint& at) {
    const Result<PeerAddress> address = claim(at, sockets_);
    if (!address) {
        return std::unexpected(address.error());
    }
    return std::make_unique<VirtualDatagrams>(*this, executor, *address);
}

void VirtualNetwork::set_path(const Endpoint& from, const Endpoint& to, const VirtualPath& path) {
    const auto here = PeerAddress::parse(from);
    const auto there = PeerAddress::parse(to);
    check(here && there, "a path leads from an address to an address");
    way(*here, *there).path = path;
}

VirtualNetwork::Way& VirtualNetwork::way(const PeerAddress& from, const PeerAddress& to) {
    return ways_.try_emplace({from.host(), to.host()}, Way{default_path_, {}, {}}).first->second;
}

void VirtualNetwork::set_plugged(const Endpoint& machine, bool plugged) {
    const auto at = PeerAddress::parse(machine);
    check(at.has_value(), "a machine has an address");
    if (plugged) {
        unplugged_.erase(at->host());
    } else {
        unplugged_.insert(at->host());
    }
}

bool VirtualNetwork::is_unplugged(const PeerAddress& from, const PeerAddress& to) const {
    return !unplugged_.empty() && (unplugged_.contains(from.host()) || unplugged_.contains(to.host()));
}

bool VirtualNetwork::happens(double share, Random& chance) {
    return static_cast<double>(chance.next_u32()) < share * 0x1p32;
}

bool VirtualNetwork::carry(const PeerAddress& from, const PeerAddress& to, ByteSpan bytes, Instant& room_at) {
    if (is_unplugged(from, to)) {
        ++counters_.unplugged;
        return true;
    }
    ++counters_.carried;
    counters_.carried_bytes += bytes.size();
    Way& way_there = way(from, to);
    const VirtualPath& path = way_there.path;
    const Instant now = time_.now();
    Instant leaves = now;
    if (path.bytes_per_second > 0) {
        const auto time_for = [&path](std::size_t size) {
            return Duration{static_cast<std::int64_t>(size * 1'000'000'000U / path.bytes_per_second)};
        };
        leaves = std::max(now, way_there.line_free) + time_for(bytes.size());
        const Duration wait_max = time_for(std::max(path.queue, bytes.size()));
        if (leaves - now > wait_max) {
            room_at = leaves - wait_max;
            counters_.overflowed += path.queue_at_sender ? 0 : 1;
            return !path.queue_at_sender;
        }
        way_there.line_free = leaves;
    }
    // Always the same throws, so that a path that is changed leaves the others' fates as they were.
    const bool lost = happens(path.loss, chance_);
    const bool twice = happens(path.duplication, chance_);
    const bool late = happens(path.reordering, chance_);
    const bool changed = happens(path.corruption, flips_);
    const auto jitter_us = static_cast<std::uint32_t>(path.jitter / 1us);
    const Duration jitter = std::chrono::microseconds{chance_.below(jitter_us + 1)};
    if (lost) {
        ++counters_.lost;
        return true;
    }
    Instant due = leaves + path.delay + jitter;
    if (late) {
        ++counters_.reordered;
        due = due + path.held_back;
    } else {
        due = std::max(due, way_there.last_arrival);
        way_there.last_arrival = due;
    }
    std::vector<std::byte> flipped;
    if (changed && !bytes.empty()) {
        ++counters_.corrupted;
        flipped.assign(bytes.begin(), bytes.end());
        flipped.at(flips_.below(static_cast<std::uint32_t>(flipped.size()))) ^= std::byte{1}
                                                                                << flips_.below(8);
        bytes = flipped;
    }
    deliver(from, to, bytes, due);
    if (twice) {
        ++counters_.duplicated;
        deliver(from, to, bytes, due);
    }
    return true;
}

void VirtualNetwork::deliver(const PeerAddress& from, const PeerAddress& to, ByteSpan bytes, Instant due) {
    if (const auto found = sockets_.find(to); found != sockets_.end()) {
        found->second->expect(from, bytes, due);
    } else {
        ++counters_.unclaimed;
    }
}

}   // namespace millrace
