#include "control/one_stream.hpp"

#include "base/url.hpp"
#include "base/web.hpp"
#include "hub/name.hpp"

#include <fmt/format.h>

#include <array>

namespace millrace::control {

namespace {

struct Listened {
    std::string_view protocol;
    std::uint16_t port;
};
constexpr std::array listened{Listened{"rtsp", 8554}, Listened{"rtmp", 1935}, Listened{"http", 8080}};
constexpr std::string_view listen_wanted =
    "wanted is rtsp://ADDRESS:PORT/NAME, where ADDRESS is a numeric address of this machine or nothing, such "
    "as rtsp://:8554/cam; rtmp:// and http:// work too";

[[noreturn]] void refuse_listen(std::string_view text, std::string_view why) {
    throw ConfigurationError(fmt::format("--listen {}: {}; {}", log::escaped(text), why, listen_wanted));
}

/// What is wrong without where it stands: "--set: streams.cam.source: this is no source".
std::string without_place(std::string_view words, std::string_view name) {
    for (const std::string_view key : {"source", "forward"}) {
        const std::string path = fmt::format("streams.{}.{}", name, key);
        const std::size_t at = words.find(path);
        const std::size_t colon = at == std::string_view::npos ? at : words.find(": ", at + path.size());
        if (colon != std::string_view::npos) {
            return fmt::format("the {}: {}", key == "source" ? key : "destination", words.substr(colon + 2));
        }
    }
    return std::string{words};
}

std::string rule_of(const OneStream& stream) {
    std::string rule = fmt::format("source: {}", web::json_quoted(stream.source));
    std::string to;
    for (const std::string& one : stream.to) {
        to += fmt::format("{}{}", to.empty() ? "" : ", ", web::json_quoted(one));
    }
    if (!to.empty()) {
        rule += fmt::format(", forward: [ {} ]", to);
    }
    if (!stream.transport.empty()) {
        rule += fmt::format(", transport: {}", web::json_quoted(stream.transport));
    }
    return fmt::format("{{ {}: {{ {} }} }}", web::json_quoted(stream.name), rule);
}

}   // namespace

std::string encoded(std::string source, const EncodeWords& words) {
    const std::array<std::pair<std::string_view, const std::string*>, 6> all{{{"codec", &words.codec},
                                                                              {"size", &words.size},
                                                                              {"fps", &words.fps},
                                                                              {"bitrate", &words.bitrate},
                                                                              {"gop", &words.gop},
                                                                              {"audio", &words.audio}}};
    const bool elsewhere = source.find("://") != std::string::npos;
    bool first = source.find('?') == std::string::npos;
    for (const auto& [key, value] : all) {
        // Cameras code pictures themselves; other sources are not encoded again but where that is asked.
        if (value->empty() || (*value == "copy" && !source.starts_with("v4l2:"))) {
            continue;
        }
        if (elsewhere) {
            throw ConfigurationError(
                fmt::format("--{}: what comes from elsewhere is sent as it comes; only sources of this "
                            "machine are encoded",
                            key));
        }
        source += fmt::format("{}{}={}", std::exchange(first, false) ? '?' : '&', key, *value);
    }
    return source;
}

void read_listen_address(OneStream& stream, const std::string& text) {
    const std::size_t scheme = text.find("://");
    const auto kind =
        std::ranges::find(listened, std::string_view{text}.substr(0, scheme), &Listened::protocol);
    if (scheme == std::string::npos || kind == listened.end()) {
        refuse_listen(text, "this is no address to listen at");
    }
    // Without a host it is no URL yet: the unspecified address stands for all.
    std::string whole = text;
    const std::size_t host = scheme + 3;
    const bool everywhere = host >= text.size() || text[host] == ':' || text[host] == '/';
    if (everywhere) {
        whole.insert(host, "[::]");
    }
    const bool any_port = whole.find(":0/", host) != std::string::npos;
    if (any_port) {
        whole.replace(whole.find(":0/", host), 3, "/");
    }
    const Result<Url> url = parse_url(whole);
    if (!url) {
        refuse_listen(text, url.error().what);
    }
    const auto name = hub::StreamName::parse(std::string_view{url->target}.substr(1));
    if (!name) {
        refuse_listen(text, name.error().what);
    }
    const bool written = whole.find(fmt::format(":{}/", url->port), host) != std::string::npos;
    stream.name = name->text();
    stream.protocol = kind->protocol;
    stream.listen = {url->host, any_port ? std::uint16_t{0} : written ? url->port : kind->port};
}

ConfigurationSources sources_of(const OneStream& stream) {
    ConfigurationSources sources;
    sources.sets = {"workers=1", "log.level=warning", "outgoing.allow=[ \"::/0\" ]",
                    fmt::format("streams={}", rule_of(stream))};
    for (const Listened& one : listened) {
        const bool on = one.protocol == stream.protocol;
        sources.sets.push_back(fmt::format("{}.listen={}", one.protocol, on ? stream.listen.text() : "off"));
    }
    sources.sets.emplace_back("kcp.listen=off");
    const bool by_udp = stream.protocol == "rtsp";
    sources.sets.push_back(
        fmt::format("rtsp.udp={}", by_udp ? Endpoint{stream.listen.address, 0}.text() : "off"));
    if (!stream.protocol.empty()) {
        sources.sets.push_back(fmt::format("auth.users=[ {{ name: anyone, allow: [ {} ] }} ]",
                                           web::json_quoted("play:" + stream.name)));
    }
    try {
        load_configuration(sources);
    } catch (const ConfigurationError& error) {
        throw ConfigurationError(without_place(error.what(), stream.name));
    }
    return sources;
}

}   // namespace millrace::control
