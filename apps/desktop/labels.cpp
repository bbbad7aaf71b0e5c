#include "apps/desktop/labels.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::apps {

namespace {

void set(Label& label, double number, std::string value, std::string_view unit) {
    label.value = std::move(value);
    label.unit = unit;
    label.number = number;
}

void set_bit_rate(Label& label, double bits_per_second) {
    const bool small = bits_per_second < 1e6;
    set(label, bits_per_second,
        small ? fmt::format("{:.0f}", bits_per_second / 1e3) : fmt::format("{:.2f}", bits_per_second / 1e6),
        small ? "kbit/s" : "Mbit/s");
}

void set_milliseconds(Label& label, double seconds) {
    constexpr double long_seconds = 10;
    const bool small = seconds < long_seconds;
    set(label, seconds * 1000, small ? fmt::format("{:.0f}", seconds * 1000) : fmt::format("{:.1f}", seconds),
        small ? "ms" : "s");
}

void set_count(Label& label, std::uint64_t count) {
    label.value = std::to_string(count);
}

void set_bytes(Label& label, std::uint64_t bytes) {
    const auto count = static_cast<double>(bytes);
    const bool small = count < 1e6;
    label.value = small ? fmt::format("{:.0f}", count / 1e3) : fmt::format("{:.1f}", count / 1e6);
    label.unit = small ? "kB" : "MB";
}

const hub::TrackReport* picture_of(const hub::StreamReport& stream) {
    const auto found = std::ranges::find_if(stream.tracks, [](const hub::TrackReport& one) {
        return one.track.kind == media::Kind::video && one.track.config != nullptr;
    });
    return found == stream.tracks.end() ? nullptr : &*found;
}

void set_qp(Label& label, const hub::TrackReport& picture) {
    if (picture.slice_qp) {
        const hub::SliceQpReport& qp = *picture.slice_qp;
        label.value = fmt::format("{:.0f}", qp.average);
        label.unit = qp.min == qp.max ? std::string{} : fmt::format("({}–{})", qp.min, qp.max);
    }
}

std::string_view spoken(media::Codec codec) {
    switch (codec) {
        case media::Codec::h264: return "H.264";
        case media::Codec::h265: return "H.265";
        case media::Codec::av1: return "AV1";
        case media::Codec::mjpeg: return "MJPEG";
        default: return media::name(codec);
    }
}

void set_picture(Label& label, const media::TrackConfig& config) {
    label.value = fmt::format("{} × {}", config.width, config.height);
    label.unit = spoken(config.codec);
}

}   // namespace

Labels sender_labels(const hub::StreamReport& stream, const control::Audience& audience) {
    Labels labels{.large = {{.name = "Compression ratio"}, {.name = "Frame rate"}, {.name = "Bit rate"}},
                  .small = {{.name = "QP"},
                            {.name = "Queue"},
                            {.name = "Reconnects"},
                            {.name = "Sent"},
                            {.name = "Picture"}}};
    if (stream.state != hub::StreamState::live) {
        return labels;
    }
    if (stream.compression_ratio > 0) {
        set(labels.large[0], stream.compression_ratio, fmt::format("{:.0f}", stream.compression_ratio),
            ": 1");
    }
    if (const hub::TrackReport* const picture = picture_of(stream)) {
        const double rate = picture->units_per_second.second;
        set(labels.large[1], rate, fmt::format("{:.1f}", rate), "fps");
        set_qp(labels.small[0], *picture);
        set_picture(labels.small[4], *picture->track.config);
    }
    set_bit_rate(labels.large[2], stream.payload_bits_per_second.second);
    if (!audience.forwards.empty()) {
        const hub::ForwardReport& forward = audience.forwards.front();
        if (forward.state == hub::ForwardState::live) {
            set_milliseconds(labels.small[1], std::chrono::duration<double>(forward.queue_age).count());
        }
        set_count(labels.small[2], forward.reconnects());
        set_bytes(labels.small[3], forward.bytes);
    }
    return labels;
}

Labels receiver_labels(const hub::StreamReport& stream, const hub::PlaybackReport& playback) {
    Labels labels{.large = {{.name = "Delay"}, {.name = "Throughput"}, {.name = "Frame rate"}},
                  .small = {{.name = "QP"},
                            {.name = "Lost"},
                            {.name = "Late"},
                            {.name = "Held back"},
                            {.name = "Delay known by"},
                            {.name = "Picture"},
                            {.name = "Sound"}}};
    if (!playback.dark.empty()) {
        return labels;
    }
    if (playback.latency.count > 0) {
        set_milliseconds(labels.large[0], playback.latency.p50_seconds);
        labels.small[4].value = media::name(playback.capture_origin);
        if (stream.publisher && stream.publisher->clock) {
            const std::chrono::duration<double, std::milli> within = stream.publisher->clock->uncertainty;
            labels.small[4].unit = fmt::format("± {:.0f} ms", within.count());
        }
    }
    const double wire = stream.wire_bits_per_second.second;
    set_bit_rate(labels.large[1], wire > 0 ? wire : stream.payload_bits_per_second.second);
    set(labels.large[2], playback.shown_per_second, fmt::format("{:.1f}", playback.shown_per_second), "fps");
    set_count(labels.small[1], playback.broken + playback.skipped + stream.units_unusable);
    set_count(labels.small[2], playback.late);
    set_milliseconds(labels.small[3], playback.delay_seconds);
    if (const hub::TrackReport* const picture = picture_of(stream)) {
        set_qp(labels.small[0], *picture);
        set_picture(labels.small[5], *picture->track.config);
    }
    if (playback.sound_played_seconds > 0 || !playback.silent.empty()) {
        labels.small[6].value = !playback.silent.empty() ? "none" : playback.muted ? "muted" : "on";
    }
    return labels;
}

}   // namespace millrace::apps
