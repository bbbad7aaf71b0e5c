#include "base/ip_prefix.hpp"
#include "base/peer_address.hpp"
#include "control/catalogue_rule.hpp"
#include "control/configuration_auth.hpp"
#include "control/object_rule.hpp"
#include "control/setting.hpp"
#include "control/stream_rules.hpp"
#include "hub/name.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace millrace::control {

namespace {

template <class T>
struct Named {
    std::string_view name;
    T value;
};

constexpr std::array levels{
    Named<log::Level>{"debug", log::Level::debug},
    Named<log::Level>{"info", log::Level::info},
    Named<log::Level>{"warning", log::Level::warning},
    Named<log::Level>{"error", log::Level::error},
};

constexpr std::array formats{
    Named<log::Format>{"text", log::Format::text},
    Named<log::Format>{"json", log::Format::json},
};

template <class T, std::size_t size>
T word(const Setting& setting, const std::array<Named<T>, size>& words, std::string_view wanted) {
    const auto found = std::ranges::find(words, setting.text(wanted), &Named<T>::name);
    if (found == words.end()) {
        setting.refuse_value(wanted);
    }
    return found->value;
}

/// RFC 6454 §6.2: scheme://host[:port], nothing behind it.
std::string origin(const Setting& setting) {
    constexpr std::string_view wanted = "an origin such as https://example.org";
    const std::string& written = setting.text(wanted);
    const std::string_view text = written;
    const std::size_t scheme = text.starts_with("https://") ? 8 : text.starts_with("http://") ? 7 : 0;
    const std::string_view host = text.substr(scheme);
    const bool plain = std::ranges::all_of(host, [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               std::string_view{".-:[]"}.find(c) != std::string_view::npos;
    });
    if (scheme == 0 || host.empty() || !plain) {
        setting.refuse_value(wanted);
    }
    return written;
}

std::vector<std::string> origins(const Setting& setting) {
    if (setting.node().kind == YamlNode::Kind::scalar) {
        if (setting.node().text != "*") {
            setting.refuse_value("\"*\" or a list of origins such as [ \"https://example.org\" ]");
        }
        return {"*"};
    }
    std::vector<std::string> texts;
    for (const auto& item : setting.list(Configuration::origins_max)) {
        texts.push_back(origin(item));
    }
    return texts;
}

/// Names by which browsers reach this node (RFC 9110 §4.2.3: their case does not matter).
std::vector<std::string> hosts(const Setting& setting) {
    constexpr std::size_t size_max = 253;   // RFC 1035 §2.3.4, without the root
    std::vector<std::string> names;
    for (const auto& item : setting.list(Configuration::hosts_max)) {
        constexpr std::string_view wanted = "a host's name without scheme and port, such as live.example.org";
        std::string name = item.text(wanted);
        for (char& c : name) {
            c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
        }
        const bool plain = std::ranges::all_of(name, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
        });
        if (!plain || name.size() > size_max) {
            item.refuse_value(wanted);
        }
        names.push_back(std::move(name));
    }
    return names;
}

