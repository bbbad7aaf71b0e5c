#include "playback/sound_pacer.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::playback {

namespace {

/// A device's word is believed so far at once: many know what they hold by the millisecond only.
constexpr int smoothing = 8;
constexpr Duration believed_at_once = 30ms;

}   // namespace

void SoundPacer::take(Sound sound, Instant now) {
    if (sound.frames() == 0) {
        return;
    }
    counters_.late += sound.at + sound_duration(sound.frames()) <= now ? 1 : 0;
    const Instant end = sound.at + sound_duration(sound.frames());
    waiting_.push_back({std::move(sound)});
    const auto too_much = [&] { return waiting_.size() > 1 && end - waiting_.front().at() > waiting_max; };
    while (too_much()) {
        leave_out(waiting_.front(), waiting_.front().left());
    }
}

/// Where the device stands, by its own word if it has one, else by what it was given.
void SoundPacer::follow(SoundDevice& device, Instant now) {
    const Duration held = device.held();
    if (held <= Duration{0}) {
        if (ran_ && heard_until_) {
            held_ = std::min(held_ + held_step, held_max);   // it ran dry
            heard_until_.reset();
            ran_ = false;
        }
    } else {
        const Duration error = now + held - heard_until_.value_or(now);
        const bool at_once = !ran_ || error > believed_at_once || error < -believed_at_once;
        heard_until_ = heard_until_.value_or(now) + (at_once ? error : error / smoothing);
        ran_ = true;
    }
    heard_until_ = std::max(heard_until_.value_or(now), now);
}

capture::Outcome<void> SoundPacer::feed(SoundDevice& device, Instant now) {
    if (!played_ && waiting_.empty()) {
        return {};   // nothing was ever to be heard
    }
    if (heard_until_) {
        follow(device, now);
    }
    heard_until_ = heard_until_.value_or(now);
    while (*heard_until_ < now + held_) {
        if (unwritten_.empty()) {
            make_chunk(*heard_until_);
        }
        const capture::Outcome<std::size_t> written = device.write(unwritten_);
        if (!written) {
            return std::unexpected(written.error());
        }
        const auto count = static_cast<std::ptrdiff_t>(*written * sound_channels);
        unwritten_.erase(unwritten_.begin(), unwritten_.begin() + count);
        heard_until_ = *heard_until_ + sound_duration(*written);
        if (!unwritten_.empty()) {
            break;   // it is full
        }
    }
    return {};
}

void SoundPacer::leave_out(Waiting& front, std::size_t frames) {
    counters_.dropped += sound_duration(frames);
    front.begin += frames;
    if (front.left() == 0) {
        waiting_.pop_front();
    }
}

void SoundPacer::silence(std::size_t frames) {
    unwritten_.resize(unwritten_.size() + frames * sound_channels);
    silent_frames_ += frames;
}

/// Plays `frames` of the front as `into`, which are as many, or one more or less.
void SoundPacer::play(Waiting& front, std::size_t frames, std::size_t into) {
    if (played_ && sound_duration(silent_frames_) <= silence_max) {
        counters_.filled += sound_duration(silent_frames_);
    }
    silent_frames_ = 0;
    played_ = true;
    counters_.played += sound_duration(frames);
    const std::int16_t* const from = front.sound.samples.data() + front.begin * sound_channels;
    const double step = into < 2 ? 0 : static_cast<double>(frames - 1) / static_cast<double>(into - 1);
    for (std::size_t i = 0; i < into; ++i) {
        const double place = static_cast<double>(i) * step;
        const std::size_t before = std::min(static_cast<std::size_t>(place), frames - 1);
        const std::size_t behind = std::min(before + 1, frames - 1);
        const double part = place - static_cast<double>(before);
        for (std::size_t channel = 0; channel < sound_channels; ++channel) {
            const double sample = from[before * sound_channels + channel] * (1 - part) +
                                  from[behind * sound_channels + channel] * part;
            unwritten_.push_back(static_cast<std::int16_t>(std::lround(sample * volume_ / 100)));
        }
    }
    front.begin += frames;
    if (front.left() == 0) {
        waiting_.pop_front();
    }
}

void SoundPacer::make_chunk(Instant at) {
    std::size_t made = 0;
    while (made < chunk_frames) {
        const std::size_t room = chunk_frames - made;
        const Instant heard = at + sound_duration(made);
        if (waiting_.empty()) {
            silence(room);
            return;
        }
        Waiting& front = waiting_.front();
        const Duration early = front.at() - heard;
        if (early < -apart_max) {
            const auto late = static_cast<std::size_t>(std::max<std::int64_t>(sound_frames(-early), 1));
            leave_out(front, std::min(late, front.left()));
            continue;
        }
        const bool resumes = !played_ || silent_frames_ > 0;   // then it is met to the sample
        if (sound_frames(early) > 0 && (resumes || early > apart_max)) {
            const std::size_t missing = std::min(static_cast<std::size_t>(sound_frames(early)), room);
            silence(missing);
            made += missing;
            continue;
        }
        std::size_t frames = std::min(room, front.left());
        const std::size_t into = frames;
        if (into == chunk_frames) {   // a whole one can be drawn out or drawn together
            frames -= early > apart_min ? 1 : 0;
            frames += early < -apart_min && front.left() > frames ? 1 : 0;
        }
        line_ = heard - Instant{} - (front.sound.stream_time + sound_duration(front.begin));
        play(front, frames, into);
        made += into;
    }
}

}   // namespace millrace::playback
