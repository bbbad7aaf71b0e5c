#include "sim/world.hpp"

#include "base/log.hpp"
#include "control/api.hpp"
#include "session/hls_play.hpp"
#include "session/http_serve.hpp"
#include "session/media_play.hpp"
#include "session/rtmp_serve.hpp"

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
    return {.up = any_direction(chance), .down = any_direction(chance), .worker = {}};
}

World::World(std::uint64_t seed, Options options)
    : time_{seed},
      chance_{seed ^ 0x5EED'0000'0000U},
      server_random_{seed + 1},
      clients_{time_.add_executor()},
      directory_{{.grace = options.grace}, server_random_} {
    log::set_level(log::Level::error);
    std::vector<hub::Sessions*> sessions;
    for (std::size_t i = 0; i < options.server_workers; ++i) {
        VirtualExecutor& worker = time_.add_executor();
        workers_.push_back(&worker);
        counters_.push_back(std::make_unique<Counter>(worker, directory_, admission_, server_random_));
        sessions.push_back(&counters_.back()->desk.sessions);
    }
    for (const auto& counter : counters_) {
        counter->routes = control::api_routes({directory_, admission_, sessions});
        counter->routes.push_back(session::media_play(counter->desk));
        counter->routes.push_back(session::hls_play(counter->desk, "5eed"));
    }
}

World::~World() {
    time_.stop();
}

std::size_t World::choose_worker(const Link& link) {
    return link.worker.value_or(connections_) % workers_.size();
}

World::Ends World::connect(const Link& link, std::size_t worker, std::uint16_t port) {
    const auto client_port = static_cast<std::uint16_t>(1024 + connections_++ % 60'000);
    auto [client, server] = virtual_connection(clients_, *workers_.at(worker), link.up, link.down,
                                               {"192.0.2.1", client_port}, {"192.0.2.2", port});
    return {std::move(client), std::move(server)};
}

std::unique_ptr<Connection> World::connect_rtmp(const Link& link) {
    const std::size_t worker = choose_worker(link);
    Ends ends = connect(link, worker, rtmp_port);
    if (!counters_.empty()) {
        workers_.at(worker)->post([this, worker, end = std::move(ends.server)]() mutable {
            session::Desk& desk = counters_.at(worker)->desk;
            desk.executor.tasks().spawn(session::rtmp_serve(desk, std::move(end)));
        });
    }
    return std::move(ends.client);
}

std::unique_ptr<Connection> World::connect_http(const Link& link) {
    const std::size_t worker = choose_worker(link);
    Ends ends = connect(link, worker, http_port);
    if (!counters_.empty()) {
        workers_.at(worker)->post([this, worker, end = std::move(ends.server)]() mutable {
            Counter& counter = *counters_.at(worker);
            counter.desk.executor.tasks().spawn(
                session::http_serve(counter.desk, std::move(end), counter.routes));
        });
    }
    return std::move(ends.client);
}

void World::start(Task<> task) {
    clients_.run([this, task = std::move(task)]() mutable { clients_.tasks().spawn(std::move(task)); });
}

World::Held World::held() {
    time_.settle();
    Held held;
    for (const auto& counter : counters_) {
        held.conversations += counter->desk.executor.tasks().size();
        held.sessions += counter->desk.sessions.size();
        held.viewers += counter->desk.fan_out.viewers();
        held.mirrors += counter->desk.mirrors.size();
    }
    held.streams = reports().size();
    return held;
}

std::vector<hub::StreamReport> World::reports() {
    std::vector<hub::StreamReport> found;
    Answer<std::vector<hub::StreamReport>> answer{clients_};
    directory_.report(std::nullopt, answer.reply());
    const auto wait = [](auto& its_answer, auto& reports) -> Task<> {
        auto answered = co_await its_answer.within(Instant::never());
        reports = std::move(*answered);
    };
    start(wait(answer, found));
    time_.settle();
    return found;
}

void World::stop_server() {
    time_.settle();
    for (VirtualExecutor* worker : workers_) {
        worker->stop();
    }
    time_.settle();
    for (VirtualExecutor* worker : workers_) {
        worker->halt();
    }
    counters_.clear();
}

}   // namespace millrace::sim
