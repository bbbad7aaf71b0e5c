#include "control/playback_words.hpp"

#include "control/configuration.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace millrace::control {

namespace {

using Json = nlohmann::ordered_json;

Json playback_document(const hub::PlaybackReport& report) {
    Json json;
    json["width"] = report.width;
    json["height"] = report.height;
    json["decoded_fps"] = report.decoded_per_second;
    json["shown_fps"] = report.shown_per_second;
    json["frames_received"] = report.received;
    json["frames_decoded"] = report.decoded;
    json["frames_shown"] = report.shown;
    json["frames_unseen"] = report.unseen;
    json["frames_late"] = report.late;
    json["frames_broken"] = report.broken;
    json["frames_skipped"] = report.skipped;
    json["frames_waiting"] = report.waiting;
    json["sounds_decoded"] = report.sounds;
    json["sounds_broken"] = report.sounds_broken;
    json["sounds_late"] = report.sounds_late;
    json["sound_played_seconds"] = report.sound_played_seconds;
    json["sound_filled_seconds"] = report.sound_filled_seconds;
    json["sound_dropped_seconds"] = report.sound_dropped_seconds;
    if (report.muted) {
        json["muted"] = true;
    }
    if (!report.silent.empty()) {
        json["silent"] = report.silent;
    }
    json["delay_seconds"] = report.delay_seconds;
    json["jitter_seconds"] = report.jitter_seconds;
    json["behind_sound_seconds"] = report.behind_sound_seconds;
    json["latency"] = {{"origin", media::name(report.capture_origin)}};
    if (report.latency.count > 0) {
        json["latency"]["shown_seconds"] = {{"p50", report.latency.p50_seconds},
                                            {"p95", report.latency.p95_seconds}};
    }
    json["dark"] = !report.dark.empty();
    if (!report.dark.empty()) {
        json["reason"] = report.dark;
    }
    return json;
}

constexpr std::size_t card_bytes_max = 256;

bool is_card(std::string_view name) {
    const auto fits = [](char letter) { return letter > ' ' && letter < 127 && letter != '&'; };
    return name.size() <= card_bytes_max && std::ranges::all_of(name, fits);
}

}   // namespace

std::string decode_start(const DecodeWishes& wishes) {
    const bool heard = !wishes.sound.empty() && wishes.sound != "off";
    if (heard && !is_card(wishes.sound)) {
        throw ConfigurationError("sound: \"default\", the name of a sound card as aplay -L lists it, or off");
    }
    std::string start = "decode:";
    const auto add = [&start](bool wished, std::string_view word, std::string_view value) {
        if (wished) {
            start += fmt::format("{}{}{}", start.ends_with(':') ? '?' : '&', word, value);
        }
    };
    add(heard, "sound=", wishes.sound);
    add(wishes.at_once && !heard, "buffer=0", "");
    add(wishes.hardware, "hardware", "");
    return start;
}

std::string playback_json(std::string_view stream_document, const hub::PlaybackReport& playback) {
    Json json = Json::parse(stream_document, nullptr, false);
    json["playback"] = playback_document(playback);
    return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string playback_line(const hub::StreamReport& stream, const hub::PlaybackReport& playback) {
    const double bits = stream.payload_bits_per_second.second;
    std::string line = fmt::format("{:.1f} fps shown  {:.2f} Mbit/s", playback.shown_per_second, bits / 1e6);
    if (playback.latency.count > 0) {
        line += fmt::format("  latency {:.0f} ms ({})", playback.latency.p50_seconds * 1000,
                            media::name(playback.capture_origin));
    }
    line += fmt::format("  held back {:.0f} ms  late {}  lost {}", playback.delay_seconds * 1000,
                        playback.late, playback.broken + playback.skipped + stream.units_unusable);
    if (!playback.silent.empty()) {
        line += fmt::format("  no sound: {}", playback.silent);
    }
    if (!playback.failed.empty()) {
        line += fmt::format("  no picture: {}", playback.failed);
    } else if (!playback.dark.empty()) {
        line += fmt::format("  black: {}", playback.dark);
        for (const hub::SourceStatus& source : stream.sources) {
            line += source.reason.empty() ? "" : fmt::format(" ({})", source.reason);
        }
    }
    return line;
}

bool is_played_out(const hub::StreamReport& stream, const hub::PlaybackReport& playback) {
    const bool pictures = std::ranges::any_of(stream.tracks, [](const hub::TrackReport& track) {
        return track.track.kind == media::Kind::video && track.units > 0;
    });
    if (!pictures || !playback.failed.empty()) {
        return true;
    }
    const bool settled = playback.decoded > 0 || (playback.received > 0 && playback.waiting == 0);
    return settled && !playback.dark.empty();
}

}   // namespace millrace::control
