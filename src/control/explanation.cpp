#include "control/explanation.hpp"

#include "control/playability.hpp"

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include <algorithm>

namespace millrace::control {

namespace {

using Json = nlohmann::ordered_json;

std::string bit_rate(double bits) {
    return bits < 1e6 ? fmt::format("{:.0f} kbit/s", bits / 1e3) : fmt::format("{:.2f} Mbit/s", bits / 1e6);
}

std::string b_frames(const hub::StreamReport& report, const media::TrackConfig& config) {
    const bool seen = std::ranges::any_of(
        report.verdicts, [](const hub::Verdict& verdict) { return verdict.code == "b_frames"; });
    return seen ? "B-frames" : config.reorder_frames_max > 0 ? "B-frames allowed, none seen" : "no B-frames";
}

std::string picture_line(const hub::StreamReport& report, const hub::TrackReport& track) {
    const media::TrackConfig& config = *track.track.config;
    std::string line =
        fmt::format("  picture   {} ({}), {}x{}, {:.2f} fps", media::name(config.codec), config.codec_string,
                    config.width, config.height, track.units_per_second.ten);
    if (config.frame_rate > 0) {
        line += fmt::format(" ({:g} declared)", config.frame_rate);
    }
    line += fmt::format(", {}\n            ", bit_rate(track.bits_per_second.ten));
    line += report.gop_seconds > 0 ? fmt::format("a key frame every {:.2f} s", report.gop_seconds)
                                   : std::string{"no second key frame seen"};
    line += fmt::format(", {}", b_frames(report, config));
    if (const auto& qp = track.slice_qp) {
        line += fmt::format(", QP {:.1f} ({} to {})", qp->average, qp->min, qp->max);
    }
    return line + "\n";
}

std::string sound_line(const hub::TrackReport& track) {
    const media::TrackConfig& config = *track.track.config;
    return fmt::format("  sound     {} ({}), {} Hz, {} channel{}, {}\n", media::name(config.codec),
                       config.codec_string, config.sample_rate, config.channels,
                       config.channels == 1 ? "" : "s", bit_rate(track.bits_per_second.ten));
}

std::string_view clock_words(media::CaptureTime::Label label) {
    switch (label) {
        case media::CaptureTime::Label::capture: return "each picture says when it was taken";
        case media::CaptureTime::Label::sender: return "the sender's clock says when pictures were sent";
        case media::CaptureTime::Label::arrival: break;
    }
    return "none: nothing says when pictures were taken, so no latency can be told";
}

}   // namespace

std::string explanation(const hub::StreamReport& report) {
    std::string text;
    std::vector<media::Track> tracks;
    for (const hub::TrackReport& one : report.tracks) {
        if (one.track.config == nullptr) {
            continue;
        }
        tracks.push_back(one.track);
        text += one.track.kind == media::Kind::video ? picture_line(report, one) : sound_line(one);
    }
    text += fmt::format("  times     {}\n", report.jumps == 0 ? std::string{"steady"}
                                                              : fmt::format("jumped {} times", report.jumps));
    // The label is the newest unit's, which may be of sound that says nothing.
    const bool told = report.arrival_latency.count > 0;
    text +=
        fmt::format("  clock     {}\n", told && report.capture_origin == media::CaptureTime::Label::arrival
                                            ? "the stream says when it was taken or sent"
                                            : clock_words(report.capture_origin));
    if (report.arrival_latency.count > 0) {
        text += fmt::format("  latency   {:.0f} ms to here, by these clocks\n",
                            report.arrival_latency.p50_seconds * 1000);
    }
    const std::vector<Obstacle> found = obstacles(tracks);
    text += found.empty() ? "  plays     everywhere\n" : "  plays     but for:\n";
    for (const Obstacle& one : found) {
        text += fmt::format("            {}: {}\n", name(one.screen), one.text);
    }
    for (const hub::Verdict& verdict : report.verdicts) {
        text += fmt::format("  {}   {}\n", verdict.weight == hub::Weight::warning ? "wrong  " : "to know",
                            verdict.text);
    }
    return text;
}

std::string explanation_json(std::string_view stream_document, const hub::StreamReport& report) {
    Json json = Json::parse(stream_document, nullptr, false);
    std::vector<media::Track> tracks;
    for (const hub::TrackReport& one : report.tracks) {
        tracks.push_back(one.track);
    }
    json["obstacles"] = Json::array();
    for (const Obstacle& one : obstacles(tracks)) {
        json["obstacles"].push_back({{"where", name(one.screen)},
                                     {"codec", media::name(one.codec)},
                                     {"sometimes", one.sometimes},
                                     {"text", one.text}});
    }
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}   // namespace millrace::control
