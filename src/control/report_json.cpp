#include "control/report_json.hpp"

#include "base/date_time.hpp"
#include "base/link_transport.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>
#include <tuple>

namespace millrace::control {

namespace {

using Json = nlohmann::ordered_json;

std::string_view kind_name(media::Kind kind) {
    switch (kind) {
        case media::Kind::video: return "video";
        case media::Kind::audio: return "audio";
        case media::Kind::data: return "data";
    }
    return "data";
}

double seconds(Duration span) {
    return std::chrono::duration<double>(span).count();
}

/// Of the last second and of the last ten.
Json windowed(const hub::Windowed& number) {
    return {{"1s", number.second}, {"10s", number.ten}};
}

/// Where a rate is not known it is left out.
Json frame_rates(const hub::TrackReport& report, const media::TrackConfig& config) {
    Json json;
    if (report.captured > 0) {
        json["captured"] = report.captured_per_second;
    }
    if (report.encoded_per_second > 0) {
        json["encoded"] = report.encoded_per_second;
    }
    json["received"] = windowed(report.units_per_second);
    if (config.frame_rate > 0) {
        json["declared"] = config.frame_rate;
    }
    return json;
}

void add_video(Json& json, const hub::TrackReport& report, const media::TrackConfig& config) {
    json["width"] = config.width;
    json["height"] = config.height;
    json["fps"] = frame_rates(report, config);
    if (report.slice_qp) {
        json["slice_qp"] = {{"average", report.slice_qp->average},
                            {"min", report.slice_qp->min},
                            {"max", report.slice_qp->max}};
    }
    if (report.coded_qp) {
        json["coded_qp"] = *report.coded_qp;
    }
    if (report.captured > 0) {
        json["frames_captured"] = report.captured;
        json["frames_missing"] = report.missing;
    }
}

Json track(const hub::TrackReport& report) {
    Json json;
    json["id"] = report.track.id;
    json["kind"] = kind_name(report.track.kind);
    if (const media::ConfigRef& config = report.track.config) {
        json["codec"] = media::name(config->codec);
        json["codec_string"] = config->codec_string;
        if (report.track.kind == media::Kind::video) {
            add_video(json, report, *config);
        } else {
            json["sample_rate"] = config->sample_rate;
            json["channels"] = config->channels;
        }
    }
    json["payload_bps"] = windowed(report.bits_per_second);
    json["jitter_seconds"] = seconds(report.jitter);
    json["frames"] = report.units;
    json["bytes"] = report.bytes;
    return json;
}

Json latency(const hub::LatencyReport& report) {
    return {{"p50", report.p50_seconds}, {"p95", report.p95_seconds}};
}

/// From capture: whose word it is, to here, and to what each form wrote or listed.
Json latencies(const hub::StreamReport& report) {
    Json json;
    json["origin"] = media::name(report.capture_origin);
    if (report.arrival_latency.count > 0) {
        json["arrival_seconds"] = latency(report.arrival_latency);
    }
    if (report.publisher && report.publisher->clock) {
        const ClockOffset::Estimate& clock = *report.publisher->clock;
        json["clock"] = {{"ahead_seconds", seconds(clock.ahead)},
                         {"uncertainty_seconds", seconds(clock.uncertainty)}};
    }
    json["output_seconds"] = Json::object();
    for (const hub::OutputReport& output : report.outputs) {
        if (output.latency.count > 0) {
            json["output_seconds"][output.form] = latency(output.latency);
        }
    }
    return json;
}

Json outputs(const hub::StreamReport& report) {
    Json json = Json::object();
    for (const hub::OutputReport& output : report.outputs) {
        Json& one = json.emplace(output.form, Json::object()).first.value();
        one["frames_muxed"] = one.value("frames_muxed", std::uint64_t{0}) + output.units_muxed;
        one["memory_bytes"] = one.value("memory_bytes", std::size_t{0}) + output.memory;
        if (output.segments > 0) {
            one["segments"] = output.segments;
        }
    }
    return json;
}

Json link(const LinkReport& report) {
    return {{"round_trip_seconds", seconds(report.round_trip)},
            {"round_trip_min_seconds", seconds(report.round_trip_min)},
            {"loss", report.loss},
            {"pacing_bps", report.rate},
            {"parity", report.parity},
            {"datagrams_sent", report.datagrams_sent},
            {"datagrams_received", report.datagrams_received},
            {"bytes_sent", report.bytes_sent},
            {"segments", report.segments},
            {"resends",
             {{"overtaken", report.resends_by_gap},
              {"timer", report.resends_by_timer},
              {"copies", report.further_copies}}},
            {"recovered", report.recovered},
            {"duplicates", report.duplicates},
            {"refused", report.refused},
            {"moves", report.moves},
            {"queue_bytes", report.queued},
            {"in_flight_bytes", report.in_flight}};
}

Json uplink(const hub::UplinkReport& report) {
    Json json{{"state", hub::name(report.state)},
              {"unsent_fragments", report.unsent_fragments},
              {"unsent_bytes", report.unsent_bytes},
              {"bytes", report.bytes},
              {"acknowledged_fragments", report.acknowledged},
              {"refused_fragments", report.refused},
              {"rate_bps", report.rate},
              {"reconnects", report.begun > 1 ? report.begun - 1 : 0}};
    if (report.unsent_since) {
        json["unsent_since"] = date_time_text(*report.unsent_since);
    }
    if (!report.reason.empty()) {
        json["reason"] = report.reason;
    }
    return json;
}

Json forward(const hub::ForwardReport& report) {
    Json json{{"to", report.to}, {"state", hub::name(report.state)}, {"bytes", report.bytes}};
    json["reconnects"] = report.reconnects();
    json["skips"] = report.skips;
    json["queue"] = {{"bytes", report.queue_bytes},
                     {"seconds", std::chrono::duration<double>{report.queue_age}.count()}};
    if (report.frames_sent) {
        json["frames_sent"] = *report.frames_sent;
        json["frames_skipped"] = report.frames_skipped;
        json["queue"]["frames"] = report.frames_waiting;
        json["sent_fps"] = report.sent_per_second;
    }
    if (report.bitrate_target > 0) {
        json["bitrate_target_bps"] = report.bitrate_target;
    }
    if (report.link) {
        json["transport"] = transport_of(*report.link);
        json["link"] = link(*report.link);
    }
    if (report.uplink) {
        json["uplink"] = uplink(*report.uplink);
    }
    if (!report.reason.empty()) {
        json["reason"] = report.reason;
    }
    return json;
}

Json verdicts(const hub::StreamReport& report) {
    Json json = Json::array();
    for (const hub::Verdict& verdict : report.verdicts) {
        json.push_back({{"code", verdict.code},
                        {"weight", hub::name(verdict.weight)},
                        {"text", verdict.text},
                        {"since", date_time_text(verdict.since)}});
    }
    return json;
}

/// Where they are is for administrators.
Json sources(const hub::StreamReport& report, Reader reader) {
    Json json = Json::array();
    for (const hub::SourceStatus& status : report.sources) {
        Json& one = json.emplace_back(Json::object());
        if (reader == Reader::administrator) {
            one["source"] = status.source;
        }
        one["state"] = hub::name(status.state);
        one["publishes"] = status.publishes;
        one["reason"] = status.reason;
    }
    return json;
}

/// Its sums agree: captured = encoded + dropped + what is on its way.
Json camera(const hub::CameraReport& report) {
    return {{"captured", report.captured},
            {"encoded", report.encoded},
            {"dropped",
             {{"encoder_busy", report.dropped_slow},
              {"link_slow", report.dropped_asked},
              {"broken", report.broken}}},
            {"moments_missed", report.moments_missed},
            {"queue", {{"pictures", report.pictures_waiting}, {"units", report.units_waiting}}}};
}

/// What its camera tells of itself, and results.
void add_what_it_says(Json& json, const hub::StreamReport& report) {
    if (report.camera) {
        json["camera"] = camera(*report.camera);
    }
    if (report.results.taken + report.results.refused > 0) {
        json["results"] = {{"taken", report.results.taken}, {"refused", report.results.refused}};
    }
}

Json document(const hub::StreamReport& report, const Audience& audience, Reader reader) {
    Json json;
    json["name"] = report.name;
    json["state"] = hub::name(report.state);
    json["on_demand"] = report.on_demand;
    json["run"] = report.run;
    if (report.publisher) {
        json["source"] = {{"protocol", report.publisher->protocol}};
        if (reader == Reader::administrator) {
            json["source"]["peer"] = report.publisher->peer.text();
        }
    }
    if (!report.sources.empty()) {
        json["sources"] = sources(report, reader);
    }
    json["tracks"] = Json::array();
    std::ranges::transform(report.tracks, std::back_inserter(json["tracks"]), track);
    json["payload_bps"] = windowed(report.payload_bits_per_second);
    json["wire_bps"] = windowed(report.wire_bits_per_second);
    if (report.compression_ratio > 0) {
        json["compression_ratio"] = report.compression_ratio;
    }
    if (report.gop_seconds > 0) {
        json["gop_seconds"] = report.gop_seconds;
    }
    json["latency"] = latencies(report);
    json["frames_received"] = report.units_in + report.units_dropped;
    json["frames_in"] = report.units_in;
    json["frames_dropped"] = report.units_dropped;
    json["frames_lost"] = report.units_unusable;
    json["packets_lost"] = report.packets_lost;
    json["packets_late"] = report.packets_late;
    if (report.chunks != hub::ChunkChecks{}) {
        json["chunks"] = {{"proven", report.chunks.proven},
                          {"different", report.chunks.different},
                          {"incomplete", report.chunks.incomplete}};
    }
    json["bytes_in"] = report.bytes_in;
    json["timestamp_jumps"] = report.jumps;
    add_what_it_says(json, report);
    json["outputs"] = outputs(report);
    json["viewers"] = Json::object();
    for (const auto& [protocol, count] : audience.viewers) {
        json["viewers"][protocol] = count;
    }
    json["slow_viewers"] = audience.slow;
    json["sent"] = {{"bytes", audience.bytes_out}, {"writes", audience.writes}, {"skips", audience.skips}};
    if (reader == Reader::administrator && !audience.forwards.empty()) {
        json["forwards"] = Json::array();
        std::ranges::transform(audience.forwards, std::back_inserter(json["forwards"]), forward);
    }
    const hub::RecordingReport& recording = report.recording;
    if (recording.on || recording.before > Duration{}) {
        json["recording"] = {{"wanted", recording.on},
                             {"under_way", recording.under_way},
                             {"bytes", recording.bytes},
                             {"frames_lost", recording.lost},
                             {"trouble", recording.trouble}};
        if (recording.before > Duration{}) {
            json["recording"]["before"] = {{"seconds", seconds(recording.before)},
                                           {"held_seconds", seconds(recording.held)},
                                           {"held_bytes", recording.held_bytes}};
        }
    }
    json["memory_bytes"] = report.memory;
    json["verdicts"] = verdicts(report);
    return json;
}

Json document(const WorkerReport& worker, const hub::SessionReport& report) {
    Json json;
    json["id"] = worker.id_of(report);
    json["kind"] = hub::name(report.facts.kind);
    json["protocol"] = report.facts.protocol;
    if (!report.facts.stream.empty()) {
        json["stream"] = report.facts.stream;
    }
    json["peer"] = report.facts.peer.text();
    json["user"] = report.facts.who.name;
    json["since"] = date_time_text(worker.began(report));
    json["bytes_in"] = report.bytes_in;
    json["bytes_out"] = report.bytes_out;
    json["bitrate_bps"] = report.bits_per_second;
    json["writes"] = report.writes;
    json["skips"] = report.skips;
    if (!report.verdict.empty()) {
        json["verdict"] = report.verdict;
    }
    if (report.link) {
        json["transport"] = transport_of(*report.link);
        json["link"] = link(*report.link);
    }
    return json;
}

bool within(const Page& page, std::size_t place) {
    return place >= page.offset && place - page.offset < page.limit;
}

std::string text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}   // namespace

std::string stream_json(const hub::StreamReport& report, const Audience& audience, Reader reader) {
    return text(document(report, audience, reader));
}

std::string stream_json_line(const hub::StreamReport& report, const Audience& audience) {
    return document(report, audience, Reader::administrator)
        .dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string streams_json(const std::vector<hub::StreamReport>& reports, const Audiences& audiences, Page page,
                         Reader reader) {
    Json list;
    list["items"] = Json::array();
    for (std::size_t place = 0; place < reports.size(); ++place) {
        if (within(page, place)) {
            const auto found = audiences.find(reports[place].name);
            list["items"].push_back(
                document(reports[place], found == audiences.end() ? Audience{} : found->second, reader));
        }
    }
    list["total"] = reports.size();
    return text(list);
}

std::string recorded_json(const std::vector<hub::RecordedStream>& streams, Page page) {
    Json list;
    list["items"] = Json::array();
    for (std::size_t place = 0; place < streams.size(); ++place) {
        const hub::RecordedStream& one = streams[place];
        if (within(page, place)) {
            list["items"].push_back({{"name", one.name},
                                     {"from", date_time_text(one.from)},
                                     {"to", date_time_text(one.to)},
                                     {"bytes", one.bytes},
                                     {"gaps", one.gaps},
                                     {"recording", one.recording}});
        }
    }
    list["total"] = streams.size();
    return text(list);
}

Audiences audiences(const std::vector<WorkerReport>& workers) {
    Audiences audiences;
    for (const WorkerReport& worker : workers) {
        for (const hub::ForwardReport& report : worker.forwards) {
            audiences[report.stream].forwards.push_back(report);
        }
        for (const hub::SessionReport& report : worker.sessions) {
            if (report.facts.kind == hub::SessionKind::viewer) {
                Audience& audience = audiences[report.facts.stream];
                ++audience.viewers[std::string{report.facts.protocol}];
                audience.bytes_out += report.bytes_out;
                audience.writes += report.writes;
                audience.skips += report.skips;
                audience.slow += report.slow ? 1 : 0;
            }
        }
    }
    return audiences;
}

std::string archive_json(const ArchiveFacts& facts) {
    return text(Json{{"bytes", facts.bytes},
                     {"fragments", facts.fragments},
                     {"free_bytes", facts.free_bytes},
                     {"full", facts.full},
                     {"clock_held", facts.clock_held},
                     {"failures", facts.failures},
                     {"uplinked_fragments", facts.uplinked},
                     {"unsent_lost_files", facts.unsent_lost}});
}

std::string forwards_json(const std::vector<WorkerReport>& workers, Page page) {
    std::vector<const hub::ForwardReport*> all;
    for (const WorkerReport& worker : workers) {
        for (const hub::ForwardReport& report : worker.forwards) {
            all.push_back(&report);
        }
    }
    std::ranges::sort(all, {}, [](const auto* one) { return std::tie(one->stream, one->to); });
    Json list;
    list["items"] = Json::array();
    for (std::size_t place = 0; place < all.size(); ++place) {
        if (within(page, place)) {
            Json one{{"stream", all[place]->stream}};
            one.update(forward(*all[place]));
            list["items"].push_back(std::move(one));
        }
    }
    list["total"] = all.size();
    return text(list);
}

std::string sessions_json(const std::vector<WorkerReport>& workers, const SessionFilter& filter, Page page) {
    const auto wanted = [](std::string_view asked, std::string_view is) {
        return asked.empty() || asked == is;
    };
    Json list;
    list["items"] = Json::array();
    std::size_t place = 0;
    for (const WorkerReport& worker : workers) {
        for (const hub::SessionReport& report : worker.sessions) {
            if (!wanted(filter.stream, report.facts.stream) ||
                !wanted(filter.kind, hub::name(report.facts.kind)) ||
                !wanted(filter.protocol, report.facts.protocol)) {
                continue;
            }
            if (within(page, place++)) {
                list["items"].push_back(document(worker, report));
            }
        }
    }
    list["total"] = place;
    return text(list);
}

std::string session_json(const std::vector<WorkerReport>& workers, std::string_view id) {
    const std::optional<SessionId> wanted = SessionId::parse(id);
    for (const WorkerReport& worker : workers) {
        for (const hub::SessionReport& report : worker.sessions) {
            if (wanted && wanted->worker == worker.worker && wanted->number == report.id) {
                return text(document(worker, report));
            }
        }
    }
    return {};
}

}   // namespace millrace::control
