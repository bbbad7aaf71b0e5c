#include "apps/millrace/announce.hpp"
#include "apps/millrace/verbs.hpp"
#include "apps/node/node.hpp"
#include "apps/node/process.hpp"
#include "base/hex.hpp"
#include "base/log.hpp"
#include "base/virtual_storage.hpp"
#include "control/digest.hpp"
#include "control/password.hpp"

namespace millrace::apps {

namespace {

constexpr std::string_view stream = "demo/cam";
constexpr std::uint16_t http_port = 8080;
constexpr std::uint16_t rtmp_port = 1935;
constexpr std::uint16_t rtsp_port = 8554;
constexpr unsigned port_tries = 100;

std::string listen_option(std::string_view key, const std::string& address, std::uint16_t port) {
    return fmt::format("{}={}", key, Endpoint{address, port}.text());
}

}   // namespace

int demo(const DemoOptions& options) {
    const bool on_loopback = options.address == DemoOptions{}.address;
    net::SystemRandom random;
    control::ConfigurationSources sources{
        .sets = {fmt::format("streams={{ {}: {{ source: \"{}\" }} }}", stream, options.source),
                 listen_option("http.listen", options.address, http_port),
                 listen_option("rtmp.listen", options.address, rtmp_port),
                 listen_option("rtsp.listen", options.address, rtsp_port),
                 listen_option("rtsp.udp", options.address, 0), "kcp.listen=off", "log.level=warning"},
        .open = on_loopback};
    std::string token;
    if (!on_loopback) {
        // Whoever has the address has all of it; it holds until the demo ends.
        token = control::random_password(random);
        sources.sets.push_back(
            fmt::format("auth.tokens=[ {{ name: demo, sha256: \"{}\", allow: [ \"publish:*\", \"play:*\", "
                        "\"admin:*\" ] }} ]",
                        hex_text(control::sha256(token))));
    }
    log::set_level(log::Level::warning);
    prepare_process();
    VirtualStorage nothing_lasts;
    const auto standing =
        std::make_shared<const control::Standing>(control::stand(sources, control::State::make(random)));
    Node node{{.standing = standing, .sources = sources, .storage = nothing_lasts, .port_tries = port_tries}};
    const Addresses addresses = node.addresses();
    node.start();
    announce_demo(addresses, stream, token);
    node.run();
    return 0;
}

}   // namespace millrace::apps
