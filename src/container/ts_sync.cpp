#include "container/ts_sync.hpp"

#include <algorithm>

namespace millrace::ts {

void PacketFinder::end() {
    ended_ = true;
}

void PacketFinder::lose() {
    synchronous_ = false;
    ++losses_;
}

/// Whether every place where a packet would begin that is held has its sync byte.
bool PacketFinder::believable() const {
    for (std::size_t at = at_; at < held_.size() && at < at_ + proof; at += packet_size) {
        if (held_[at] != sync_byte) {
            return false;
        }
    }
    return true;
}

ByteSpan PacketFinder::next(ByteSpan& input) {
    for (;;) {
        if (at_ == held_.size()) {
            held_.clear();
            at_ = 0;
            if (synchronous_ && input.size() >= packet_size && input.front() == sync_byte) {
                const ByteSpan packet = input.first(packet_size);
                input = input.subspan(packet_size);
                return packet;
            }
        }
        const std::size_t wanted = synchronous_ ? packet_size : proof;
        if (held() < wanted && !input.empty()) {
            const std::size_t count = std::min(wanted - held(), input.size());
            held_.erase(held_.begin(), held_.begin() + static_cast<std::ptrdiff_t>(at_));
            at_ = 0;
            held_.insert(held_.end(), input.begin(), input.begin() + static_cast<std::ptrdiff_t>(count));
            input = input.subspan(count);
        }
        if (held() == 0) {
            return {};
        }
        if (!believable()) {
            if (synchronous_) {
                lose();
            }
            const auto from = held_.begin() + static_cast<std::ptrdiff_t>(at_);
            at_ = static_cast<std::size_t>(std::find(from + 1, held_.end(), sync_byte) - held_.begin());
            continue;
        }
        if (held() < wanted && !(ended_ && held() >= packet_size)) {
            return {};
        }
        synchronous_ = true;
        const ByteSpan packet = ByteSpan{held_}.subspan(at_, packet_size);
        at_ += packet_size;
        return packet;
    }
}

}   // namespace millrace::ts
