#pragma once

#include "base/block_log.hpp"
#include "base/connection.hpp"
#include "base/seat.hpp"
#include "net/fan_out_ring.hpp"
#include "protocol/machine.hpp"

#include <cstdint>
#include <memory>
#include <vector>

namespace millrace::net {

class Audience;
class Hall;

/// A viewer whose conversation reached PLAY, handed over to the fan-out.
struct Viewer {
    std::unique_ptr<Connection> connection;
    Bytes lead;                                  ///< sent first: response head, file header
    std::unique_ptr<BackChannel> back_channel;   ///< null: what the viewer says is read and dropped
    std::unique_ptr<Seat> seat;
};

/// The two directions of a connection, each with a name of its own.
class ReadWaiter : public Connection::Waiter {
public:
    void on_ready(Result<> ready) final { on_readable(ready); }

protected:
    ~ReadWaiter() = default;
    virtual void on_readable(Result<> ready) = 0;
};
/// A Waiter for writing, told apart from the one for reading.
class WriteWaiter : public Connection::Waiter {
public:
    void on_ready(Result<> ready) final { on_writable(ready); }

protected:
    ~WriteWaiter() = default;
    virtual void on_writable(Result<> ready) = 0;
};

/// One viewer of a log: its place there, what goes to it alone, and whether its link takes anything.
///
/// What it is sent is `lead`, then `aside`, then the log from `cursor`. That order only changes at a *turn*:
/// between two messages and past everything the connection may still hold of a blocked write. There a lagging
/// viewer moves on to the newest entrance, and its private bytes get in.
///
/// A viewer that pauses leaves the log at a turn and comes back at the newest entrance.
///
/// Lives in the FanOut's slab, in one slot of its Audience, and in a ring of the Hall while it is blocked or
/// leaves. Nothing in here calls a Seat but for its counters, so a viewing stays where it is until the
/// Hall's door is swept.
class Viewing final : public Ring, private ReadWaiter, private WriteWaiter {
public:
    /// A viewer whose link takes nothing for so long leaves. In a message the log has forgotten, what its
    /// link takes does not count: the message must be finished before.
    static constexpr Duration patience = 15s;
    /// Bytes for one viewer alone that may wait; more ends it.
    static constexpr std::size_t private_max = 4U << 10U;
    /// Bytes of a started message kept for one viewer after the log forgot them; more ends it.
    static constexpr std::size_t remainder_max = 4U << 20U;
    /// Reads a wake, so that one who talks a lot does not keep others waiting.
    static constexpr int reads_per_wake = 4;

    Viewing(Hall& hall, Audience& audience, Viewer viewer);
    Viewing(const Viewing&) = delete;
    Viewing& operator=(const Viewing&) = delete;
    ~Viewing() = default;

    /// Listens to the viewer and sends what there is.
    void begin(Instant now);
    /// Sends up to the log's head, unless the link takes nothing.
    void flush(Instant now);
    /// Brings what `flush` will touch nearer to the processor: first the viewing, then what it points to.
    void fetch() const;
    void fetch_link() const;
    /// The log is about to forget what lies before `tail`: what is left of a message the viewer has begun
    /// stays here by reference.
    void before_trim(std::uint64_t tail, Instant now);
    /// Its place in the log; `none` if it reads nothing there now.
    std::uint64_t needed_from() const { return place_ == Place::log && !leaving_ ? cursor_ : none; }
    static constexpr std::uint64_t none = UINT64_MAX;

    /// Ends the viewing at the next sweep of the door. The first reason stands.
    void leave(Error reason);
    const Error& reason() const { return reason_; }
    Instant waits_since() const { return waits_since_; }
    Audience& audience() const { return *audience_; }
    /// Closes the connection and hands over the seat: the last thing before destruction.
    std::unique_ptr<Seat> close();

    /// Where the audience keeps it.
    std::uint32_t slot = 0;
    std::uint32_t index = 0;

private:
    enum class Place : std::uint8_t {
        waiting,     // for an entrance: at first, and while it is paused
        log,         // at `cursor`, tail <= cursor <= head
        remainder,   // at `cursor`, in a message that is kept for it alone
        lapped,      // at the message end `cursor`, which the log has forgotten; it waits for an entrance
    };
    /// The rest of a message that the log has forgotten.
    struct Remainder {
        std::vector<BlockRef> blocks;
        std::uint64_t end;
    };

    void follow_wish(Instant now);
    void on_readable(Result<> ready) override;
    void on_writable(Result<> ready) override;
    Result<> listen(Instant now);

    void write(Instant now);
    std::uint64_t plan(Instant now);
    void plan_turn(Instant now);
    std::size_t gather(std::uint64_t to, std::span<ByteSpan> out) const;
    void took(std::size_t count);
    void tell_place();
    void block(std::uint64_t to, bool progress, Instant now);
    void rest();
    void part();

    std::uint64_t started_until() const;
    bool should_skip(Instant now) const;
    void enter(const Entrance& entrance);
    void leave_log(std::uint64_t at);

    Hall& hall_;
    Audience* audience_;
    std::unique_ptr<Connection> connection_;
    std::unique_ptr<BackChannel> back_channel_;
    std::unique_ptr<Seat> seat_;
    Bytes lead_;
    Bytes aside_;                      // resume bytes, or private ones on their way
    std::vector<std::byte> private_;   // waits for a turn
    std::unique_ptr<Remainder> remainder_;
    std::uint64_t cursor_ = 0;
    std::uint64_t held_until_ = 0;   // the connection may hold log bytes before this
    Instant waits_since_;            // valid while blocked
    Error reason_{Errc::closed, "the viewing ended"};
    Place place_ = Place::waiting;
    bool paused_ = false;    // it leaves the log at the next turn, and takes no entrance
    bool blocked_ = false;   // its link took less than it was offered, and it has not caught up since
    bool parting_ = false;   // its back channel ended it with last words: they leave, then it does
    bool leaving_ = false;
};
static_assert(sizeof(Viewing) <= 256);

}   // namespace millrace::net
