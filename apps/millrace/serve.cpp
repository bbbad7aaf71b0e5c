#include "apps/millrace/verbs.hpp"
#include "base/log.hpp"
#include "control/admission.hpp"
#include "control/api.hpp"
#include "net/child.hpp"
#include "net/descriptor.hpp"
#include "net/listener.hpp"
#include "net/system_random.hpp"
#include "net/worker_pool.hpp"
#include "session/desk.hpp"
#include "session/hls_play.hpp"
#include "session/http_serve.hpp"
#include "session/media_play.hpp"
#include "session/media_source.hpp"
#include "session/page.hpp"
#include "session/rtmp_serve.hpp"

#include <malloc.h>

#include <thread>

namespace millrace::apps {

namespace {

using control::Configuration;
using control::ListenAddress;

/// A worker's desk and the addresses it answers.
struct Counter {
    Counter(Executor& executor, hub::Directory& directory, hub::Admission& admission, Random& random)
        : desk{executor, directory, admission, random} {}
    session::Desk desk;
    std::vector<web::Route> routes;
};

/// One node: everything it owns, in the order it is made; torn down the other way round.
class Node {
public:
    Node(const Configuration& configuration, unsigned port_tries);
    Node(const Node&) = delete;
    Node& operator=(const Node&) = delete;
    ~Node();

    void announce() const;
    void announce_demo(std::string_view stream) const;
    /// Until SIGINT or SIGTERM.
    void run() { main_.run(); }

private:
    using Serve = Task<> (*)(Counter& counter, std::unique_ptr<Connection> connection);
    void listen(std::string name, const ListenAddress& address, bool encrypted, Serve serve);
    Counter& counter_of(const Executor& executor);
    void start_sources();
    std::string address_of(std::string_view listener) const;
    void add_page();

