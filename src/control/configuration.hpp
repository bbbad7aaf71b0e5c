#pragma once

#include "base/connection.hpp"
#include "base/ip_prefix.hpp"
#include "base/log.hpp"
#include "base/time.hpp"
#include "control/configuration_error.hpp"
#include "control/digest_secrets.hpp"
#include "control/name_pattern.hpp"
#include "control/yaml.hpp"
#include "hub/admission.hpp"
#include "hub/verdicts.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// Where a listener listens.
struct ListenAddress {
    Endpoint endpoint;
    bool on = true;
    /// The user wrote it, so it must work as it is; a default falls back to IPv4 where there is no IPv6.
    bool written = false;
};

/// Where a setting comes from; the first start made its administrator. What comes later wins.
enum class Origin : std::uint8_t { standard, first_start, file, overlay, environment, option };
/// "default", "first start", "file", "overlay", "environment", "option".
std::string_view name(Origin origin);

/// What a user may do to the streams of a pattern.
struct Grant {
    hub::Action action;
    NamePattern pattern;
};

/// A name that may prove itself by a password, and what it may do.
struct User {
    static constexpr std::size_t key_size_min = 16;   // bytes
    static constexpr std::size_t key_size_max = 64;

    std::string name;
    std::string password;   ///< the line `millrace password` prints (Argon2id); empty: needs none
    DigestSecrets digest{};
    std::vector<std::byte> key{};   ///< which both ends of its links know; empty: none
    std::vector<Grant> allow;
    Origin origin = Origin::standard;
};

/// A secret text that proves itself, for programs and links. Kept as its hash alone.
struct Token {
    using Hash = std::array<std::byte, 32>;

    std::string name;   ///< for people, and to take it back by
    Hash sha256{};
    std::vector<Grant> allow;
    std::optional<WallTime> expires;
    Origin origin = Origin::standard;
};

/// How the packets of an RTSP source travel: by itself UDP is tried first, and HTTP never.
enum class PullTransport : std::uint8_t { automatic, udp, tcp, http };
std::string_view name(PullTransport transport);

/// What the configuration says of the streams of one pattern.
struct StreamRule {
    static constexpr std::size_t source_size_max = 4096;
    static constexpr std::size_t sources_max = 8;
    static constexpr std::size_t forwards_max = 16;

    NamePattern pattern;
    std::string source;   ///< where it comes from, such as "test:?size=640x360"; empty: publishers
    /// Taken, the first before the others, while those before them deliver nothing.
    std::vector<std::string> other_sources{};
    std::vector<std::string> forward{};   ///< where it is pushed to, such as "rtmp://server/app/key"
    std::string
        uplink{};   ///< the server that is to have its recordings as well, "kcp://server:8910/live/cam"
    Origin origin = Origin::standard;

    // In the place of the keys of the same names; nothing: as those say, or an earlier rule.
    std::optional<Duration> grace;
    std::optional<bool> takeover;
    std::optional<bool> record;              ///< it is kept in the archive
    std::optional<Duration> record_before;   ///< and until it is, so much of its past in memory
    std::optional<bool> on_demand;           ///< its source runs only while somebody watches
    std::optional<Duration> idle;            ///< and so long after the last one
    std::optional<PullTransport> transport;
    std::optional<Duration> hls_segment;
    std::optional<unsigned> hls_window;
    std::optional<bool> hls_always;
    std::optional<hub::QpBand> qp_band;
};

/// How long recordings are kept; nothing said: until the disk is nearly full.
struct KeepRule {
    static constexpr unsigned days_max = 36'500;
    static constexpr unsigned gigabytes_max = 1'000'000;

    std::optional<unsigned> days;
    std::optional<unsigned> gigabytes;          ///< of all streams
    std::optional<unsigned> stream_gigabytes;   ///< of each
    bool operator==(const KeepRule&) const = default;
};

/// How uplinks send what was missed.
struct UplinkRules {
    bool newest_first = false;
    static constexpr unsigned rate_kbits_most = 10'000'000;
    unsigned rate_kbits_max = 0;   ///< of what was missed, of each stream, kbit/s; 0: none
    Duration deadline = 2s;        ///< live media that waits for longer is skipped; the archive brings it
    bool operator==(const UplinkRules&) const = default;
};

/// The bucket that recordings move to.
struct ObjectRule {
    std::string endpoint;   ///< "https://host[:port]"; empty: there is none
    std::string bucket;
    std::string region = "us-east-1";
    std::string prefix;   ///< ends with '/', or is empty
    std::string access_key;
    std::string secret_key;        ///< or
    std::string secret_key_file;   ///< where it stands
    std::string ca_file;           ///< PEM: who signed the server's certificate; empty: as the system has it
    KeepRule keep;                 ///< there

    bool is_on() const { return !endpoint.empty(); }
    bool operator==(const ObjectRule&) const = default;
};

/// The catalogue that this node shares with others.
struct CatalogueRule {
    std::string host;   ///< empty: there is none
    std::uint16_t port = 0;
    std::string user;
    std::string password;        ///< or
    std::string password_file;   ///< where it stands; neither: the server wants none
    std::string database;
    std::string node;      ///< what this node calls itself there
    std::string address;   ///< "https://b.example.org", where people find this node; may be empty
    std::string ca_file;   ///< PEM: who signed the server's certificate; empty: as the system has it

    bool is_on() const { return !host.empty(); }
    bool operator==(const CatalogueRule&) const = default;
    /// As it is shown: without what is secret.
    std::string url() const;
};

