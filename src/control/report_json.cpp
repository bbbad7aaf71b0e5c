#include "control/report_json.hpp"

#include <nlohmann/json.hpp>

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

void add_video(Json& json, const hub::TrackReport& report, const media::TrackConfig& config) {
    json["width"] = config.width;
    json["height"] = config.height;
    json["fps"] = report.units_per_second;
    if (config.frame_rate > 0) {
        json["fps_declared"] = config.frame_rate;
    }
    if (report.qp_average > 0) {
        json["qp"] = {{"average", report.qp_average},
                      {"min", report.qp_min},
                      {"max", report.qp_max},
                      {"origin", "first slice"}};
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
    json["bitrate_bps"] = report.bits_per_second;
    json["frames"] = report.units;
    json["bytes"] = report.bytes;
    return json;
}

Json document(const hub::StreamReport& report, const Audience& audience) {
    Json json;
    json["name"] = report.name;
    json["state"] = hub::name(report.state);
    json["run"] = report.run;
    if (report.publisher) {
        json["source"] = {{"protocol", report.publisher->protocol}, {"peer", report.publisher->peer.text()}};
    }
    json["tracks"] = Json::array();
    double bitrate = 0;
    for (const hub::TrackReport& one : report.tracks) {
        json["tracks"].push_back(track(one));
        bitrate += one.bits_per_second;
    }
    json["bitrate_bps"] = bitrate;
    if (report.gop_seconds > 0) {
        json["gop_seconds"] = report.gop_seconds;
    }
    json["frames_in"] = report.units_in;
    json["frames_dropped"] = report.units_dropped;
    json["bytes_in"] = report.bytes_in;
    json["timestamp_jumps"] = report.jumps;
    json["outputs"] = Json::object();
    for (const hub::OutputReport& output : report.outputs) {
        Json& one = json["outputs"].emplace(output.form, Json::object()).first.value();
        one["frames_muxed"] = one.value("frames_muxed", std::uint64_t{0}) + output.units_muxed;
        one["memory_bytes"] = one.value("memory_bytes", std::size_t{0}) + output.memory;
        if (output.segments > 0) {
            one["segments"] = output.segments;
        }
    }
    json["viewers"] = Json::object();
    for (const auto& [protocol, count] : audience.viewers) {
        json["viewers"][protocol] = count;
    }
    json["sent"] = {{"bytes", audience.bytes_out}, {"writes", audience.writes}, {"skips", audience.skips}};
    json["memory_bytes"] = report.memory;
    json["verdicts"] = report.verdicts;
    return json;
}

std::string text(const Json& json) {
    return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}   // namespace

std::string stream_json(const hub::StreamReport& report, const Audience& audience) {
    return text(document(report, audience));
}

std::string streams_json(const std::vector<hub::StreamReport>& reports,
                         const std::map<std::string, Audience, std::less<>>& audiences) {
    Json list;
    list["items"] = Json::array();
    for (const hub::StreamReport& report : reports) {
        const auto found = audiences.find(report.name);
        list["items"].push_back(document(report, found == audiences.end() ? Audience{} : found->second));
    }
    list["total"] = reports.size();
    return text(list);
}

}   // namespace millrace::control
