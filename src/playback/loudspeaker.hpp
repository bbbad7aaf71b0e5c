#pragma once

#include "base/bounded_queue.hpp"
#include "playback/sound_pacer.hpp"

#include <atomic>
#include <string>
#include <thread>

namespace millrace::playback {

/// Sound on its way to a device, on a thread of its own behind a bounded queue: a device that is slow,
/// missing or taken keeps nobody from the pictures, and is tried again. Owned by the player.
class Loudspeaker {
public:
    /// Sounds between the threads; what has no room is left out.
    static constexpr std::size_t waiting_max = 64;
    static constexpr Duration feed_every = 10ms;
    static constexpr Duration again_after = 3s;

    struct State {
        bool playing = false;             ///< there is a device
        std::string silent{};             ///< why there is none; empty: there is one, or it is being opened
        Duration ahead{};                 ///< how long before its moment sound is wanted
        std::optional<Duration> line{};   ///< as SoundPacer::line
        SoundPacer::Counters counters{};
        std::uint64_t left_out = 0;   ///< sounds that never came to a device
    };

    explicit Loudspeaker(OpenSoundDevice open);
    Loudspeaker(const Loudspeaker&) = delete;
    Loudspeaker& operator=(const Loudspeaker&) = delete;
    /// Waits for the device's call to return.
    ~Loudspeaker();

    /// The player's thread; it does not wait.
    void put(Sound sound);
    void set_volume(int percent);
    State state() const;

private:
    void run();
    /// Until the device is lost, or all is over: false.
    bool play(SoundDevice& device);
    void be_silent(std::string why);
    /// False once it is over.
    bool wait(Duration time) const;

    OpenSoundDevice open_;
    BoundedQueue<Sound> queue_{waiting_max};
    SoundPacer pacer_;   // the thread's
    mutable Mutex mutex_;
    State state_ MILLRACE_GUARDED_BY(mutex_);
    int volume_ MILLRACE_GUARDED_BY(mutex_) = 100;
    std::atomic<bool> stopped_ = false;
    std::thread thread_;
};

}   // namespace millrace::playback
