#include "sim/machine.hpp"

#include "archive/keeper.hpp"
#include "base/connector.hpp"
#include "base/hex.hpp"
#include "base/waiting.hpp"
#include "control/api.hpp"
#include "hub/uplink_hall.hpp"
#include "session/forward.hpp"
#include "session/hls_play.hpp"
#include "session/http_serve.hpp"
#include "session/link_port.hpp"
#include "session/link_push.hpp"
#include "session/link_serve.hpp"
#include "session/media_play.hpp"
#include "session/rtmp_serve.hpp"
#include "session/uplink_send.hpp"
#include "sim/disk_thread.hpp"

#include <fmt/format.h>

namespace millrace::sim {

namespace {

constexpr std::uint16_t link_port = 8910;
constexpr std::string_view key_name = "edge";
constexpr std::string_view stream = "live/cam";
constexpr Duration look_every = 50ms;
constexpr int seals_max = 400;   // looks
constexpr std::array forward_kinds{session::ForwardKind{"kcp://", session::link_push}};

/// The key that edge and server both have: a link proved by it has messages of the same size every time.
std::vector<std::byte> shared_key() {
    return std::vector<std::byte>(32, std::byte{0x5E});
}

struct OpenToAll final : hub::Admission {
    void decide(hub::Petition, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{.identity = {.name = "anyone"}, .anyone = true});
    }
};

/// Calls to other machines of the world: datagrams alone.
class MachineConnector final : public Connector {
public:
    MachineConnector(VirtualNetwork& network, std::string host) : network_{network}, host_{std::move(host)} {}

    void connect(Executor&, Dial, Reply<std::unique_ptr<Connection>> reply) override {
        reply.give(fail(Errc::unsupported, "this world has links alone"));
    }
    void open_datagrams(Executor& owner, DatagramDial dial, Reply<DatagramLink> reply) override {
        const auto to = PeerAddress::parse(dial.to.value_or(Endpoint{}));
        auto socket = network_.open(owner, {host_, 0});
        if (!to || !socket) {
            return reply.give(fail(Errc::not_found, "there is no such machine"));
        }
        reply.give(DatagramLink{.first = std::move(*socket), .second = nullptr, .to = *to});
    }

private:
    VirtualNetwork& network_;
    std::string host_;
};

/// As in apps/node: a worker's desk and what runs on it.
struct Counter {
    struct House {
        hub::Directory& directory;
        hub::Admission& admission;
        Random& random;
        Connector& connector;
    };
    Counter(VirtualExecutor& executor, const House& house)
        : desk{executor, house.directory, house.admission, house.random},
          forwards{desk, {.connector = house.connector, .kinds = forward_kinds}},
          uplinks{desk, house.connector, forwards} {}

    std::unique_ptr<session::LinkPort> port;
    session::Desk desk;
    session::Forwards forwards;
    session::Uplinks uplinks;
    std::vector<web::Route> routes;
};

}   // namespace

/// What runs while the machine is up. Its executors are the world's, and stay, halted, when it is gone.
class Machine::Node {
public:
    explicit Node(Machine& machine)
        : machine_{machine},
          connector_{machine.network_, machine.plan_.host},
          disk_executor_{machine.time_.add_executor(&machine.clock_)},
          disk_thread_{disk_executor_, archive::Keeper::works_max},
          directory_{{.grace = machine.plan_.grace, .record = {.now = machine.plan_.records}},
                     machine.random_} {
        for (std::size_t i = 0; i < machine.plan_.workers; ++i) {
            workers_.push_back(&machine.time_.add_executor(&machine.clock_));
        }
        if (machine.plan_.records) {
            open_archive();
        }
        make_counters();
        if (machine.plan_.takes_links) {
            open_links();
        }
        if (!machine.plan_.uplink.empty()) {
            begin_uplink();
        }
    }
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node() = default;

    VirtualExecutor& worker(std::size_t number) { return *workers_.at(number); }
    Counter& counter(std::size_t number) { return *counters_.at(number); }
    hub::Directory& directory() { return directory_; }
    archive::Keeper* keeper() { return keeper_.get(); }
    DiskThread& disk_thread() { return disk_thread_; }
    std::vector<std::unique_ptr<Counter>>& counters() { return counters_; }