/// One node's settings, all checked. Plain values; read on any thread once loaded.
struct Configuration {
    static constexpr unsigned workers_max = 256;
    static constexpr std::size_t users_max = 1024;
    static constexpr std::size_t tokens_max = 1024;
    static constexpr std::size_t grants_max = 256;   ///< of one user or token
    static constexpr std::size_t hosts_max = 256;
    static constexpr std::size_t proxies_max = 256;
    static constexpr std::size_t outgoing_max = 256;
    static constexpr std::size_t streams_max = 10000;
    static constexpr std::size_t origins_max = 256;
    static constexpr std::size_t channels_max = 256;
    static constexpr std::size_t bare_streams_max = 256;
    static constexpr std::string_view any_conversation = "any";
    static constexpr Duration hls_segment_min = 1s;
    static constexpr Duration hls_segment_max = 10s;   ///< as long as a stream's newest media are kept
    static constexpr unsigned hls_window_min = 3;
    static constexpr unsigned hls_window_max = 1000;

    ListenAddress http{{"::", 8080}};
    ListenAddress https{{"::", 8443}};   ///< on by default only with TLS
    ListenAddress rtmp{{"::", 1935}};
    ListenAddress rtmps{{"::", 1936}};   ///< on by default only with TLS
    ListenAddress rtsp{{"::", 8554}};
    ListenAddress rtsps{{"::", 8322}};                             ///< on by default only with TLS
    ListenAddress rtsp_udp{{"::", 8000}};                          ///< of RTP; an even port
    ListenAddress rtsp_multicast{{"239.255.42.1", 8002}, false};   ///< the first group; an even port
    unsigned rtsp_multicast_ttl = 1;
    std::string rtsp_multicast_interface;   ///< by name; empty: as routes say
    ListenAddress kcp{{"::", 8910}};        ///< of secure links
    std::string kcp_psk_file;   ///< path of the keys that links may prove both ends by; empty: none
    ListenAddress kcp_bare{{"::", 8911}, false};
    /// What conversations of bare KCP publish, by their numbers; nothing: of all other numbers.
    std::map<std::optional<std::uint32_t>, std::string> kcp_bare_streams;
    std::string tls_certificate;   ///< path of a PEM file; empty: no TLS
    std::string tls_key;
    bool tls_verify = true;                 ///< the certificates of servers that sources are pulled from
    std::vector<IpPrefix> outgoing_allow;   ///< addresses besides public and private ones
    std::vector<std::string> cors{"*"};     ///< allowed origins, or "*" alone
    std::vector<std::string> hosts;         ///< names of this node, lower case, that a page may use it by
    std::vector<IpPrefix> trusted_proxies;
    std::string default_stream;                            ///< what `/stream.m3u8` shows; empty: nothing
    std::map<std::string, std::string, std::less<>> wfs;   ///< the stream of each channel of `/play2`
    unsigned workers = 0;                                  ///< 0: one a core
    Duration grace = 10s;                                  ///< how long viewers wait for a lost publisher
    Duration hls_segment = 2s;                             ///< the least a segment lasts
    unsigned import_gigabytes = 16;                        ///< a file for the archive may have
    unsigned hls_window = 10;                              ///< segments in a live list
    bool takeover = false;     ///< of a stream, by a publisher with the same credential
    bool hls_always = false;   ///< HLS goes on when nobody asks any more
    hub::QpBand qp_band;       ///< pictures out of it get a verdict
    log::Level log_level = log::Level::info;
    log::Format log_format = log::Format::text;
    std::string storage_path = "./millrace-data";
    KeepRule keep;
    ObjectRule objects;
    CatalogueRule catalogue;
    UplinkRules uplink;
    std::vector<StreamRule> streams;   ///< in the file's order
    std::vector<User> users;
    std::vector<Token> tokens;
    bool open = false;   ///< anyone may publish and play
    /// Where each key that has not its default was written.
    std::map<std::string_view, Origin> origins;

    bool has_tls() const { return !tls_certificate.empty(); }
    /// Whether file, environment or options say who may do what; else the first start makes an
    /// administrator.
    bool has_auth() const {
        return std::ranges::any_of(origins, [](const auto& entry) {
            return entry.first.starts_with("auth.") && entry.second != Origin::overlay;
        });
    }
};

/// Where settings come from; a later one of these wins.
struct ConfigurationSources {
    std::string file_name;   ///< for error texts
    std::string file_text;
    YamlNode overlay;                       ///< what the API changed, in the file's shape
    std::vector<std::string> environment;   ///< "NAME=VALUE" each, as in `environ`
    std::vector<std::string> sets;          ///< "KEY=VALUE" each, of --set
    bool open = false;                      ///< --open
};

/// One setting that a configuration may hold. The table of them drives file, environment, --set and guide.
struct ConfigurationKey {
    std::string_view name;       ///< "http.listen"; in the environment MILLRACE_HTTP_LISTEN
    std::string_view type;       ///< in words
    std::string_view fallback;   ///< the default as one writes it
    std::string_view help;
    bool structured;   ///< a list or map: --set and environment give it as YAML
    bool beside;       ///< what the API adds to it stands beside what the file has, by name
    void (*set)(Configuration& configuration, const class Setting& setting);
};
std::span<const ConfigurationKey> configuration_keys();
/// "http.listen" to "MILLRACE_HTTP_LISTEN".
std::string environment_variable(std::string_view key);

/// The text of a configuration file. Throws ConfigurationError.
std::string read_configuration_file(const std::string& path);

/// Defaults, then file, overlay, environment, --set, --open. Throws ConfigurationError. Unknown MILLRACE_
/// variables are only warned of, since container platforms make such names themselves.
Configuration load_configuration(const ConfigurationSources& sources);

}   // namespace millrace::control
