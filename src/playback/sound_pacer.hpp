#pragma once

#include "playback/sound_device.hpp"

#include <deque>
#include <optional>

namespace millrace::playback {

/// Keeps a device fed so that each sample is heard at its moment by our own clock, whatever the device's
/// clock does and whatever is missing: silence stands for what did not come, what comes behind its moment is
/// left out, and a drift is met by 1 sample in 480. Told the time; one thread.
///
///   take ── samples with their moments ── feed ── the next 10 ms, again and again ── device
class SoundPacer {
public:
    /// What is written at once.
    static constexpr std::size_t chunk_frames = 480;
    /// What the device holds; one that runs dry gets more.
    static constexpr Duration held_min = 60ms;
    static constexpr Duration held_max = 160ms;
    static constexpr Duration held_step = 20ms;
    /// Before what is due for the device sound is decoded and handed over.
    static constexpr Duration handed_over = 20ms;
    /// Sound so far from its moment is met at once, by silence or by leaving some out; below that, gently.
    static constexpr Duration apart_max = 20ms;
    static constexpr Duration apart_min = 3ms;
    /// A silence longer than this stands for nothing that was missing.
    static constexpr Duration silence_max = 2s;
    /// Samples that wait; the oldest beyond it are left out.
    static constexpr Duration waiting_max = 1s;

    struct Counters {
        std::uint64_t late = 0;   ///< calls of `take` with nothing whose moment was still to come
        Duration played{};        ///< of the stream's own samples
        Duration filled{};        ///< silence between them
        Duration dropped{};       ///< of them, left out
    };

    /// In the order of their moments.
    void take(Sound sound, Instant now);
    /// Writes what the device is to hold now. A Fault: it is lost.
    capture::Outcome<void> feed(SoundDevice& device, Instant now);
    /// Another device: nothing of the one before is known.
    void begin_device() { heard_until_.reset(), unwritten_.clear(), ran_ = false; }

    /// 0 to 100, of the samples' own amplitude.
    void set_volume(int percent) { volume_ = percent; }
    /// How long before its moment sound is wanted here.
    Duration ahead() const { return held_ + handed_over; }
    /// From a sample's time in the stream to when it is heard, of the newest that was written.
    std::optional<Duration> line() const { return line_; }
    const Counters& counters() const { return counters_; }

private:
    struct Waiting {
        Sound sound;
        std::size_t begin = 0;   // frames before it were played or left out

        Instant at() const { return sound.at + sound_duration(begin); }
        std::size_t left() const { return sound.frames() - begin; }
    };

    void follow(SoundDevice& device, Instant now);
    /// The next chunk, whose first frame is heard at `at`, at the end of `unwritten_`.
    void make_chunk(Instant at);
    void leave_out(Waiting& front, std::size_t frames);
    void play(Waiting& front, std::size_t frames, std::size_t into);
    void silence(std::size_t frames);

    std::deque<Waiting> waiting_;
    std::vector<std::int16_t> unwritten_;   // made, and the device had no room
    std::optional<Instant> heard_until_;    // the end of what the device has; nothing before its first
    bool ran_ = false;                      // the device says what it holds
    Duration held_ = held_min;
    int volume_ = 100;
    bool played_ = false;
    std::size_t silent_frames_ = 0;   // since the last of the stream's own
    std::optional<Duration> line_;
    Counters counters_;
};

}   // namespace millrace::playback
