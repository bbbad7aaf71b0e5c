#include "playback/loudspeaker.hpp"

#include <algorithm>

namespace millrace::playback {

Loudspeaker::Loudspeaker(OpenSoundDevice open) : open_{std::move(open)} {
    thread_ = std::thread{[this] { run(); }};
}

Loudspeaker::~Loudspeaker() {
    stopped_ = true;
    thread_.join();
}

void Loudspeaker::put(Sound sound) {
    const MutexLock lock{mutex_};
    const bool taken = state_.playing && queue_.push(std::move(sound));
    state_.left_out += taken ? 0 : 1;
}

void Loudspeaker::set_volume(int percent) {
    const MutexLock lock{mutex_};
    volume_ = percent;
}

Loudspeaker::State Loudspeaker::state() const {
    const MutexLock lock{mutex_};
    return state_;
}

bool Loudspeaker::wait(Duration time) const {
    Instant now = capture::read_clocks().now;
    for (const Instant end = now + time; now < end && !stopped_;) {
        now = capture::sleep_until(std::min(end, now + feed_every)).now;
    }
    return !stopped_;
}

void Loudspeaker::be_silent(std::string why) {
    while (queue_.try_pop()) {
        // Sound whose moment will be long over.
    }
    const MutexLock lock{mutex_};
    state_.playing = false;
    state_.ahead = {};
    state_.line.reset();
    state_.silent = std::move(why);
}

void Loudspeaker::run() {
    for (;;) {
        const capture::Outcome<std::unique_ptr<SoundDevice>> device = open_();
        if (!device) {
            be_silent(device.error().words);
        } else if (!play(**device)) {
            return;
        }
        if (!wait(again_after)) {
            return;
        }
    }
}

bool Loudspeaker::play(SoundDevice& device) {
    pacer_.begin_device();
    do {
        const Instant now = capture::read_clocks().now;
        while (std::optional<Sound> sound = queue_.try_pop()) {
            pacer_.take(std::move(*sound), now);
        }
        const capture::Outcome<void> fed = pacer_.feed(device, now);
        if (!fed) {
            be_silent(fed.error().words);
            return true;
        }
        const MutexLock lock{mutex_};
        pacer_.set_volume(volume_);
        state_.playing = true;
        state_.silent.clear();
        state_.ahead = pacer_.ahead();
        state_.line = pacer_.line();
        state_.counters = pacer_.counters();
    } while (wait(feed_every));
    return false;
}

}   // namespace millrace::playback
