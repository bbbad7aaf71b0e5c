#include "control/stream_rules.hpp"

#include "base/udp_address.hpp"
#include "base/url.hpp"
#include "control/encode_rule.hpp"

#include <algorithm>
#include <array>

namespace millrace::control {

namespace {

/// Until a source counts as stale and the next one has had time to begin.
constexpr Duration fail_over_time = 10s;

/// What is wrong with a source of a kind that this node has not, without what may be secret in it.
std::string unknown_kind(const std::string& written) {
    constexpr std::size_t shown_max = 32;
    const std::string kind = written.substr(0, written.find(':'));
    return written.find(':') == std::string::npos || kind.size() > shown_max
               ? "this is no source"
               : fmt::format("this node has no sources of the kind '{}:'", log::escaped(kind, shown_max));
}

/// The kinds of source that this node has. What stands behind the colon is the child's to judge, but for
/// URLs.
std::string source(const Setting& setting) {
    constexpr std::string_view wanted =
        "a source: test:, file:PATH, images:FILE,FILE, v4l2:DEVICE, screen:DISPLAY, alsa:DEVICE, "
        "pulse:DEVICE, "
        "exec:PROGRAM, udp://@ADDRESS:PORT, or an address that begins with http://, https://, ws://, wss://, "
        "rtsp://, rtsps://, rtmp://, rtmps:// or kcp://";
    constexpr std::array<std::string_view, 7> captured{
        "test:", "file:", "images:", "v4l2:", "screen:", "alsa:", "pulse:"};
    constexpr std::array<std::string_view, 9> pulled{"http://",  "https://", "ws://",    "wss://", "rtsp://",
                                                     "rtsps://", "rtmp://",  "rtmps://", "kcp://"};
    const std::string& written = setting.text(wanted);
    if (written.size() > StreamRule::source_size_max) {
        setting.refuse("a source is at most 4096 characters long");
    }
    const auto begins_so = [&written](std::string_view prefix) { return written.starts_with(prefix); };
    if (std::ranges::any_of(pulled, begins_so)) {
        if (const auto url = parse_url(written); !url) {
            setting.refuse(url.error().what);
        }
    } else if (written.starts_with("udp://")) {
        if (const auto address = parse_udp_address(written); !address) {
            setting.refuse(address.error().what);
        }
    } else if (begins_so("exec:") || begins_so("raw:-")) {
        // Who may change the configuration by the API may not thereby run programs here.
        if (setting.source() == overlay_name) {
            setting.refuse("a program or our stdin is a source in the configuration file alone");
        }
    } else if (std::ranges::none_of(captured, begins_so)) {
        setting.refuse(fmt::format("{}; wanted is {}", unknown_kind(written), wanted));
    }
    return written;
}

/// One source, or a list of them.
void read_sources(StreamRule& rule, const Setting& entry) {
    if (entry.node().kind != YamlNode::Kind::list) {
        rule.source = source(entry);
        return;
    }
    for (const auto& item : entry.list(StreamRule::sources_max)) {
        std::string one = source(item);
        if (rule.source.empty()) {
            rule.source = std::move(one);
        } else {
            rule.other_sources.push_back(std::move(one));
        }
    }
    if (rule.source.empty()) {
        entry.refuse("a list of sources has at least one");
    }
}

constexpr std::string_view destination_wanted =
    "a destination: kcp://HOST/NAME (a secure link), rtmp://HOST/APP/KEY or rtmps://, rtsp://HOST/PATH or "
    "rtsps://, tcp://HOST:PORT (bytes of H.264 or H.265), udp://HOST:PORT (MPEG-TS), "
    "http://HOST/NAME/upload/ or https:// (PUT of HLS), or "
    "file:PATH (.ts, .flv or .mp4)";

/// A file that a stream is written to. Not from afar: who may use the API may not write where it likes.
void check_file(const Setting& setting, std::string_view written) {
    if (setting.source() == overlay_name) {
        setting.refuse("a file is a destination in the configuration file alone");
    }
    const auto ends_so = [written](std::string_view ending) { return written.ends_with(ending); };
    if (std::ranges::none_of(std::array{".ts", ".flv", ".mp4"}, ends_so)) {
        setting.refuse("a file's name ends in .ts, .flv or .mp4, by which its container is chosen");
    }
}

/// One place where a stream is pushed to. What is wrong is said without what may be secret in it.
std::string destination(const Setting& setting) {
    constexpr std::array<std::string_view, 9> kinds{"rtmp", "rtmps", "rtsp", "rtsps", "kcp",
                                                    "tcp",  "udp",   "http", "https"};
    const std::string& written = setting.text(destination_wanted);
    if (written.size() > StreamRule::source_size_max) {
        setting.refuse("a destination is at most 4096 characters long");
    }
    if (written.starts_with("file:")) {
        check_file(setting, written);
        return written;
    }
    const auto url = parse_url(written);
    if (!url) {
        setting.refuse(fmt::format("{}; wanted is {}", url.error().what, destination_wanted));
    }
    if (std::ranges::find(kinds, url->scheme) == kinds.end() || !written.starts_with(url->scheme)) {
        setting.refuse(fmt::format("this node pushes to no such address; wanted is {}", destination_wanted));
    }
    if (url->scheme.starts_with("http") && !url->target.substr(0, url->target.find('?')).ends_with('/')) {
        setting.refuse("HLS is put into a folder: an address that ends in '/'");
    }
    return written;
}

/// One destination, or a list of them.
std::vector<std::string> destinations(const Setting& setting) {
    if (setting.node().kind == YamlNode::Kind::scalar) {
        return {destination(setting)};
    }
    std::vector<std::string> list;
    for (const Setting& one : setting.list(StreamRule::forwards_max)) {
        list.push_back(destination(one));
        if (std::ranges::count(list, list.back()) > 1) {
            one.refuse("this destination stands twice in the list");
        }
    }
    return list;
}

/// Source and destinations are one stream's.
void refuse_pattern(const StreamRule& rule, const Setting& entry, std::string_view what) {
    if (rule.pattern.text().find('*') != std::string::npos) {
        entry.refuse(fmt::format("{} needs the name of one stream, without '*'", what));
    }
}

void read_hls(StreamRule& rule, const Setting& hls) {
    constexpr std::size_t keys = 3;
    for (const auto& entry : hls.map(keys)) {
        const std::string& key = entry.node().key;
        if (key == "segment") {
            rule.hls_segment = read_hls_segment(entry);
        } else if (key == "window") {
            rule.hls_window = read_hls_window(entry);
        } else if (key == "always") {
            rule.hls_always = entry.truth();
        } else {
            entry.refuse("unknown key; a stream's hls has segment, window and always");
        }
    }
}

void read_record(StreamRule& rule, const Setting& setting) {
    if (setting.node().kind != YamlNode::Kind::map) {
        rule.record = setting.truth();
        return;
    }
    rule.record = true;
    for (const auto& entry : setting.map(2)) {
        const std::string& key = entry.node().key;
        if (key == "on_demand") {
            rule.record = !entry.truth();
        } else if (key == "before") {
            rule.record_before = entry.duration();
            if (*rule.record_before > hub::RecordingWish::before_max) {
                entry.refuse_value("a duration up to 20s");
            }
        } else {
            entry.refuse("unknown key; record is true, false, or has on_demand and before");
        }
    }
}

PullTransport read_transport(const Setting& setting) {
    constexpr std::string_view wanted = "auto, udp, tcp or http";
    const std::string& written = setting.text(wanted);
    for (const PullTransport one :
         {PullTransport::automatic, PullTransport::udp, PullTransport::tcp, PullTransport::http}) {
        if (written == name(one)) {
            return one;
        }
    }
    setting.refuse_value(wanted);
}

void read_entry(StreamRule& rule, const Setting& entry) {
    const std::string& key = entry.node().key;
    if (key == "source") {
        refuse_pattern(rule, entry, "a source");
        read_sources(rule, entry);
    } else if (key == "forward") {
        refuse_pattern(rule, entry, "a destination");
        rule.forward = destinations(entry);
    } else if (key == "uplink") {
        refuse_pattern(rule, entry, "an uplink");
        rule.uplink = destination(entry);
        if (!rule.uplink.starts_with("kcp://")) {
            entry.refuse("an uplink is a secure link, such as kcp://server:8910/live/cam");
        }
    } else if (key == "grace") {
        rule.grace = entry.duration();
    } else if (key == "takeover") {
        rule.takeover = entry.truth();
    } else if (key == "record") {
        read_record(rule, entry);
    } else if (key == "on_demand") {
        rule.on_demand = entry.truth();
    } else if (key == "idle") {
        rule.idle = entry.duration();
    } else if (key == "transport") {
        rule.transport = read_transport(entry);
    } else if (key == "encode") {
        // Read behind the sources.
    } else if (key == "hls") {
        read_hls(rule, entry);
    } else if (key == "qp_band") {
        rule.qp_band = read_qp_band(entry);
    } else {
        entry.refuse(
            "unknown key; a stream has source, encode, transport, forward, uplink, record, on_demand, idle, "
            "grace, "
            "takeover, hls and qp_band");
    }
}

/// What `encode` says of all sources of a stream, once they are known.
void encode_sources(StreamRule& rule, const Setting& stream) {
    for (const auto& entry : stream.map(SIZE_MAX)) {
        if (entry.node().key != "encode") {
            continue;
        }
        if (rule.source.empty()) {
            entry.refuse("there is no source to encode");
        }
        const std::string query = read_encode(entry);
        rule.source = encoded_source(entry, rule.source, query);
        for (std::string& other : rule.other_sources) {
            other = encoded_source(entry, other, query);
        }
    }
}

}   // namespace

std::string_view name(PullTransport transport) {
    switch (transport) {
        case PullTransport::udp: return "udp";
        case PullTransport::tcp: return "tcp";
        case PullTransport::http: return "http";
        case PullTransport::automatic: break;
    }
    return "auto";
}

std::vector<StreamRule> read_stream_rules(const Setting& setting) {
    constexpr std::size_t keys = 12;
    std::vector<StreamRule> rules;
    for (const auto& stream : setting.map(Configuration::streams_max)) {
        auto pattern = NamePattern::parse(stream.node().key);
        if (!pattern) {
            stream.refuse(pattern.error().what);
        }
        StreamRule& rule = rules.emplace_back(StreamRule{.pattern = std::move(*pattern), .source = {}});
        for (const auto& entry : stream.map(keys)) {
            read_entry(rule, entry);
        }
        encode_sources(rule, stream);
        if (!rule.uplink.empty() && rule.record != true) {
            stream.refuse("an uplink sends what was recorded: it needs record: true beside it");
        }
        if (std::ranges::find(rule.forward, rule.uplink) != rule.forward.end()) {
            stream.refuse("its uplink sends live media, too: take that address out of forward");
        }
    }
    return rules;
}

Duration read_hls_segment(const Setting& setting) {
    const Duration written = setting.duration();
    if (written < Configuration::hls_segment_min || written > Configuration::hls_segment_max) {
        setting.refuse_value("a duration from 1s to 10s");
    }
    return written;
}

unsigned read_hls_window(const Setting& setting) {
    const unsigned written = setting.whole_number(Configuration::hls_window_max);
    if (written < Configuration::hls_window_min) {
        setting.refuse_value("a whole number from 3 to 1000");
    }
    return written;
}

hub::QpBand read_qp_band(const Setting& setting) {
    std::vector<int> ends;
    for (const auto& item : setting.list(2)) {
        ends.push_back(static_cast<int>(item.whole_number(hub::QpBand::most)));
    }
    if (ends.size() != 2 || ends[0] > ends[1]) {
        setting.refuse("a band is two whole numbers from 0 to 51, the lower first, such as [20, 25]");
    }
    return {ends[0], ends[1]};
}

KeepRule read_keep(const Setting& setting) {
    constexpr std::size_t keys = 3;
    KeepRule keep;
    for (const auto& entry : setting.map(keys)) {
        const std::string& key = entry.node().key;
        if (key == "days") {
            keep.days = entry.whole_number(KeepRule::days_max);
        } else if (key == "gigabytes") {
            keep.gigabytes = entry.whole_number(KeepRule::gigabytes_max);
        } else if (key == "stream_gigabytes") {
            keep.stream_gigabytes = entry.whole_number(KeepRule::gigabytes_max);
        } else {
            entry.refuse("unknown key; keep has days, gigabytes and stream_gigabytes");
        }
    }
    return keep;
}

std::shared_ptr<const hub::SettingsByName> stream_settings(
    std::shared_ptr<const Configuration> configuration) {
    const hub::Stream::Settings common{.grace = configuration->grace,
                                       .takeover = configuration->takeover,
                                       .qp_band = configuration->qp_band,
                                       .segment = configuration->hls_segment,
                                       .window = configuration->hls_window,
                                       .always_packaged = configuration->hls_always};
    return std::make_shared<const hub::SettingsByName>(
        [common, configuration = std::move(configuration)](const hub::StreamName& name) {
            hub::Stream::Settings settings = common;
            Duration patience{};
            for (const StreamRule& rule : configuration->streams) {
                if (rule.pattern.matches(name)) {
                    settings.grace = rule.grace.value_or(settings.grace);
                    settings.takeover = rule.takeover.value_or(settings.takeover);
                    settings.record.now = rule.record.value_or(settings.record.now);
                    settings.record.before = rule.record_before.value_or(settings.record.before);
                    settings.on_demand = rule.on_demand.value_or(settings.on_demand);
                    settings.idle = rule.idle.value_or(settings.idle);
                    if (!rule.other_sources.empty()) {
                        patience = fail_over_time * static_cast<int>(rule.other_sources.size() + 1);
                    }
                    settings.qp_band = rule.qp_band.value_or(settings.qp_band);
                    settings.segment = rule.hls_segment.value_or(settings.segment);
                    settings.window = rule.hls_window.value_or(static_cast<unsigned>(settings.window));
                    settings.always_packaged = rule.hls_always.value_or(settings.always_packaged);
                }
            }
            // Viewers stay until the last of several sources had its turn.
            settings.grace = std::max(settings.grace, patience);
            return settings;
        });
}

}   // namespace millrace::control