std::vector<IpPrefix> prefixes(const Setting& setting, std::size_t count_max) {
    std::vector<IpPrefix> prefixes;
    for (const auto& item : setting.list(count_max)) {
        constexpr std::string_view wanted =
            "an IP address or a block of them, such as 127.0.0.1 or 10.0.0.0/8 with no bits behind the "
            "prefix";
        const auto prefix = IpPrefix::parse(item.text(wanted));
        if (!prefix) {
            item.refuse_value(wanted);
        }
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

std::string stream_name(const Setting& setting) {
    const auto name = hub::StreamName::parse(setting.text("a stream name such as live/cam"));
    if (!name) {
        setting.refuse(name.error().what);
    }
    return name->text();
}

/// Channels of pages with wfs.js and the streams they show.
std::map<std::string, std::string, std::less<>> channels(const Setting& setting) {
    std::map<std::string, std::string, std::less<>> streams;
    for (const auto& item : setting.map(Configuration::channels_max)) {
        streams[item.node().key] = stream_name(item);
    }
    return streams;
}

/// Numbers of conversations and the streams they publish.
std::map<std::optional<std::uint32_t>, std::string> bare_streams(const Setting& setting) {
    std::map<std::optional<std::uint32_t>, std::string> streams;
    for (const auto& item : setting.map(Configuration::bare_streams_max)) {
        const std::string& key = item.node().key;
        std::uint32_t number = 0;
        const auto [end, failed] = std::from_chars(key.data(), key.data() + key.size(), number);
        const bool good = failed == std::errc{} && end == key.data() + key.size();
        if (!good && key != Configuration::any_conversation) {
            item.refuse("a conversation's number from 0 to 4294967295, or `any`, stands before a stream");
        }
        streams[good ? std::optional{number} : std::nullopt] = stream_name(item);
    }
    return streams;
}

// What a key does with its value; the captureless lambdas below are one line each.
using C = Configuration;
using S = Setting;

constexpr std::string_view address = "ADDRESS:PORT or `off`";

/// RFC 5771: 224.0.0.0/4; RFC 4291 §2.7: ff00::/8.
bool is_group(const Endpoint& endpoint) {
    static const IpPrefix four = IpPrefix::parse("224.0.0.0/4").value();
    static const IpPrefix six = IpPrefix::parse("ff00::/8").value();
    const std::optional<PeerAddress> group = PeerAddress::parse(endpoint);
    return group && endpoint.port != 0 && endpoint.port % 2 == 0 &&
           (four.contains(*group) || six.contains(*group));
}

constexpr std::array keys{
    ConfigurationKey{"http.listen", address, "[::]:8080", "page, API, metrics and media over HTTP", false,
                     false, [](C& c, const S& s) { c.http = s.listen_address(); }},
    ConfigurationKey{"https.listen", address, "[::]:8443 with TLS, else off", "the same over TLS", false,
                     false, [](C& c, const S& s) { c.https = s.listen_address(); }},
    ConfigurationKey{"rtmp.listen", address, "[::]:1935", "publishers and players of RTMP", false, false,
                     [](C& c, const S& s) { c.rtmp = s.listen_address(); }},
    ConfigurationKey{"rtmps.listen", address, "[::]:1936 with TLS, else off", "the same over TLS", false,
                     false, [](C& c, const S& s) { c.rtmps = s.listen_address(); }},
    ConfigurationKey{"rtsp.listen", address, "[::]:8554", "publishers and players of RTSP", false, false,
                     [](C& c, const S& s) { c.rtsp = s.listen_address(); }},
    ConfigurationKey{"rtsps.listen", address, "[::]:8322 with TLS, else off", "the same over TLS", false,
                     false, [](C& c, const S& s) { c.rtsps = s.listen_address(); }},
    ConfigurationKey{"rtsp.udp", address, "[::]:8000",
                     "the even UDP port for RTP; the next one is for RTCP; read at the start", false, false,
                     [](C& c, const S& s) {
                         c.rtsp_udp = s.listen_address();
                         if (c.rtsp_udp.endpoint.port % 2 != 0) {
                             s.refuse_value("an even port; RTCP takes the next one");
                         }
                     }},
    ConfigurationKey{"rtsp.multicast", address, "off",
                     "the group of the first stream that is asked for by multicast, and its even port; the "
                     "next ones count on from it; needs `rtsp.udp`; read at the start",
                     false, false,
                     [](C& c, const S& s) {
                         c.rtsp_multicast = s.listen_address();
                         if (c.rtsp_multicast.on && !is_group(c.rtsp_multicast.endpoint)) {
                             s.refuse_value("a multicast group and an even port, such as 239.255.42.1:8002");
                         }
                     }},
    ConfigurationKey{"rtsp.multicast_ttl", "1 to 255", "1",
                     "how many routers multicast may pass, and one more; read at the start", false, false,
                     [](C& c, const S& s) {
                         c.rtsp_multicast_ttl = s.whole_number(255);
                         if (c.rtsp_multicast_ttl == 0) {
                             s.refuse_value("1 to 255");
                         }
                     }},
    ConfigurationKey{"rtsp.multicast_interface", "name", "",
                     "the interface that multicast leaves by, where routes do not say it; read at the start",
                     false, false,
                     [](C& c, const S& s) { c.rtsp_multicast_interface = s.text("an interface's name"); }},
    ConfigurationKey{
        "kcp.listen", address, "[::]:8910",
        "the port of secure links, `kcp://`, for publishers and players: UDP, and TCP for those whose UDP is "
        "blocked; read at the start",
        false, false, [](C& c, const S& s) { c.kcp = s.listen_address(); }},
    ConfigurationKey{"kcp.psk_file", "path", "",
                     "keys that both ends of a link know, a line each: `USER:KEY`, 32 hexadecimal digits or "
                     "more; read at the start",
                     false, false,
                     [](C& c, const S& s) { c.kcp_psk_file = s.text("the path of a file of keys"); }},
    ConfigurationKey{"kcp.bare_listen", address, "off",
                     "the UDP port for MPEG-TS over bare KCP, which nothing protects; read at the start",
                     false, false, [](C& c, const S& s) { c.kcp_bare = s.listen_address(); }},
    ConfigurationKey{"kcp.bare_streams", "map of number to stream name", "{}",
                     "what conversations of bare KCP publish, by their numbers; `any`: all others", true,
                     false, [](C& c, const S& s) { c.kcp_bare_streams = bare_streams(s); }},
    ConfigurationKey{"tls.certificate", "path", "", "PEM file with the certificate chain; needs `tls.key`",
                     false, false,
                     [](C& c, const S& s) { c.tls_certificate = s.text("the path of a PEM file"); }},
    ConfigurationKey{"tls.key", "path", "", "PEM file with the private key", false, false,
                     [](C& c, const S& s) { c.tls_key = s.text("the path of a PEM file"); }},
    ConfigurationKey{"tls.verify", "`true` or `false`", "true",
                     "servers that sources are pulled from by TLS must have a good certificate", false, false,
                     [](C& c, const S& s) { c.tls_verify = s.truth(); }},
    ConfigurationKey{"outgoing.allow", "list of addresses", "[]",
                     "where sources may be pulled from, besides public and private hosts", true, false,
                     [](C& c, const S& s) { c.outgoing_allow = prefixes(s, C::outgoing_max); }},
    ConfigurationKey{"http.cors", "`\"*\"` or list of origins", "\"*\"",
                     "pages that may play media from here", true, false,
                     [](C& c, const S& s) { c.cors = origins(s); }},
    ConfigurationKey{"http.hosts", "list of names", "[]",
                     "names of this node by which browsers may use its page and change things", true, false,
                     [](C& c, const S& s) { c.hosts = hosts(s); }},
    ConfigurationKey{"http.trusted_proxies", "list of addresses", "[]",
                     "proxies that are believed when they say for whom they ask", true, false,
                     [](C& c, const S& s) { c.trusted_proxies = prefixes(s, C::proxies_max); }},
    ConfigurationKey{"http.default_stream", "stream name", "",
                     "what the aliases `/stream.m3u8`, `/video_feed` and `/play2` show", false, false,
                     [](C& c, const S& s) { c.default_stream = stream_name(s); }},
    ConfigurationKey{"http.wfs", "map of channel to stream name", "{}",
                     "what the channels of pages with wfs.js show at `/play2`; else `http.default_stream`",
                     true, false, [](C& c, const S& s) { c.wfs = channels(s); }},
    ConfigurationKey{"workers", "number", "0", "threads that serve connections; 0: one a core", false, false,
                     [](C& c, const S& s) { c.workers = s.whole_number(C::workers_max); }},
    ConfigurationKey{"grace", "duration", "10s", "how long viewers wait for a publisher that was lost", false,
                     false, [](C& c, const S& s) { c.grace = s.duration(); }},
    ConfigurationKey{"takeover", "`true` or `false`", "false",
                     "whoever shows the publisher's own credential takes its place at once", false, false,
                     [](C& c, const S& s) { c.takeover = s.truth(); }},
    ConfigurationKey{"hls.segment", "duration", "2s",
                     "the least an HLS segment lasts: it ends with the next key frame; 1s to 10s", false,
                     false, [](C& c, const S& s) { c.hls_segment = read_hls_segment(s); }},
    ConfigurationKey{"hls.window", "number", "10", "segments in a live HLS list, at least 3", false, false,
                     [](C& c, const S& s) { c.hls_window = read_hls_window(s); }},
    ConfigurationKey{"hls.always", "`true` or `false`", "false",
                     "HLS that was asked for once goes on while nobody watches", false, false,
                     [](C& c, const S& s) { c.hls_always = s.truth(); }},
    ConfigurationKey{"qp_band", "list of two numbers", "[20, 25]",
                     "a stream whose average slice QP is not between these for 10 s gets a verdict", true,
                     false, [](C& c, const S& s) { c.qp_band = read_qp_band(s); }},
    ConfigurationKey{
        "log.level", "word", "info", "least level that is logged: debug, info, warning or error", false,
        false, [](C& c, const S& s) { c.log_level = word(s, levels, "debug, info, warning or error"); }},
    ConfigurationKey{"log.format", "word", "text", "how a line is logged: text, or json for programs", false,
                     false, [](C& c, const S& s) { c.log_format = word(s, formats, "text or json"); }},
    ConfigurationKey{"storage.path", "path", "./millrace-data",
                     "folder of what this node keeps: changes by the API, credentials it made", false, false,
                     [](C& c, const S& s) { c.storage_path = s.text("the path of a folder"); }},
    ConfigurationKey{"storage.keep", "`{ days, gigabytes, stream_gigabytes }`", "{}",
                     "how long recordings are kept on this disk, the oldest go first; nothing said: until it "
                     "is nearly full",
                     true, false, [](C& c, const S& s) { c.keep = read_keep(s); }},
    ConfigurationKey{
        "storage.objects",
        "`{ endpoint, bucket, region, prefix, access_key, secret_key, secret_key_file, ca_file, keep }`",
        "{}",
        "an S3-compatible bucket that recordings move to, and are played from; all but `keep` is "
        "read at the start",
        true, false, [](C& c, const S& s) { c.objects = read_objects(s); }},
    ConfigurationKey{
        "storage.catalogue", "`{ url, node, address, password_file, ca_file }`", "{}",
        "a PostgreSQL database in which several nodes say what they recorded, so that each lists "
        "and plays it; read at the start",
        true, false, [](C& c, const S& s) { c.catalogue = read_catalogue(s); }},
    ConfigurationKey{"storage.import_gigabytes", "number", "16",
                     "a file that is imported into the archive may be so large", false, false,
                     [](C& c, const S& s) { c.import_gigabytes = s.whole_number(KeepRule::gigabytes_max); }},
    ConfigurationKey{"uplink.order", "`oldest` or `newest`", "oldest",
                     "what uplinks send first of what was missed while there was no link", true, false,
                     [](C& c, const S& s) {
                         const std::string& order = s.text("oldest or newest");
                         if (order != "oldest" && order != "newest") {
                             s.refuse_value("oldest or newest");
                         }
                         c.uplink.newest_first = order == "newest";
                     }},
    ConfigurationKey{
        "uplink.rate_kbits", "number", "0",
        "kbit/s that the archive of a stream may take of its uplink; 0: as much as live media leaves", true,
        false,
        [](C& c, const S& s) { c.uplink.rate_kbits_max = s.whole_number(UplinkRules::rate_kbits_most); }},
    ConfigurationKey{"uplink.deadline", "duration", "2s",
                     "live media of an uplink that waits for its link for longer is skipped, whole groups of "
                     "pictures; the archive brings it later",
                     true, false,
                     [](C& c, const S& s) {
                         c.uplink.deadline = s.duration();
                         if (c.uplink.deadline < 200ms || c.uplink.deadline > 60s) {
                             s.refuse_value("a duration from 200ms to 60s");
                         }
                     }},
    ConfigurationKey{
        "streams", "map of name pattern to settings", "{}",
        "what holds for the streams of a name pattern: `source`, `encode`, `transport`, "
        "`forward`, `uplink`, `record`, `on_demand`, `idle`, `grace`, `takeover`, `hls`, `qp_band`",
        true, true, [](C& c, const S& s) { c.streams = read_stream_rules(s); }},
    ConfigurationKey{"auth.users", "list of `{ name, password, digest, key, allow }`", "[]",
                     "who may do what", true, true, [](C& c, const S& s) { c.users = read_users(s); }},
    ConfigurationKey{"auth.tokens", "list of `{ name, sha256, allow, expires }`", "[]",
                     "secret texts that programs and links show, and what they may do", true, true,
                     [](C& c, const S& s) { c.tokens = read_tokens(s); }},
    ConfigurationKey{"open", "`true` or `false`", "false", "anyone may publish and play, as with `--open`",
                     false, false, [](C& c, const S& s) { c.open = s.truth(); }},
};

}   // namespace

std::span<const ConfigurationKey> configuration_keys() {
    return keys;
}

}   // namespace millrace::control
