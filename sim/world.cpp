#include "sim/world.hpp"

#include "base/log.hpp"

namespace millrace::sim {

namespace {

constexpr std::uint16_t http_port = 8080;
constexpr std::uint16_t rtmp_port = 1935;

VirtualLink any_direction(Random& chance) {
    constexpr std::array windows{256, 1'460, 16 << 10, 128 << 10};
    // What a window lets through in the time of one delay is never less than this.
    constexpr std::int64_t bytes_per_second_min = 40'000;
    const std::int64_t window = windows.at(chance.below(windows.size()));
    const Duration delay_max = std::min<Duration>(300ms, window * Duration{1s} / bytes_per_second_min);
    VirtualLink link;
    link.window = static_cast<std::size_t>(window);
    link.delay = between(chance, 0ms, delay_max);
    link.one_byte_reads = chance.below(8) == 0;
    if (chance.below(3) == 0) {
        link.bytes_per_second = bytes_per_second_min + chance.below(500'000);
    }
    return link;
}

}   // namespace

Link any_link(Random& chance) {
    return {.up = any_direction(chance), .down = any_direction(chance), .worker = {}, .machine = 0};
}

World::World(std::uint64_t seed, MachinePlan server)
    : time_{seed},
      chance_{seed ^ 0x5EED'0000'0000U},
      seed_{seed},
      clients_{time_.add_executor()},
      network_{time_} {
    log::set_level(log::Level::error);
    add_machine(std::move(server));
}

World::~World() {
    time_.stop();
}

Machine& World::add_machine(MachinePlan plan) {
    const std::uint64_t seed = seed_ + 1 + machines_.size() * 0x1000'0000'0000U;
    return *machines_.emplace_back(std::make_unique<Machine>(time_, network_, std::move(plan), seed));
}

std::unique_ptr<Connection> World::connect(const Link& link, std::uint16_t port, Serve serve) {
    Machine& there = *machines_.at(link.machine);
    const std::size_t number = link.worker.value_or(connections_) % there.workers();
    const auto client_port = static_cast<std::uint16_t>(1024 + connections_++ % 60'000);
    VirtualExecutor* const worker = there.worker(number);
    auto [client, server] =
        virtual_connection(clients_, worker == nullptr ? clients_ : *worker, link.up, link.down,
                           {"192.0.2.1", client_port}, {there.plan().host, port});
    if (worker != nullptr) {
        (there.*serve)(number, std::move(server));
    }
    return std::move(client);
}

std::unique_ptr<Connection> World::connect_rtmp(const Link& link) {
    return connect(link, rtmp_port, &Machine::serve_rtmp);
}

std::unique_ptr<Connection> World::connect_http(const Link& link) {
    return connect(link, http_port, &Machine::serve_http);
}

void World::start(Task<> task) {
    clients_.run([this, task = std::move(task)]() mutable { clients_.tasks().spawn(std::move(task)); });
}

}   // namespace millrace::sim
