#pragma once

#include "base/block_log.hpp"
#include "base/result.hpp"
#include "base/timer.hpp"

#include <cstdint>
#include <vector>

namespace millrace::net {

class Hall;
class Viewing;

/// The viewers of one log on one worker, in slots. It listens to the log, and decides when each slot is
/// served: at once when a picture ended and they are few; a slot each sixteenth of the window when they are
/// many; within `sound_wait` when only sound came. It lives from its first viewer to its last.
///
/// Serving calls nobody but connections and counters, so viewers come and go only between two servings.
class Audience final : public LogView::Listener, private Timer {
public:
    static constexpr std::size_t slot_size_min = 256;
    static constexpr std::size_t slots_max = 16;
    /// Bytes that end no picture wait at most so long for one, while the window is the smallest.
    static constexpr Duration sound_wait = 50ms;
    /// Slots are served at multiples of this, so that those of many audiences share a wake.
    static constexpr Duration tick = 4ms;

    Audience(LogView& log, Hall& hall);
    ~Audience() override;

    LogView& log() const { return log_; }
    void add(Viewing& viewing);
    void remove(Viewing& viewing);
    bool empty() const { return size_ == 0; }
    /// Everybody leaves.
    void dismiss(Error reason);
    std::size_t slots() const { return slots_.size(); }
    /// Other slots come first from now on.
    void rotate() { ++first_; }
    /// A viewing reads the log from there.
    void reads_from(std::uint64_t offset);

private:
    struct Slot {
        std::vector<Viewing*> viewings;
        Instant due = Instant::never();
        Instant served;
        std::size_t first = 0;
    };

    void on_trim(std::uint64_t tail) override;
    void on_advance(bool flush) override;
    void on_end() override;
    void on_time() override;

    void serve_due(Instant now);
    void serve(Slot& slot, Instant now);
    void put(Viewing& viewing);
    void share_out(std::size_t slots);

    LogView& log_;
    Hall& hall_;
    std::vector<Slot> slots_;
    std::size_t size_ = 0;
    std::size_t first_ = 0;      // the slot that is served first
    std::uint64_t lowest_ = 0;   // no viewing reads the log from before this
    std::uint64_t head_ = 0;     // what on_advance saw last
};

}   // namespace millrace::net
