#include "base/virtual_datagrams.hpp"

#include <algorithm>

namespace millrace {

VirtualDatagrams::VirtualDatagrams(VirtualNetwork& network, Executor& executor, const PeerAddress& at)
    : network_{network}, executor_{executor}, at_{at}, local_{at.endpoint()} {
    network_.sockets_.emplace(at_, this);
}

VirtualDatagrams::~VirtualDatagrams() {
    network_.sockets_.erase(at_);
}

Result<std::size_t> VirtualDatagrams::send(std::span<Datagram> batch) {
    batch = batch.first(std::min(batch.size(), batch_max));
    std::size_t taken = 0;
    for (; taken < batch.size(); ++taken) {
        Datagram& datagram = batch[taken];
        const bool sendable =
            fits(datagram) && datagram.peer.port() != 0 && datagram.peer.is_ipv4() == at_.is_ipv4();
        if (!sendable) {
            counters_.unsendable += datagram.segments();
            datagram.gone = datagram.size();
        } else if (!send_all(datagram)) {
            break;
        }
    }
    if (taken == 0 && !batch.empty()) {
        return fail(Errc::would_block, "the path's queue is full");
    }
    return taken;
}

bool VirtualDatagrams::send_all(Datagram& datagram) {
    const std::size_t size = datagram.size();
    const std::size_t cut = datagram.segment_size == 0 ? size : datagram.segment_size;
    while (datagram.gone < size) {
        const std::size_t bytes = std::min(cut, size - datagram.gone);
        std::size_t skipped = datagram.gone;
        packet_.clear();
        for (const ByteSpan slice : datagram.slices) {
            const ByteSpan rest = slice.subspan(std::min(skipped, slice.size()));
            skipped -= slice.size() - rest.size();
            const ByteSpan part = rest.first(std::min(bytes - packet_.size(), rest.size()));
            packet_.insert(packet_.end(), part.begin(), part.end());
        }
        if (!network_.carry(at_, datagram.peer, packet_, room_at_)) {
            return false;
        }
        datagram.gone += bytes;
        ++counters_.sent;
    }
    return true;
}

Result<std::size_t> VirtualDatagrams::receive(std::span<Received> into) {
    into = into.first(std::min({into.size(), batch_max, arrived_.size()}));
    if (arrived_.empty()) {
        return fail(Errc::would_block, "nothing came");
    }
    for (Received& one : into) {
        const Parcel& parcel = arrived_.front();
        one.size = std::min(parcel.bytes.size(), one.buffer.size());
        std::copy_n(parcel.bytes.begin(), one.size, one.buffer.begin());
        one.from = parcel.from;
        one.truncated = one.size < parcel.bytes.size();
        unread_ -= parcel.bytes.size();
        arrived_.pop_front();
    }
    counters_.received += into.size();
    return into.size();
}

void VirtualDatagrams::expect(const PeerAddress& from, ByteSpan bytes, Instant due) {
    under_way_.push_back({due, ++numbers_, from, {bytes.begin(), bytes.end()}});
    std::ranges::push_heap(under_way_, std::less{});
    executor_.timers().arm(arrival_, under_way_.front().due);
}

void VirtualDatagrams::arrive() {
    while (!under_way_.empty() && under_way_.front().due <= executor_.now()) {
        std::ranges::pop_heap(under_way_, std::less{});
        Parcel parcel = std::move(under_way_.back());
        under_way_.pop_back();
        if (unread_ + parcel.bytes.size() > VirtualNetwork::receive_buffer_max) {
            ++network_.counters_.overflowed;
            continue;
        }
        unread_ += parcel.bytes.size();
        arrived_.push_back(std::move(parcel));
    }
    if (!under_way_.empty()) {
        executor_.timers().arm(arrival_, under_way_.front().due);
    }
    tell_reader();
}

void VirtualDatagrams::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    executor_.timers().arm(reading_,
                           waiter != nullptr && !arrived_.empty() ? executor_.now() : Instant::never());
}

void VirtualDatagrams::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    executor_.timers().arm(writing_,
                           waiter != nullptr ? std::max(room_at_, executor_.now()) : Instant::never());
}

void VirtualDatagrams::tell_reader() {
    if (!arrived_.empty()) {
        tell(reader_);
    }
}

void VirtualDatagrams::tell_writer() {
    tell(writer_);
}

void VirtualDatagrams::tell(Waiter*& slot) {
    // The last thing done: it may destroy the socket.
    if (Waiter* const waiter = std::exchange(slot, nullptr); waiter != nullptr) {
        waiter->on_ready({});
    }
}

}   // namespace millrace
