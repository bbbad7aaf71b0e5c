#include "apps/millrace/announce.hpp"
#include "apps/millrace/demo_path.hpp"
#include "apps/millrace/demo_server.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/node.hpp"
#include "apps/node/process.hpp"
#include "base/disk_folder.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/virtual_storage.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"
#include "session/page.hpp"

#include <filesystem>

namespace millrace::apps {

namespace {

constexpr std::string_view stream = "demo/cam";
constexpr std::string_view camera = "test:?results";
constexpr std::uint16_t http_port = 8080;
constexpr std::uint16_t rtmp_port = 1935;
constexpr std::uint16_t rtsp_port = 8554;
constexpr unsigned port_tries = 100;
constexpr std::string_view api = "/api/v1/demo";
/// Of each of its two archives.
constexpr std::string_view keep = "storage.keep={ gigabytes: 1 }";

/// A folder for as long as the demo runs.
class Scratch {
public:
    Scratch() {
        std::string name = (std::filesystem::temp_directory_path() / "millrace-demo-XXXXXX").string();
        if (mkdtemp(name.data()) == nullptr) {
            throw std::runtime_error{
                fmt::format("{}: the demo has no folder for its recordings; set TMPDIR", name)};
        }
        path_ = name;
    }
    Scratch(const Scratch&) = delete;
    Scratch& operator=(const Scratch&) = delete;
    ~Scratch() {
        std::error_code left;
        std::filesystem::remove_all(path_, left);
    }
    std::string at(std::string_view name) const { return (path_ / name).string(); }

private:
    std::filesystem::path path_;
};

std::string listen_option(std::string_view key, const std::string& address, std::uint16_t port) {
    return fmt::format("{}={}", key, Endpoint{address, port}.text());
}

std::string token_option(std::string_view token) {
    return fmt::format(
        "auth.tokens=[ {{ name: demo, sha256: \"{}\", allow: [ \"publish:*\", \"play:*\", "
        "\"archive:*\", \"admin:*\" ] }} ]",
        hex_text(control::sha256(std::string{token})));
}

/// What the page asks and does: `GET /api/v1/demo`, `POST /api/v1/demo/{cut,mend,kill,start}`.
struct Switches {
    DemoPath& path;
    DemoServer& server;

    std::string text() const {
        const auto said = server.said();
        return fmt::format(
            "{{\"stream\": \"{}\", \"link\": \"{}\", \"server\": \"{}\", \"server_port\": {}, "
            "\"server_stream\": {}, \"server_recordings\": {}}}",
            stream, path.is_cut() ? "cut" : "up",
            !server.is_wanted() ? "killed"
            : said->runs        ? "running"
                                : "starting",
            server.http().port, said->stream, said->recordings);
    }
    bool turn(std::string_view word) const {
        if (word == "/cut" || word == "/mend") {
            path.cut(word == "/cut");
        } else if (word == "/kill" || word == "/start") {
            server.want(word == "/start");
        } else {
            return false;
        }
        return true;
    }
};

Task<web::Response> answer(session::Desk& desk, Switches switches, const web::Request& request) {
    const bool asks = request.path == api;
    hub::Petition petition =
        hub::petition_of(request, asks ? hub::Action::archive : hub::Action::publish, "http");
    petition.stream = stream;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    if (!admitted) {
        co_return web::refusal(request, admitted.error());
    }
    if (asks) {
        co_return web::Response::text(200, switches.text(), "application/json");
    }
    if (request.method != "POST") {
        co_return web::Response::problem(405, "the demo's switches are turned by POST");
    }
    if (!switches.turn(std::string_view{request.path}.substr(api.size()))) {
        co_return web::Response::problem(404, "the demo's switches are cut, mend, kill and start");
    }
    co_return web::Response{.status = 204};
}

std::vector<web::Route> routes(session::Desk& desk, Switches switches) {
    std::vector<web::Route> made;
    made.push_back({.methods = {"GET", "POST"},
                    .matches =
                        [](std::string_view path) {
                            return path == api || (path.starts_with(api) && path[api.size()] == '/');
                        },
                    .answer = [&desk, switches](const web::Request& request,
                                                Executor&) { return answer(desk, switches, request); }});
    made.push_back(session::demo_page_route(session::page_files(), switches.server.http().port));
    return made;
}

std::unique_ptr<DemoServer> start_server(const std::string& address, const std::string& token,
                                         const Scratch& scratch) {
    DemoServer::Wish wish{.address = address,
                          .stream = std::string{stream},
                          .folder = scratch.at("server"),
                          .token = token,
                          .options = {"--set", "log.level=error", "--set", std::string{keep}}};
    if (token.empty()) {
        wish.options.emplace_back("--open");
    } else {
        wish.options.insert(wish.options.end(), {"--set", token_option(token)});
    }
    return std::make_unique<DemoServer>(std::move(wish));
}

control::ConfigurationSources edge_of(const std::string& address, const std::string& token,
                                      const std::string& uplink) {
    control::ConfigurationSources sources{
        .sets = {fmt::format("streams={{ {}: {{ source: \"{}\", record: true, uplink: \"{}\" }} }}", stream,
                             camera, uplink),
                 listen_option("http.listen", address, http_port),
                 listen_option("rtmp.listen", address, rtmp_port),
                 listen_option("rtsp.listen", address, rtsp_port), listen_option("rtsp.udp", address, 0),
                 "kcp.listen=off", "outgoing.allow=[ 127.0.0.1 ]", "log.level=error", std::string{keep}},
        .open = token.empty()};
    if (!token.empty()) {
        sources.sets.push_back(token_option(token));
    }
    return sources;
}

}   // namespace

int demo(const DemoOptions& options) {
    net::SystemRandom random;
    // Elsewhere than on loopback whoever has the address has all of it; it holds until the demo ends.
    const std::string token =
        options.address == DemoOptions{}.address ? "" : control::random_password(random);
    log::set_level(log::Level::error);
    prepare_process();
    const Scratch scratch;
    const std::unique_ptr<DemoServer> server = start_server(options.address, token, scratch);
    DemoPath path;
    path.lead_to(server->link_port());
    const control::ConfigurationSources sources =
        edge_of(options.address, token,
                fmt::format("kcp://127.0.0.1:{}/{}?fingerprint={}{}{}", path.port(), stream,
                            server->fingerprint(), token.empty() ? "" : "&token=", token));
    VirtualStorage nothing_lasts;
    DiskFolder recordings{scratch.at("edge")};
    const auto standing =
        std::make_shared<const control::Standing>(control::stand(sources, control::State::make(random)));
    Node node{{.standing = standing,
               .sources = sources,
               .storage = nothing_lasts,
               .port_tries = port_tries,
               .archive = &recordings,
               .more_routes = [&](session::Desk& desk) { return routes(desk, {path, *server}); }}};
    const Addresses addresses = node.addresses();
    node.start();
    announce_demo({addresses, server->http(), stream, token});
    node.run();
    return 0;
}

}   // namespace millrace::apps
