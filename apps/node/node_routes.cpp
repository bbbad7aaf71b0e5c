#include "apps/node/node.hpp"

#include "control/api.hpp"
#include "control/api_changes.hpp"
#include "control/enrolment.hpp"
#include "control/sign_in.hpp"
#include "net/process_facts.hpp"
#include "session/archive_import.hpp"
#include "session/archive_pins.hpp"
#include "session/archive_play.hpp"
#include "session/events_serve.hpp"
#include "session/hls_play.hpp"
#include "session/media_play.hpp"
#include "session/page.hpp"
#include "session/results_serve.hpp"
#include "session/rtsp_serve.hpp"
#include "session/still_play.hpp"
#include "session/upload_serve.hpp"
#include "session/wfs_play.hpp"

#include <algorithm>

namespace millrace::apps {

void Node::make_counters(const NodeStart& start) {
    directory_.tell_to(events_);
    directory_.draw_on(source_rules_);
    control::ApiSources sights{
        .directory = directory_,
        .admission = gate_,
        .sessions = {},
        .readiness = &readiness_,
        .process =
            [this] {
                ProcessFacts facts = net::process_facts();
                facts.turned_away = lobby_.turned_away();
                for (const auto& counter : counters_) {
                    facts.strange_datagrams += counter->strange_datagrams();
                }
                return facts;
            },
        .archive = [this] { return archive_facts(); },
        .recordings =
            [this](Reply<control::ApiSources::Recordings> reply) {
                if (keeper_ == nullptr) {
                    return reply.give(fail(Errc::not_found, "this node keeps no recordings"));
                }
                keeper_->streams(std::move(reply));
            },
        .version = MILLRACE_VERSION};
    for (Executor* executor : pool_.executors()) {
        counters_.push_back(
            std::make_unique<Counter>(*executor, Counter::House{.directory = directory_,
                                                                .admission = gate_,
                                                                .random = random_,
                                                                .spawner = spawner_,
                                                                .witness = source_rules_,
                                                                .follow_links = start.follow_links,
                                                                .disk = &*disk_}));
        counters_.back()->desk.memory = &memory_;
        counters_.back()->desk.enrol = [this](hub::EnrolmentWish wish, Reply<hub::EnrolmentAnswer> reply) {
            enrol(std::move(wish), std::move(reply));
        };
        counters_.back()->desk.tunnels = &tunnels_;
        counters_.back()->desk.rtsp_tunnel = [&desk = counters_.back()->desk](const web::Request& request) {
            return session::rtsp_tunnel_answer(desk, request);
        };
        sights.sessions.push_back(&counters_.back()->desk.sessions);
        sights.tallies.push_back(&counters_.back()->desk.tally);
        sights.forwards.emplace_back([counter = counters_.back().get()] {
            return counter->uplinks.join(counter->forwards.reports());
        });
    }
    sweeper_.emplace(pool_.aside(), sights.sessions);
    sights_.emplace(sights);
    const std::string node_start = fmt::format("{:08x}{:08x}", random_.next_u32(), random_.next_u32());
    for (const auto& counter : counters_) {
        counter->desk.node_id = node_start;
        counter->desk.uplink_hall = &uplink_hall_;
        add_routes(*counter, sights, node_start);
        if (start.more_routes) {
            std::ranges::move(start.more_routes(counter->desk), std::back_inserter(counter->routes));
        }
    }
}

void Node::add_routes(Counter& counter, const control::ApiSources& sights, const std::string& node_start) {
    const control::ApiMeans means{gate_, steward_, *hashing_, random_, &link_fingerprint_, &link_local_port_};
    std::vector<web::Route>& routes = counter.routes;
    routes = control::api_routes(sights);
    control::join_route(routes, "/api/v1/streams/a", control::stream_rule_route(means));
    control::join_route(routes, "/api/v1/streams/a", session::results_serve(counter.desk));
    const auto add = [&routes](std::vector<web::Route> more) {
        std::ranges::move(more, std::back_inserter(routes));
    };
    add(control::config_routes(means));
    add(control::access_routes(means));
    add(control::enrolment_routes(means));
    add(control::sign_in_routes(gate_));
    routes.push_back(session::events_serve(counter.desk, events_));
    routes.push_back(session::media_play(counter.desk));
    routes.push_back(session::wfs_play(counter.desk));
    if (keeper_ != nullptr) {
        counter.desk.keeper = keeper_.get();
        routes.push_back(session::archive_play(counter.desk, {*keeper_, stills_, counter.exports}));
        routes.push_back(session::archive_pins(counter.desk, *keeper_));
        control::join_route(routes, "/api/v1/recordings/a", control::record_route(means));
        control::join_route(routes, "/api/v1/recordings/a", session::archive_import(counter.desk, *keeper_));
    }
    routes.push_back(session::hls_play(counter.desk, node_start));
    routes.push_back(session::still_play(counter.desk, stills_));
    routes.push_back(session::upload_serve(counter.uploads, uploads_));
}

/// Behind all other routes, and once the listeners are there: the page says which port RTMP has.
void Node::add_page() {
    session::PageFacts facts;
    for (const auto& [name, local] : doors_.addresses()) {
        if (name == "rtmp") {
            facts.rtmp_port = local.port;
        }
    }
    if (const session::LinkPort* const links = counters_.front()->link_port.get()) {
        facts.kcp_port = links->local().port;
        facts.kcp_fingerprint = link_fingerprint_;
    }
    const std::vector<web::Route> page = session::page_routes(session::page_files(), facts);
    for (const auto& counter : counters_) {
        counter->routes.insert(counter->routes.end(), page.begin(), page.end());
    }
}

}   // namespace millrace::apps
