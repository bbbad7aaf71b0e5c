#include "protocol/kcp/receive_window.hpp"

namespace millrace::kcp {

std::uint16_t ReceiveWindow::free() const {
    return static_cast<std::uint16_t>(size_ - std::min<std::size_t>(ordered_.size(), size_));
}

Result<ReceiveWindow::Taken> ReceiveWindow::take(const Segment& push) {
    const std::int32_t distance = ahead(push.sn, expected_);
    if (distance >= size_) {
        return Taken::beyond;
    }
    if (distance < 0) {
        return Taken::duplicate;
    }
    held_.reserve(expected_, static_cast<std::size_t>(distance) + 1);
    Slot& slot = held_[push.sn];
    if (slot.full) {
        return Taken::duplicate;
    }
    slot.payload.assign(push.payload.begin(), push.payload.end());
    slot.frg = push.frg;
    slot.full = true;
    const bool gap_behind = held_count_ > 0;
    ++held_count_;
    if (distance > 0) {
        return Taken::apart;
    }
    if (const Result<> moved = move_ordered(); !moved) {
        return std::unexpected(moved.error());
    }
    return gap_behind ? Taken::filled_gap : Taken::in_order;
}

Result<> ReceiveWindow::move_ordered() {
    while (held_count_ > 0 && ordered_.size() < size_ && held_[expected_].full) {
        Slot& slot = held_[expected_];
        if (const Result<> good = check_fragment(slot.frg); !good) {
            return good;
        }
        whole_ += slot.frg == 0 ? 1 : 0;
        ordered_.push_back(std::move(slot));
        slot = Slot{};
        ++expected_;
        --held_count_;
    }
    return {};
}

/// Fragments count down to 0; a message that never fits the window would stand in it for ever.
Result<> ReceiveWindow::check_fragment(std::uint8_t frg) {
    if (fragments_due_ != 0 && frg != fragments_due_ - 1) {
        return fail(Errc::malformed, "the fragments of a KCP message do not follow each other");
    }
    if (fragments_due_ == 0 && frg >= size_) {
        return fail(Errc::malformed, "a KCP message has more fragments than the window holds");
    }
    fragments_due_ = frg;
    return {};
}

std::optional<std::vector<std::byte>> ReceiveWindow::next_message() {
    if (whole_ == 0) {
        return std::nullopt;
    }
    const bool was_full = free() == 0;
    std::vector<std::byte> message = std::move(ordered_.front().payload);
    std::uint8_t frg = ordered_.front().frg;
    ordered_.pop_front();
    while (frg != 0) {
        const Slot& slot = ordered_.front();
        message.insert(message.end(), slot.payload.begin(), slot.payload.end());
        frg = slot.frg;
        ordered_.pop_front();
    }
    --whole_;
    // What is held was checked against the window when it came, and its fragments are checked as they move.
    // A broken one stays where it is: the next datagram finds it.
    static_cast<void>(move_ordered());
    reopened_ = reopened_ || (was_full && free() > 0);
    return message;
}

}   // namespace millrace::kcp
