#include "apps/millrace_media/played_messages.hpp"

namespace millrace::apps {

namespace {

std::uint64_t microseconds(Duration time) {
    return static_cast<std::uint64_t>(time / 1us);
}

}   // namespace

media_link::Picture message_of(const playback::GivenPicture& picture, Instant now) {
    return {.slot = picture.where.slot,
            .layout = picture.where.layout,
            .colours = picture.where.colours,
            .late = picture.late,
            .number = picture.number,
            .pts = picture.pts,
            .capture = picture.capture,
            .decoded_at = now};
}

media_link::Played message_of(const playback::PlayCounters& counters) {
    return {.units = counters.units,
            .pictures = counters.pictures,
            .broken = counters.broken,
            .skipped = counters.skipped,
            .waiting = counters.waiting,
            .late = counters.late,
            .sounds = counters.sounds,
            .sounds_broken = counters.sounds_broken,
            .delay_us = counters.delay / 1us,
            .jitter_us = counters.jitter / 1us,
            .behind_sound_us = counters.behind_sound / 1us,
            .sounds_late = counters.sounds_late,
            .sound_played_us = microseconds(counters.sound_played),
            .sound_filled_us = microseconds(counters.sound_filled),
            .sound_dropped_us = microseconds(counters.sound_dropped),
            .silent = counters.silent};
}

}   // namespace millrace::apps
