#include "container/mp4_muxer.hpp"

#include "container/mp4_box.hpp"
#include "container/mp4_event.hpp"
#include "media/audio_frame.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::mp4 {
namespace {

using media::Codec;

/// Steps between two frames that are believed to be a duration; a longer one is a pause.
constexpr std::int64_t frame_seconds_max = 10;
constexpr double frame_rate_unknown = 25;
constexpr double frame_rate_min = 0.1;

bool sets_may_change_in_band(Codec codec) {
    return codec == Codec::h264 || codec == Codec::h265;
}

/// The duration of a track's first frame, where it does not say.
std::int64_t first_duration(const media::AccessUnit& unit) {
    const media::TrackConfig& config = *unit.config;
    if (unit.kind() == media::Kind::audio) {
        return media::samples_in_frame(config, unit.payload);
    }
    const double rate = config.frame_rate >= frame_rate_min ? config.frame_rate : frame_rate_unknown;
    return static_cast<std::int64_t>(static_cast<double>(config.timescale) / rate);
}

}   // namespace

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog& log, Instant now) {
    std::vector<media::Track> carried;
    std::ranges::copy_if(tracks, std::back_inserter(carried), [this](const media::Track& track) {
        return track.config != nullptr && carries(track);
    });
    const bool first = told_.empty();
    if (!first && period_ == Period::ends && !goes_on(carried)) {
        return false;
    }
    Bytes init = init_segment(carried, ParameterSets::in_entry);
    if (!first && period_ == Period::restarts && init != init_) {
        log.message({init}, now);
    }
    init_ = std::move(init);
    const std::vector<Told> before = std::exchange(told_, {});
    for (media::Track& track : carried) {
        const auto told = std::ranges::find(before, track.id, [](const Told& t) { return t.track.id; });
        const bool timed = told != before.end() && told->track.config->timescale == track.config->timescale;
        Told next = timed ? *told : Told{};
        next.changed = timed && (told->changed || !told->track.config->same_coding(*track.config));
        next.track = std::move(track);
        told_.push_back(std::move(next));
    }
    return true;
}

bool Muxer::goes_on(std::span<const media::Track> tracks) const {
    const auto same_in_band = [this](const media::Track& track) {
        const auto told = std::ranges::find(told_, track.id, [](const Told& t) { return t.track.id; });
        if (told == told_.end()) {
            return false;
        }
        const media::TrackConfig& before = *told->track.config;
        const media::TrackConfig& config = *track.config;
        return before.same_coding(config) ||
               (before.codec == config.codec && before.timescale == config.timescale &&
                sets_may_change_in_band(config.codec));
    };
    return tracks.size() == told_.size() && std::ranges::all_of(tracks, same_in_band);
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    const auto told = std::ranges::find(told_, unit.track, [](const Told& t) { return t.track.id; });
    if (told == told_.end() || told->track.config->codec != unit.config->codec) {
        return;
    }
    std::vector<std::byte> sets;
    if (period_ == Period::ends && unit.key && told->changed) {
        sets = sets_in_band(*unit.config);
    }
    const Sample sample{.unit = &unit,
                        .duration = duration_of(unit, *told),
                        .prefix = sets.empty() ? sequence_header_before(unit) : ByteSpan{sets}};
    const std::vector<std::byte> head = fragment_head({.track_number = track_number(unit.track),
                                                       .sequence_number = ++fragments_,
                                                       .samples = {&sample, 1},
                                                       .with_time = time_is_due(unit)});
    log.message({head, sample.prefix, unit.payload}, now);
}

std::int64_t Muxer::duration_of(const media::AccessUnit& unit, Told& told) const {
    const std::int64_t step = told.last_dts && !unit.discontinuity ? unit.dts - *told.last_dts : 0;
    told.last_dts = unit.dts;
    if (unit.duration > 0) {
        told.duration = unit.duration;
    } else if (step > 0 && step <= frame_seconds_max * unit.config->timescale) {
        told.duration = step;
    } else if (told.duration == 0) {
        told.duration = first_duration(unit);
    }
    return told.duration;
}

bool Muxer::time_is_due(const media::AccessUnit& unit) {
    const bool has_video =
        std::ranges::any_of(told_, [](const Told& told) { return told.track.kind == media::Kind::video; });
    const bool leads = unit.kind() == media::Kind::video || !has_video;
    const std::int64_t dts_ms = unit.dts_ms();
    // A step backwards is as good a reason as a second gone by.
    if (!leads || unit.capture.utc == WallTime{} ||
        (time_said_ms_ && std::abs(dts_ms - *time_said_ms_) < time_interval_ms)) {
        return false;
    }
    time_said_ms_ = dts_ms;
    return true;
}

void Muxer::message(const media::TimedMessage& message, BlockLog& log, Instant now) {
    std::vector<std::byte> box;
    write_event_head(box, message, ++messages_);
    log.message({box, message.body}, now);
}

void Muxer::end(BlockLog& log, Instant now) {
    std::vector<std::byte> box;
    ByteWriter writer{box};
    constexpr std::uint32_t size = 24;
    writer.u32(size);
    constexpr FourCc version = 0;
    for (const FourCc word : {four_cc("styp"), four_cc("msdh"), version, four_cc("msdh"), four_cc("lmsg")}) {
        writer.u32(word);
    }
    log.message({box}, now);
}

Bytes Muxer::lead(std::span<const media::Track> tracks) const {
    return init_segment(tracks, ParameterSets::in_entry);
}

Bytes Muxer::resume() const {
    return period_ == Period::restarts ? init_ : Bytes{};
}

}   // namespace millrace::mp4
