#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "protocol/rtp/packet.hpp"

#include <optional>
#include <vector>

namespace millrace::rtp {

/// Puts packets that a network reordered back in order, within a bound of packets and of time: what is
/// missing that long is lost. Without waiting (over TCP) it only counts what lacks. Owned by a Receiver.
class ReorderBuffer {
public:
    static constexpr std::size_t packets_max = 512;
    static constexpr std::size_t bytes_max = std::size_t{4} << 20U;
    /// A step in sequence numbers beyond it is a new beginning, not loss (RFC 3550 §A.1); two packets in a
    /// row must agree on it.
    static constexpr std::int64_t jump = 3'000;

    struct Place {
        std::int64_t sequence = 0;   ///< without wraps
        std::uint64_t lost = 0;      ///< packets before it that never came
        bool restarted = false;      ///< numbers begin anew
    };
    struct Released : Place {
        std::vector<std::byte> packet;
        Instant arrival;
    };
    struct Counters {
        std::uint64_t lost = 0;
        std::uint64_t late = 0;        ///< came after their place was given up, or twice
        std::uint64_t reordered = 0;   ///< came out of turn, and in time
        std::uint64_t restarts = 0;
    };

    explicit ReorderBuffer(Duration wait_max)
        : wait_max_{wait_max}, slots_(wait_max > 0ns ? packets_max : 0) {}

    /// Whether packets are kept until others are there. If not, `pass` says where each lies.
    bool waits() const { return !slots_.empty(); }
    /// Where nothing is waited for: the place of the packet; nothing: it came too late.
    std::optional<Place> pass(std::uint16_t sequence);

    void push(ByteSpan packet, std::uint16_t sequence, Instant now);
    /// The next packet in order, as far as it is there or its predecessors are given up.
    std::optional<Released> pop(Instant now);
    /// When pop() gives up waiting.
    Instant deadline() const;
    /// Another source: whatever comes next is the first.
    void restart();
    const Counters& counters() const { return counters_; }
    std::optional<std::int64_t> highest() const { return highest_; }

private:
    struct Slot {
        std::vector<std::byte> packet;
        std::int64_t sequence = -1;
        Instant arrival;
        bool full = false;
    };
    bool follows(std::uint16_t sequence);
    /// Its number without wraps; nothing: it is far from the others.
    std::optional<std::int64_t> number(std::uint16_t sequence);
    Place place_at(std::int64_t sequence);
    std::optional<std::int64_t> earliest() const;
    Released release(Slot& slot);
    void clear();

    Duration wait_max_;
    std::vector<Slot> slots_;   // by sequence number; none where nothing is waited for
    SequenceUnwrapper numbers_;
    std::optional<std::int64_t> highest_;
    std::int64_t next_ = 0;
    std::optional<std::uint16_t> probation_;   // what would confirm a jump
    std::size_t held_ = 0;
    std::size_t held_bytes_ = 0;
    bool restarted_ = false;
    Counters counters_;
};

}   // namespace millrace::rtp