    void end_conversations() {
        for (VirtualExecutor* worker : workers_) {
            worker->stop();
        }
    }
    void halt_disk() { disk_executor_.halt(); }
    void halt() {
        for (VirtualExecutor* worker : workers_) {
            worker->halt();
        }
        disk_executor_.halt();
    }

private:
    void open_archive() {
        keeper_ = std::make_unique<archive::Keeper>(
            disk_thread_, archive::Archive::Seams{.folder = machine_.disk_,
                                                  .random = machine_.random_,
                                                  .clock = machine_.clock_,
                                                  .acknowledges_early = machine_.plan_.acknowledges_early});
        keeper_->tell_numbers(directory_.last_numbers());
        keeper_->open();
        directory_.record_with(*keeper_);
        workers_.front()->post(
            [this] { workers_.front()->tasks().spawn(tend(*workers_.front(), *keeper_)); });
    }
    static Task<> tend(VirtualExecutor& here, archive::Keeper& keeper) {
        for (;;) {
            co_await sleep_until(here, here.now() + archive::Keeper::tend_every);
            keeper.tend();
        }
    }
    void make_counters() {
        const auto settings = std::make_shared<const session::Settings>(
            session::Settings{.link_keys = {{std::string{key_name}, shared_key()}}});
        std::vector<hub::Sessions*> sessions;
        for (VirtualExecutor* worker : workers_) {
            counters_.push_back(std::make_unique<Counter>(
                *worker, Counter::House{directory_, admission_, machine_.random_, connector_}));
            session::Desk& desk = counters_.back()->desk;
            desk.settings = settings;
            desk.keeper = keeper_.get();
            desk.uplink_hall = machine_.plan_.keeps_live ? &uplink_hall_ : nullptr;
            desk.node_id = machine_.plan_.host;
            sessions.push_back(&desk.sessions);
        }
        for (const auto& counter : counters_) {
            counter->routes = control::api_routes({directory_, admission_, sessions});
            counter->routes.push_back(session::media_play(counter->desk));
            counter->routes.push_back(session::hls_play(counter->desk, "5eed"));
        }
    }
    void open_links() {
        static const link::Identity identity = *link::make_identity("server");
        dtls_ =
            link::DtlsServer::make_later(identity, {{std::string{key_name}, shared_key()}}, machine_.random_);
        Counter& counter = *counters_.front();
        auto socket = machine_.network_.open(*workers_.front(), {machine_.plan_.host, link_port});
        check(socket.has_value(), "the port is free");
        counter.port = std::make_unique<session::LinkPort>(
            counter.desk.executor, std::move(*socket), session::LinkPort::Means{*dtls_, machine_.random_},
            [&counter](std::unique_ptr<session::LinkConnection> connection) {
                counter.desk.executor.tasks().spawn(session::link_serve(counter.desk, std::move(connection)));
            });
        workers_.front()->post([&counter] { counter.port->listen(); });
    }
    void begin_uplink() {
        keeper_->use_uplinks({std::string{stream}});
        const std::string to =
            fmt::format("kcp://{}:{}/{}?identity={}", machine_.plan_.uplink, link_port, stream, key_name);
        Counter& counter = *counters_.front();
        workers_.front()->post([&counter, to, order = machine_.plan_.order] {
            counter.forwards.use({{std::string{stream}, to, true}});
            counter.uplinks.use({{.stream = std::string{stream}, .to = to, .order = order}});
        });
    }

    Machine& machine_;
    OpenToAll admission_;
    hub::UplinkHall uplink_hall_;
    MachineConnector connector_;
    std::vector<VirtualExecutor*> workers_;
    VirtualExecutor& disk_executor_;
    DiskThread disk_thread_;
    std::unique_ptr<archive::Keeper> keeper_;
    hub::Directory directory_;
    std::unique_ptr<link::DtlsServer> dtls_;
    std::vector<std::unique_ptr<Counter>> counters_;
};

Machine::Machine(VirtualTime& time, VirtualNetwork& network, MachinePlan plan, std::uint64_t seed)
    : time_{time},
      network_{network},
      plan_{std::move(plan)},
      clock_{time},
      random_{seed},
      outside_{time.add_executor()} {
    start();
}

Machine::~Machine() {
    if (node_ != nullptr) {
        end_node();
    }
}

void Machine::start() {
    check(node_ == nullptr, "a machine runs one node");
    network_.set_plugged({plan_.host, 0}, true);
    node_ = std::make_unique<Node>(*this);
    node_->disk_thread().set_latency(disk_latency_);
}

