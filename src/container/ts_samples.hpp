#pragma once

#include "container/flv_samples.hpp"
#include "container/ts_muxer.hpp"
#include "container/ts_reader.hpp"

#include <algorithm>
#include <vector>

/// What the tests of transport streams share.
namespace millrace::ts::samples {

using Units = std::vector<media::AccessUnit>;

constexpr std::int64_t picture_ms = 40;
constexpr std::int64_t frame_ms = 20;
constexpr std::size_t pictures_a_group = 4;

inline std::int64_t ticks_of(const media::Track& track, std::int64_t ms) {
    return media::rescale(ms, media::milliseconds_timescale, track.config->timescale);
}

/// Unit `index` of a track that began at `start_ms`: groups of I P B B, shown in the order I B B P; audio
/// frames every 20 ms. `more` bytes make a picture larger.
inline media::AccessUnit unit(const media::Track& track, std::size_t index, std::int64_t start_ms,
                              std::size_t more = 0) {
    const bool video = track.kind == media::Kind::video;
    const auto frames = flv::samples::frames(track.config->codec);
    const std::size_t place = index % (video ? pictures_a_group : frames.size());
    std::vector<std::byte> frame = frames[place];
    media::AccessUnit unit;
    unit.track = track.id;
    unit.config = track.config;
    const std::int64_t at = start_ms + static_cast<std::int64_t>(index) * (video ? picture_ms : frame_ms);
    unit.dts = ticks_of(track, at);
    unit.pts = unit.dts;
    unit.key = place == 0 || !video;
    std::vector<std::byte> payload;
    if (video) {
        constexpr std::int64_t shown_later[] = {2, 4, 1, 1};
        unit.pts = ticks_of(track, at + shown_later[place] * picture_ms);
        frame.resize(frame.size() + more, static_cast<std::byte>(0x55 + index % 32));
        media::append_nal(payload, frame);
    } else {
        payload = std::move(frame);
    }
    unit.payload = Bytes{std::move(payload)};
    return unit;
}

/// All units of the tracks in the order of their decoding times.
inline Units film(std::span<const media::Track> tracks, std::int64_t start_ms, std::int64_t length_ms,
                  std::size_t more = 0) {
    Units units;
    for (std::int64_t ms = 0; ms < length_ms; ms += frame_ms) {
        for (const media::Track& track : tracks) {
            const std::int64_t step = track.kind == media::Kind::video ? picture_ms : frame_ms;
            if (ms % step == 0) {
                units.push_back(unit(track, static_cast<std::size_t>(ms / step), start_ms, more));
            }
        }
    }
    return units;
}

inline void append(std::vector<std::byte>& out, ByteSpan bytes) {
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// What a muxer makes of units; each change of configuration is said.
inline std::vector<std::byte> mux(std::vector<media::Track> tracks, const Units& units) {
    Muxer muxer{"live/cam"};
    BlockLog log;
    std::vector<std::byte> out;
    muxer.configure(tracks, log, {});
    for (const media::AccessUnit& unit : units) {
        const auto track = std::ranges::find(tracks, unit.track, &media::Track::id);
        if (track != tracks.end() && track->config != unit.config) {
            track->config = unit.config;
            muxer.configure(tracks, log, {});
        }
        BlockLog fresh;
        muxer.write(unit, fresh, {});
        append(out, flv::samples::bytes_of(fresh));
    }
    return out;
}

inline std::vector<Packet> packets_of(ByteSpan bytes) {
    std::vector<Packet> packets;
    for (; bytes.size() >= packet_size; bytes = bytes.subspan(packet_size)) {
        packets.push_back(flv::samples::sound(read_packet(bytes.first(packet_size))));
    }
    check(bytes.empty(), "whole packets");
    return packets;
}

/// What a reader made of bytes.
struct Heard {
    std::vector<Announced> announced;
    std::vector<Configured> configured;
    Units units;
    std::vector<std::size_t> stops;   ///< how many units were heard before each word that it stopped
    std::vector<media::TimedMessage> messages;
    ReaderCounters counters;

    Units of(media::TrackId track) const {
        Units some;
        std::ranges::copy_if(units, std::back_inserter(some),
                             [track](const media::AccessUnit& unit) { return unit.track == track; });
        return some;
    }
};

/// Reads bytes in pieces of that size.
inline Heard hear(ByteSpan bytes, std::size_t piece = SIZE_MAX) {
    Heard heard;
    Reader reader;
    const auto drain = [&](ByteSpan input) {
        while (std::optional<Item> item = reader.next(input)) {
            if (auto* announced = std::get_if<Announced>(&*item)) {
                heard.announced.push_back(std::move(*announced));
            } else if (auto* configured = std::get_if<Configured>(&*item)) {
                heard.configured.push_back(std::move(*configured));
            } else if (std::holds_alternative<Stopped>(*item)) {
                heard.stops.push_back(heard.units.size());
            } else if (auto* message = std::get_if<media::TimedMessage>(&*item)) {
                heard.messages.push_back(std::move(*message));
            } else {
                heard.units.push_back(std::move(std::get<media::AccessUnit>(*item)));
            }
        }
    };
    while (!bytes.empty()) {
        const std::size_t count = std::min(piece, bytes.size());
        drain(bytes.first(count));
        bytes = bytes.subspan(count);
    }
    reader.end();
    drain({});
    heard.counters = reader.counters();
    return heard;
}

/// A time as it comes out of a transport stream, on the run's timeline again.
inline std::int64_t run_time(const media::AccessUnit& unit, std::int64_t time) {
    return time - media::rescale(time_offset, clock_rate, unit.config->timescale);
}

}   // namespace millrace::ts::samples
