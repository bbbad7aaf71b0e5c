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

bool LinkConnection::writable() const {
    return closed_ || ended_ || unacknowledged() < unsent_max;
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
    std::vector<std::byte> message;
    for (const ByteSpan slice : slices.first(std::min(slices.size(), gather_max))) {
        const ByteSpan part = slice.first(std::min(slice.size(), message_max - message.size()));
        message.insert(message.end(), part.begin(), part.end());
    }
    if (message.empty()) {
        return std::size_t{0};
    }
    if (unacknowledged() >= unsent_max) {
        return fail(Errc::would_block, "the path is full");
    }
    const std::size_t size = message.size();
    const Result<> sent = send(Bytes{std::move(message)});
    if (!sent && sent.error().code == Errc::exhausted) {
        return fail(Errc::would_block, "the path is full");
    }
    return sent ? Result<std::size_t>{size} : std::unexpected(sent.error());
}

std::size_t LinkConnection::unacknowledged() const {
    const link::Association* const link = association();
    return link == nullptr ? 0 : link->kcp().waiting() * link->kcp().settings().segment_max();
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
