#include "protocol/kcp/send_window.hpp"

#include <algorithm>

namespace millrace::kcp {

void Outstanding::remember(const Transmission& transmission) {
    if (copies == copies_remembered) {
        std::shift_left(sent.begin() + 1, sent.end(), 1);
        --copies;
    }
    sent[copies++] = transmission;
}

Transmission* Outstanding::find(std::uint32_t ts) {
    for (Transmission& transmission : remembered()) {
        if (transmission.ts == ts && !transmission.acked) {
            return &transmission;
        }
    }
    return nullptr;
}

void SendWindow::push_message(const Bytes& message, std::size_t segment_max) {
    const std::size_t count = std::max<std::size_t>((message.size() + segment_max - 1) / segment_max, 1);
    queued_bytes_ += message.size();
    const std::size_t cut = (message.size() + count - 1) / count;
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t offset = std::min(i * cut, message.size());
        queue_.push_back({message.slice(offset, std::min(cut, message.size() - offset)),
                          static_cast<std::uint8_t>(count - i - 1)});
    }
}

void SendWindow::push_stream(const Bytes& bytes, std::size_t segment_max) {
    queued_bytes_ += bytes.size();
    std::size_t offset = 0;
    if (!queue_.empty() && queue_.back().payload.size() < segment_max) {
        Bytes& last = queue_.back().payload;
        offset = std::min(segment_max - last.size(), bytes.size());
        std::vector<std::byte> joined;
        joined.reserve(last.size() + offset);
        joined.insert(joined.end(), last.begin(), last.end());
        joined.insert(joined.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(offset));
        last = Bytes{std::move(joined)};
    }
    for (; offset < bytes.size(); offset += segment_max) {
        queue_.push_back({bytes.slice(offset, std::min(segment_max, bytes.size() - offset)), 0});
    }
}

Outstanding& SendWindow::open_next() {
    ring_.reserve(una_, in_flight() + 1);
    Outstanding& segment = ring_[next_];
    segment = Outstanding{};
    segment.payload = std::move(queue_.front().payload);
    queued_bytes_ -= segment.payload.size();
    in_flight_bytes_ += segment.payload.size();
    segment.frg = queue_.front().frg;
    segment.sn = next_++;
    queue_.pop_front();
    return segment;
}

void SendWindow::free_below(std::uint32_t una) {
    for (; una_ != una; ++una_) {
        in_flight_bytes_ -= ring_[una_].payload.size();
        ring_[una_].payload = {};
    }
}

}   // namespace millrace::kcp