    const Configuration configuration_;
    const unsigned port_tries_;
    net::WorkerPool pool_;
    net::MainLoop main_;
    net::ChildSpawner spawner_{main_, net::program_beside_us("millrace-media")};
    net::SystemRandom random_;
    hub::Directory directory_;
    control::OpenOrClosed admission_;
    std::vector<std::unique_ptr<Counter>> counters_;
    std::shared_ptr<const net::TlsServer> tls_;
    std::vector<std::pair<std::string, std::unique_ptr<Listener>>> listeners_;
};

Task<> serve_http(Counter& counter, std::unique_ptr<Connection> connection) {
    return session::http_serve(std::move(connection), counter.desk.executor, counter.routes);
}

Task<> serve_rtmp(Counter& counter, std::unique_ptr<Connection> connection) {
    return session::rtmp_serve(counter.desk, std::move(connection));
}

Node::Node(const Configuration& configuration, unsigned port_tries)
    : configuration_{configuration},
      port_tries_{port_tries},
      pool_{configuration.workers > 0 ? configuration.workers
                                      : std::max(1U, std::thread::hardware_concurrency())},
      directory_{{.grace = configuration.grace,
                  .segment = configuration.hls_segment,
                  .window = configuration.hls_window,
                  .always_packaged = configuration.hls_always},
                 random_},
      admission_{configuration.open} {
    std::vector<hub::Sessions*> sessions;
    for (Executor* executor : pool_.executors()) {
        counters_.push_back(std::make_unique<Counter>(*executor, directory_, admission_, random_));
        sessions.push_back(&counters_.back()->desk.sessions);
    }
    const std::string node_start = fmt::format("{:08x}{:08x}", random_.next_u32(), random_.next_u32());
    for (const auto& counter : counters_) {
        counter->routes = control::api_routes({directory_, admission_, sessions});
        counter->routes.push_back(session::media_play(counter->desk));
        counter->routes.push_back(session::hls_play(counter->desk, node_start));
        counter->desk.settings = std::make_shared<const session::Settings>(
            session::Settings{configuration.cors, configuration.default_stream});
    }
    if (configuration.has_tls()) {
        tls_ = std::make_shared<const net::TlsServer>(
            net::TlsServer::Files{configuration.tls_certificate, configuration.tls_key});
    }
    listen("http", configuration.http, false, serve_http);
    listen("https", configuration.https, true, serve_http);
    listen("rtmp", configuration.rtmp, false, serve_rtmp);
    listen("rtmps", configuration.rtmps, true, serve_rtmp);
    add_page();
    pool_.start();
    start_sources();
}

Node::~Node() {
    for (auto& [name, listener] : listeners_) {
        listener->close();
    }
    pool_.stop();
}

void Node::start_sources() {
    for (const control::StreamRule& rule : configuration_.streams) {
        if (rule.source.empty()) {
            continue;
        }
        net::Worker& worker = pool_.next();
        worker.post([this, &worker, source = session::SourceRule{rule.pattern.text(), rule.source}] {
            worker.tasks().spawn(session::media_source(counter_of(worker).desk, spawner_, source));
        });
    }
}

Counter& Node::counter_of(const Executor& executor) {
    for (const auto& counter : counters_) {
        if (&counter->desk.executor == &executor) {
            return *counter;
        }
    }
    broken_invariant("a connection comes on one of our workers", std::source_location::current());
}

void Node::listen(std::string name, const ListenAddress& address, bool encrypted, Serve serve) {
    if (!address.on || (encrypted && tls_ == nullptr && !address.written)) {
        return;
    }
    if (encrypted && tls_ == nullptr) {
        throw std::runtime_error(name + ".listen needs tls.certificate and tls.key");
    }
    const net::ListenOptions options{.address = address.endpoint.address,
                                     .port = address.endpoint.port,
                                     .is_default = !address.written,
                                     .port_tries = port_tries_,
                                     .tls = encrypted ? tls_ : nullptr};
    auto listener =
        net::listen(pool_, options, [this, serve](Executor& worker, std::unique_ptr<Connection> connection) {
            worker.tasks().spawn(serve(counter_of(worker), std::move(connection)));
        });
    listeners_.emplace_back(std::move(name), std::move(listener));
}

std::string Node::address_of(std::string_view listener) const {
    for (const auto& [name, one] : listeners_) {
        if (name == listener) {
            Endpoint local = one->local();
            if (local.address == "::" || local.address == "0.0.0.0") {
                local.address = "localhost";
            }
            return local.text();
        }
    }
    return {};
}

/// Behind all other routes, and once the listeners are there: the page says which port RTMP has.
void Node::add_page() {
    session::PageFacts facts;
    for (const auto& [name, listener] : listeners_) {
        if (name == "rtmp") {
            facts.rtmp_port = listener->local().port;
        }
    }
    const std::vector<web::Route> page = session::page_routes(session::page_files(), facts);
    for (const auto& counter : counters_) {
        counter->routes.insert(counter->routes.end(), page.begin(), page.end());
    }
}

void Node::announce() const {
    std::string line;
    for (const auto& [name, listener] : listeners_) {
        line += fmt::format("{}\"{}\": \"{}\"", line.empty() ? "" : ", ", name, listener->local().text());
    }
    fmt::print("{{\"listeners\": {{{}}}}}\n", line);
    std::fflush(stdout);
    if (configuration_.open) {
        log::warning("serve", "--open: anyone who reaches this node may publish and play");
    } else {
        log::warning("serve", "closed: nobody may publish or play; start with --open to let anyone");
    }
    const std::string rtmp = address_of("rtmp");
    const std::string http = address_of("http");
    if (!rtmp.empty()) {
        fmt::print(stderr,
                   "\n  publish   ffmpeg -re -i movie.mp4 -c copy -f flv rtmp://{}/live/cam\n"
                   "            or OBS: server rtmp://{}/live, stream key cam\n"
                   "  watch     ffplay rtmp://{}/live/cam\n",
                   rtmp, rtmp, rtmp);
    }
    if (!http.empty()) {
        fmt::print(stderr,
                   "            mpv http://{}/live/cam.flv\n"
                   "            mpv http://{}/live/cam/index.m3u8\n"
                   "  page      http://{}/\n\n",
                   http, http, http);
    }
}

void Node::announce_demo(std::string_view stream) const {
    const std::string http = address_of("http");
    const std::string rtmp = address_of("rtmp");
    fmt::print(stderr,
               "\n  the synthetic camera is on stream {0}; other ways to watch it:\n"
               "            mpv http://{1}/{0}.flv\n"
               "            ffplay rtmp://{2}/{0}\n"
               "  publish   ffmpeg -re -i movie.mp4 -c copy -f flv rtmp://{2}/live/cam\n"
               "  streams   curl http://{1}/api/v1/streams\n"
               "  the page  ",
               stream, http, rtmp);
    std::fflush(stderr);
    fmt::print("http://{}/{}\n", http, stream);
    std::fflush(stdout);
}

/// Large messages come straight from the kernel and go back to it. glibc would raise both bounds with the
/// first one freed, and keep up to 64 MB of what a publisher once sent.
void give_memory_back() {
    constexpr int mapped_from = 1 << 20;
    constexpr int kept_free = 128 << 10;
    mallopt(M_MMAP_THRESHOLD, mapped_from);
    mallopt(M_TRIM_THRESHOLD, kept_free);
}

}   // namespace

int serve(const Configuration& configuration) {
    log::set_level(configuration.log_level);
    give_memory_back();
    net::raise_descriptor_limit();
    Node node{configuration, 1};
    node.announce();
    node.run();
    log::info("serve", "stopping");
    return 0;
}

int demo(const DemoOptions& options) {
    constexpr std::string_view stream = "demo/cam";
    constexpr unsigned port_tries = 100;
    constexpr std::uint16_t http_port = 8080;
    constexpr std::uint16_t rtmp_port = 1935;
    const std::string list = fmt::format("streams={{ {}: {{ source: \"{}\" }} }}", stream, options.source);
    Configuration configuration = control::load_configuration({.sets = {list}, .open = true});
    configuration.http = {.endpoint = {options.address, http_port}, .on = true, .written = true};
    configuration.rtmp = {.endpoint = {options.address, rtmp_port}, .on = true, .written = true};
    log::set_level(log::Level::warning);
    give_memory_back();
    net::raise_descriptor_limit();
    Node node{configuration, port_tries};
    if (options.address != DemoOptions{}.address) {
        log::warning("demo", "anyone who reaches {} may watch, and publish too", options.address);
    }
    node.announce_demo(stream);
    node.run();
    return 0;
}

}   // namespace millrace::apps