void Machine::end_node() {
    // As net::WorkerPool does: until nobody begins anything any more.
    for (int round = 0; round < 3; ++round) {
        node_->end_conversations();
        time_.settle();
    }
    node_->halt();
    node_.reset();
}

void Machine::crash(Ending how) {
    if (node_ == nullptr) {
        return;
    }
    disk_.die();
    network_.set_plugged({plan_.host, 0}, false);
    node_->halt_disk();
    end_node();
    if (how == Ending::power_cut) {
        disk_.cut_power(random_);
    } else {
        disk_.restart();
    }
}

void Machine::stop() {
    if (node_ == nullptr) {
        return;
    }
    time_.settle();
    if (node_->keeper() != nullptr) {
        sealed_ = false;
        slow_disk({});
        outside_.run([this] { outside_.tasks().spawn(seal(*this)); });
        for (int i = 0; i < seals_max && !sealed_; ++i) {
            time_.run_for(look_every);
        }
    }
    end_node();
}

Task<> Machine::seal(Machine& self) {
    Answer<std::vector<Duration>> ended{self.outside_};
    self.node_->directory().finish(ended.reply());
    (void)co_await ended.within(self.outside_.now() + 1s);
    Answer<bool> sealed{self.outside_};
    self.node_->keeper()->close(sealed.reply());
    (void)co_await sealed.within(Instant::never());
    self.sealed_ = true;
}

VirtualExecutor* Machine::worker(std::size_t number) {
    return node_ == nullptr ? nullptr : &node_->worker(number);
}

void Machine::serve_rtmp(std::size_t worker, std::unique_ptr<Connection> connection) {
    Counter& counter = node_->counter(worker);
    node_->worker(worker).post([&counter, end = std::move(connection)]() mutable {
        counter.desk.executor.tasks().spawn(session::rtmp_serve(counter.desk, std::move(end)));
    });
}

void Machine::serve_http(std::size_t worker, std::unique_ptr<Connection> connection) {
    Counter& counter = node_->counter(worker);
    node_->worker(worker).post([&counter, end = std::move(connection)]() mutable {
        counter.desk.executor.tasks().spawn(
            session::http_serve(counter.desk, std::move(end), counter.routes));
    });
}

Machine::Held Machine::held() {
    time_.settle();
    Held held;
    if (node_ == nullptr) {
        return held;
    }
    for (const auto& counter : node_->counters()) {
        held.conversations += counter->desk.executor.tasks().size();
        held.sessions += counter->desk.sessions.size();
        held.viewers += counter->desk.fan_out.viewers();
        held.mirrors += counter->desk.mirrors.size();
    }
    held.streams = reports().size();
    return held;
}

std::vector<hub::StreamReport> Machine::reports() {
    std::vector<hub::StreamReport> found;
    if (node_ != nullptr) {
        Answer<std::vector<hub::StreamReport>> answer{outside_};
        node_->directory().report(std::nullopt, answer.reply());
        const auto wait = [](auto& its_answer, auto& reports) -> Task<> {
            auto answered = co_await its_answer.within(Instant::never());
            reports = std::move(*answered);
        };
        outside_.run([&] { outside_.tasks().spawn(wait(answer, found)); });
        time_.settle();
    }
    return found;
}

Task<> Machine::ask_unsent(Machine& self) {
    Answer<archive::Unacknowledged> answer{self.outside_};
    self.node_->keeper()->unacknowledged(std::string{stream}, answer.reply());
    const Result<archive::Unacknowledged> found = co_await answer.within(self.outside_.now() + look_every);
    self.unsent_ = found ? std::optional{found->fragments} : std::nullopt;
}

std::optional<std::uint64_t> Machine::unsent() {
    unsent_.reset();
    if (node_ != nullptr && node_->keeper() != nullptr) {
        outside_.run([this] { outside_.tasks().spawn(ask_unsent(*this)); });
        time_.run_for(look_every);
    }
    return unsent_;
}

void Machine::say(std::string_view json) {
    auto message = media::read_message(json);
    check(message.has_value(), "it is a result");
    Answer<std::size_t> taken{outside_};
    node_->directory().say(std::string{stream}, {std::move(*message)}, taken.reply());
    time_.settle();
}

void Machine::slow_disk(Duration latency) {
    disk_latency_ = latency;
    if (node_ != nullptr) {
        node_->disk_thread().set_latency(latency);
    }
}

void Machine::stall_disk(Duration span) {
    if (node_ != nullptr) {
        node_->disk_thread().stall(span);
    }
}

}   // namespace millrace::sim
