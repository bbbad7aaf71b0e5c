#include "apps/node/node.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "control/enrolment.hpp"
#include "control/stream_rules.hpp"
#include "net/machine_name.hpp"
#include "session/http_serve.hpp"
#include "session/rtmp_serve.hpp"
#include "session/rtsp_serve.hpp"

#include <malloc.h>

#include <algorithm>
#include <functional>
#include <thread>

namespace millrace::apps {

namespace {

using control::Configuration;

unsigned worker_count(const Configuration& configuration) {
    return configuration.workers > 0 ? configuration.workers
                                     : std::max(1U, std::thread::hardware_concurrency());
}

/// The destinations of each worker's streams: a stream has all of its own at one.
std::vector<std::vector<session::ForwardRule>> dealt(const Configuration& configuration,
                                                     std::size_t workers) {
    std::vector<std::vector<session::ForwardRule>> rules(workers);
    for (const control::StreamRule& rule : configuration.streams) {
        const std::string& stream = rule.pattern.text();
        for (const std::string& to : rule.forward) {
            rules[std::hash<std::string>{}(stream) % workers].push_back({stream, to});
        }
        if (!rule.uplink.empty()) {
            rules[std::hash<std::string>{}(stream) % workers].push_back({stream, rule.uplink, true});
        }
    }
    return rules;
}

/// What of these destinations have the archive sent, too.
std::vector<session::UplinkRule> uplinks_of(const std::vector<session::ForwardRule>& rules,
                                            const control::UplinkRules& how) {
    constexpr std::uint64_t bits = 1000;
    std::vector<session::UplinkRule> uplinks;
    for (const session::ForwardRule& rule : rules) {
        if (rule.uplink) {
            uplinks.push_back({rule.stream, rule.to,
                               how.newest_first ? archive::UplinkOrder::newest : archive::UplinkOrder::oldest,
                               how.rate_kbits_max * bits});
        }
    }
    return uplinks;
}

std::set<std::string, std::less<>> uplinked(const Configuration& configuration) {
    std::set<std::string, std::less<>> streams;
    for (const control::StreamRule& rule : configuration.streams) {
        if (!rule.uplink.empty()) {
            streams.insert(rule.pattern.text());
        }
    }
    return streams;
}

archive::Keep keep_of(const control::KeepRule& rule) {
    constexpr std::uint64_t gigabyte = 1'000'000'000;
    const auto bytes = [](std::optional<unsigned> gigabytes) {
        return gigabytes ? std::optional{*gigabytes * gigabyte} : std::nullopt;
    };
    return {.age_max = rule.days ? std::optional<Duration>{*rule.days * 24h} : std::nullopt,
            .bytes_max = bytes(rule.gigabytes),
            .stream_bytes_max = bytes(rule.stream_gigabytes)};
}

/// What a running node cannot follow is said, not done.
void warn_of_unchangeable(const Configuration& now, const Configuration& next) {
    constexpr std::string_view until = "this change takes effect with the next start";
    if (now.workers != next.workers) {
        log::warning("config", "workers: {}", until);
    }
    control::ObjectRule objects = next.objects;
    objects.keep = now.objects.keep;
    if (now.objects != objects) {
        log::warning("config", "storage.objects: {}", until);
    }
    if (now.catalogue != next.catalogue) {
        log::warning("config", "storage.catalogue: {}", until);
    }
    if (now.storage_path != next.storage_path) {
        log::warning("config", "storage.path: {}", until);
    }
    if (now.rtsp_udp.on != next.rtsp_udp.on ||
        now.rtsp_udp.endpoint.text() != next.rtsp_udp.endpoint.text()) {
        log::warning("config", "rtsp.udp: {}", until);
    }
    if (now.kcp.on != next.kcp.on || now.kcp.endpoint.text() != next.kcp.endpoint.text() ||
        now.kcp_psk_file != next.kcp_psk_file) {
        log::warning("config", "kcp.listen, kcp.psk_file: {}", until);
    }
    if (now.kcp_bare.on != next.kcp_bare.on ||
        now.kcp_bare.endpoint.text() != next.kcp_bare.endpoint.text()) {
        log::warning("config", "kcp.bare_listen: {}", until);
    }
    if (now.rtsp_multicast.on != next.rtsp_multicast.on ||
        now.rtsp_multicast.endpoint.text() != next.rtsp_multicast.endpoint.text() ||
        now.rtsp_multicast_ttl != next.rtsp_multicast_ttl ||
        now.rtsp_multicast_interface != next.rtsp_multicast_interface) {
        log::warning("config", "rtsp.multicast: {}", until);
    }
}

}   // namespace

Node::Node(NodeStart start)
    : standing_{start.standing},
      pool_{worker_count(start.standing->configuration)},
      directory_{{}, random_},
      hashing_{std::in_place, control::Gate::hashing_threads},
      disk_{std::in_place, 1U},
      gate_{pool_.aside(),
            *hashing_,
            random_,
            {.cookie_key = start.standing->state.cookie_key, .machine_name = net::machine_name()}},
      steward_{{.home = pool_.aside(), .disk = *disk_, .storage = start.storage, .realm = *this},
               std::move(start.sources),
               start.standing},
      doors_{pool_,
             {.lobby = &lobby_, .port_tries = start.port_tries},
             [this](std::string_view door, Executor& worker, std::unique_ptr<Connection> connection) {
                 welcome(door, worker, std::move(connection));
             }} {
    if (start.archive != nullptr) {
        open_archive(*start.archive);
    }
    make_counters(start);
    open_media_ports(start.standing->configuration);
    open_links(start.standing->configuration, start.storage);
    prepare(*start.standing, true);
    apply(start.standing);
    add_page();
}

Node::~Node() {
    doors_.close("");
    close_link_streams();
    pool_.stop();
    hashing_.reset();
    disk_.reset();
    archive_threads_.stop();
}

void Node::open_media_ports(const Configuration& wanted) {
    auto ports = apps::open_media_ports(pool_, wanted);
    for (std::size_t i = 0; i < ports.size(); ++i) {
        counters_[i]->use(std::move(ports[i]));
    }
    auto bare = open_kcp_bare(pool_, wanted);
    for (std::size_t i = 0; i < bare.size(); ++i) {
        counters_[i]->use_bare(std::move(bare[i]));
    }
    multicast_ = open_multicast(pool_.aside(), !ports.empty(), wanted);
    for (const auto& counter : counters_) {
        counter->desk.multicast = multicast_.get();
    }
}

void Node::open_links(const Configuration& wanted, Storage& storage) {
    link_keys_ = read_link_keys(wanted);
    LinkDoor door = apps::open_links(pool_, wanted, {storage, link_keys_, random_});
    link_fingerprint_ = std::move(door.fingerprint);
    for (std::size_t i = 0; i < door.sides.size(); ++i) {
        link_local_port_ = door.sides[i].socket->local().port;
        link_dtls_.push_back(std::move(door.sides[i].dtls));
        counters_[i]->use_links(std::move(door.sides[i].socket), *link_dtls_.back());
    }
    if (!link_dtls_.empty()) {
        const auto take = [this](Executor& worker, std::unique_ptr<Connection> connection) {
            counter_of(worker).link_streams->take(std::move(connection));
        };
        link_streams_ = open_link_streams(pool_, wanted.kcp, link_local_port_, {lobby_, take});
    }
}

Addresses Node::addresses() const {
    Addresses addresses = doors_.addresses();
    if (const session::MediaPorts* const ports = counters_.front()->desk.media_ports) {
        addresses.emplace_back("rtp", ports->local(false));
        addresses.emplace_back("rtcp", ports->local(true));
    }
    if (const session::LinkPort* const links = counters_.front()->link_port.get()) {
        addresses.emplace_back("kcp", links->local());
    }
    if (const session::KcpBare* const bare = counters_.front()->kcp_bare.get()) {
        addresses.emplace_back("kcp_bare", bare->local());
    }
    return addresses;
}

Counter& Node::counter_of(const Executor& executor) {
    for (const auto& counter : counters_) {
        if (&counter->desk.executor == &executor) {
            return *counter;
        }
    }
    broken_invariant("a connection comes on one of our workers", std::source_location::current());
}

void Node::welcome(std::string_view door, Executor& worker, std::unique_ptr<Connection> connection) {
    Counter& counter = counter_of(worker);
    worker.tasks().spawn(
        door.starts_with("http")   ? session::http_serve(counter.desk, std::move(connection), counter.routes)
        : door.starts_with("rtsp") ? session::rtsp_serve(counter.desk, std::move(connection))
                                   : session::rtmp_serve(counter.desk, std::move(connection)));
}

void Node::prepare(const control::Standing& next, bool afresh) {
    doors_.prepare(next.configuration, afresh);
}

void Node::apply(control::StandingRef next) {
    const Configuration& configuration = next->configuration;
    warn_of_unchangeable(standing_->configuration, configuration);
    log::set_level(configuration.log_level);
    log::set_format(configuration.log_format);
    const std::shared_ptr<const control::Policy> policy = control::policy_of(configuration);
    gate_.use(policy);
    sweeper_->use(policy);
    LinkKeys keys = link_keys_;
    keys.merge(control::link_keys_of(*next));
    for (std::size_t i = 0; i < link_dtls_.size(); ++i) {
        counters_[i]->desk.executor.post(
            [&dtls = *link_dtls_[i], keys]() mutable { dtls.use(std::move(keys)); });
    }
    const auto stream_settings = control::stream_settings({next, &next->configuration});
    directory_.use(stream_settings);
    if (keeper_ != nullptr) {
        keeper_->use(keep_of(configuration.keep), keep_of(configuration.objects.keep));
        keeper_->use_uplinks(uplinked(configuration));
    }
    const net::Connector::Rules outgoing{OutgoingRules{configuration.outgoing_allow},
                                         configuration.tls_verify};
    const auto proves_by = [&](std::string control::DigestSecrets::* hash) {
        return std::ranges::any_of(
            configuration.users, [hash](const control::User& user) { return !(user.digest.*hash).empty(); });
    };
    const auto settings = std::make_shared<const session::Settings>(
        session::Settings{.origins = configuration.cors,
                          .default_stream = configuration.default_stream,
                          .wfs = configuration.wfs,
                          .trusted_proxies = configuration.trusted_proxies,
                          .rtsp_over_http = configuration.rtsp.on || configuration.rtsps.on,
                          .digest_md5 = proves_by(&control::DigestSecrets::md5),
                          .digest_sha256 = proves_by(&control::DigestSecrets::sha256),
                          .import_bytes_max = std::uint64_t{configuration.import_gigabytes} << 30U,
                          .link_keys = link_keys_,
                          .uplink_deadline = configuration.uplink.deadline,
                          .kcp_bare = configuration.kcp_bare_streams});
    for (const auto& counter : counters_) {
        counter->desk.executor.post([&counter = *counter, settings, outgoing] {
            counter.desk.settings = settings;
            counter.connector.use(outgoing);
        });
    }
    doors_.apply();
    if (!stopping_) {
        source_rules_.apply(configuration, *stream_settings);
        use_forwards(dealt(configuration, counters_.size()), configuration.uplink);
    }
    if (next != standing_) {
        events_.tell({.kind = hub::EventKind::configuration,
                      .stream = {},
                      .text = "The configuration was changed",
                      .members = {}});
    }
    standing_ = std::move(next);
}

void Node::use_forwards(std::vector<std::vector<session::ForwardRule>> rules,
                        const control::UplinkRules& uplink) {
    for (std::size_t i = 0; i < counters_.size(); ++i) {
        counters_[i]->desk.executor.post([&counter = *counters_[i], rules = std::move(rules[i]), uplink] {
            counter.forwards.use(rules);
            counter.uplinks.use(uplinks_of(rules, uplink));
        });
    }
}

void Node::start() {
    pool_.start();
    malloc_trim(0);   // what the configuration and the certificate took
    readiness_.say(control::Readiness::Phase::ready);
}

void Node::run() {
    main_.on_signal({.stop = [this] { stop(); }, .reload = [this] { steward_.reload({}); }});
    main_.run();
}

void Node::watch(Duration every, Look look) {
    look_ = std::move(look);
    pool_.aside().post([this, every] { pool_.aside().tasks().spawn(look_again(every)); });
}

void Node::play(session::DecodedPlay& play) {
    session::Desk& desk = counters_.front()->desk;
    desk.executor.post([&play, &desk] { play.begin(desk); });
}

void Node::hear(const std::string& stream, Hear take) {
    pool_.aside().post([this, stream, take = std::move(take)]() mutable {
        pool_.aside().tasks().spawn(hear_messages(stream, std::move(take)));
    });
}

Task<> Node::hear_messages(std::string stream, Hear take) {
    const std::uint64_t reader = events_.new_reader();
    hub::EventWish wish{.after = std::nullopt, .stream = std::move(stream)};
    for (;;) {
        Answer<hub::EventBatch> answer{pool_.aside()};
        events_.read(reader, wish, answer.reply());
        const Result<hub::EventBatch> batch = co_await answer.within(Instant::never());
        if (!batch) {
            co_return;
        }
        wish.after = batch->after;
        wish.results_after = batch->results_after;
        for (const hub::EventRef& event : batch->events) {
            if (event->kind == hub::EventKind::message) {
                take(event->json);
            }
        }
    }
}

Task<> Node::look_again(Duration every) {
    Executor& here = pool_.aside();
    for (Instant next = here.now();; next = std::max(next + every, here.now())) {
        co_await sleep_until(here, next);
        const Result<control::Overview> seen = co_await control::look(*sights_, std::nullopt, here);
        if (seen) {
            look_(*seen, here.now());
        }
    }
}

}   // namespace millrace::apps
