#pragma once

#include "base/result.hpp"
#include "protocol/kcp/segment.hpp"
#include "protocol/kcp/sn_ring.hpp"

#include <deque>
#include <optional>

namespace millrace::kcp {

/// Puts segments in order and messages together, within the window that the peer was told. Owned by a
/// Conversation. It never holds more than twice the window: what is ordered and what waits for a gap.
class ReceiveWindow {
public:
    /// What a segment was to us.
    enum class Taken : std::uint8_t {
        in_order,
        filled_gap,   ///< what came before it can be read now
        apart,        ///< beyond a gap
        duplicate,
        beyond,   ///< outside the window: as if it never came
    };

    ReceiveWindow(std::uint16_t size, std::uint32_t first_sn) : size_{size}, expected_{first_sn} {}

    /// An error means that the messages can never be put together: the conversation is at its end.
    Result<Taken> take(const Segment& push);

    /// The next whole message; its bytes are the caller's.
    std::optional<std::vector<std::byte>> next_message();

    std::uint32_t expected() const { return expected_; }
    std::uint16_t free() const;
    /// There was no room, now there is: to be told once.
    bool reopened() { return std::exchange(reopened_, false); }

private:
    struct Slot {
        std::vector<std::byte> payload;
        std::uint8_t frg = 0;
        bool full = false;
    };
    Result<> move_ordered();
    Result<> check_fragment(std::uint8_t frg);

    std::uint16_t size_;
    std::uint32_t expected_;
    SnRing<Slot> held_;
    std::size_t held_count_ = 0;
    std::deque<Slot> ordered_;
    std::size_t whole_ = 0;            // messages in `ordered_`
    std::uint8_t fragments_due_ = 0;   // of the message under way
    bool reopened_ = false;
};

}   // namespace millrace::kcp
