#include "session/link_connection.hpp"

#include <algorithm>
#include <utility>

namespace millrace::session {

/// Whether there is something of a message to read.
bool LinkConnection::fill() {
    if (read_at_ < read_.size()) {
        return true;
    }
    read_at_ = 0;
    read_.clear();
    while (read_.empty()) {
        std::optional<std::vector<std::byte>> message = next_message();
        if (!message) {
            return false;
        }
        read_ = std::move(*message);
    }
    return true;
}

bool LinkConnection::readable() {
    return closed_ || fill() || ended_;
}

std::size_t KcpLinkConnection::room() const {
    const link::Association* const link = association();
    if (link == nullptr) {
        return message_max;   // who writes is told why not
    }
    const kcp::Conversation& kcp = link->kcp();
    const std::size_t segment = kcp.settings().segment_max();
    if (kcp.waiting() * segment >= unsent_max) {
        return 0;
    }
    if (!holds_little_) {
        return message_max;
    }
    if (is_late(*link)) {
        return 0;
    }
    const std::size_t queued = kcp.waiting_bytes();
    const double shown = kcp.path().rate * std::chrono::duration<double>{queued_time}.count();
    const std::size_t most =
        shown > 0 ? std::clamp(static_cast<std::size_t>(shown), queued_least, queued_little) : queued_little;
    return queued >= most ? 0 : std::clamp(most - queued, segment, message_max);
}

/// Whether a path's queue holds what we sent. Several losses of one segment look alike, for as long as they
/// last.
bool KcpLinkConnection::is_late(const link::Association& link) const {
    const Duration usual = link.kcp().path().round_trip_min;
    const std::uint64_t arrived =
        segments_written_ - std::min<std::uint64_t>(link.kcp().waiting(), segments_written_);
    const auto oldest =
        std::ranges::upper_bound(written_, arrived, {}, &std::pair<Instant, std::uint64_t>::second);
    return usual > 0ns && oldest != written_.end() && executor().now() - oldest->first > usual + late_from;
}

void KcpLinkConnection::note_written(std::size_t segments) {
    segments_written_ += segments;
    written_.emplace_back(executor().now(), segments_written_);
    const link::Association* const link = association();
    const std::size_t waiting = link == nullptr ? 0 : link->kcp().waiting();
    while (!written_.empty() && written_.front().second + waiting <= segments_written_) {
        written_.pop_front();
    }
}

Result<std::size_t> LinkConnection::try_read(std::span<std::byte> into) {
    if (closed_) {
        return fail(Errc::cancelled, "the link was closed here");
    }
    if (!fill()) {
        return ended_ ? std::unexpected(*ended_) : fail(Errc::would_block, "nothing came");
    }
    const std::size_t size = std::min(into.size(), read_.size() - read_at_);
    std::copy_n(read_.begin() + static_cast<std::ptrdiff_t>(read_at_), size, into.begin());
    read_at_ += size;
    return size;
}

Result<std::size_t> LinkConnection::try_write(std::span<const ByteSpan> slices) {
    if (closed_) {
        return fail(Errc::cancelled, "the link was closed here");
    }
    if (ended_) {
        return std::unexpected(*ended_);
    }
    const std::size_t most = room();
    if (most == 0) {
        return fail(Errc::would_block, "the path is full");
    }
    std::vector<std::byte> message;
    for (const ByteSpan slice : slices.first(std::min(slices.size(), gather_max))) {
        const ByteSpan part = slice.first(std::min(slice.size(), most - message.size()));
        message.insert(message.end(), part.begin(), part.end());
    }
    if (message.empty()) {
        return std::size_t{0};
    }
    const std::size_t size = message.size();
    const Result<> sent = send(Bytes{std::move(message)});
    if (!sent && sent.error().code == Errc::exhausted) {
        return fail(Errc::would_block, "the path is full");
    }
    if (!sent) {
        return std::unexpected(sent.error());
    }
    return size;
}

Result<> KcpLinkConnection::send(const Bytes& message) {
    const std::size_t size = message.size();
    const Result<> sent = post(message);
    const link::Association* const link = association();
    if (sent && link != nullptr) {
        const std::size_t segment = link->kcp().settings().segment_max();
        note_written((size + segment - 1) / segment);
    }
    return sent;
}

std::size_t KcpLinkConnection::unacknowledged() const {
    const link::Association* const link = association();
    return link == nullptr ? 0 : link->kcp().waiting_bytes() + link->kcp().in_flight_bytes();
}

LinkReport KcpLinkConnection::link_report() const {
    const link::Association* const link = association();
    if (link == nullptr) {
        return {};
    }
    constexpr double bits_a_byte = 8;
    const kcp::Conversation& kcp = link->kcp();
    const kcp::Conversation::Path path = kcp.path();
    const kcp::Conversation::Counters& counters = kcp.counters();
    return {.round_trip = path.round_trip,
            .round_trip_of_late = path.round_trip_of_late,
            .round_trip_min = path.round_trip_min,
            .loss = path.loss,
            .rate = path.rate * bits_a_byte,
            .parity = link->parity(),
            .datagrams_sent = counters.datagrams_sent,
            .bytes_sent = counters.bytes_sent,
            .datagrams_received = counters.datagrams_received,
            .segments = counters.segments,
            .resends_by_gap = counters.resends_by_gap,
            .resends_by_timer = counters.resends_by_timer,
            .further_copies = counters.further_copies,
            .duplicates = counters.duplicates,
            .recovered = link->counters().recovered,
            .refused = link->counters().refused,
            .moves = link->counters().moves,
            .queued = kcp.waiting_bytes(),
            .in_flight = kcp.in_flight_bytes()};
}

void LinkConnection::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    wake();
}

void LinkConnection::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    wake();
}

void LinkConnection::wake() {
    if ((reader_ != nullptr && readable()) || (writer_ != nullptr && writable())) {
        executor_.timers().arm(turn_, executor_.now());
    }
}

/// One waiter a turn: it may destroy this connection.
void LinkConnection::tell() {
    Waiter* waiter = nullptr;
    if (reader_ != nullptr && readable()) {
        waiter = std::exchange(reader_, nullptr);
    } else if (writer_ != nullptr && writable()) {
        waiter = std::exchange(writer_, nullptr);
    }
    if (waiter == nullptr) {
        return;
    }
    wake();
    const Result<> ready = closed_ ? fail(Errc::cancelled, "the link was closed here") : Result<>{};
    waiter->on_ready(ready);
}

void LinkConnection::close() {
    if (!closed_) {
        closed_ = true;
        hang_up();
        wake();
    }
}

void LinkConnection::end(const Error& why) {
    if (!ended_) {
        ended_ = why;
        wake();
    }
}

}   // namespace millrace::session
