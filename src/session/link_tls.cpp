#include "session/link_tls.hpp"

#include "base/waiting.hpp"

#include <array>
#include <utility>

namespace millrace::session {

namespace {

constexpr Duration look_every = 10ms;

/// Until the system has all that was written, or that takes too long.
Task<> hang_up_later(Executor& executor, std::unique_ptr<TlsLine> line, std::size_t* ending) {
    const Counted counted{ending};
    const Instant until = executor.now() + LinkConnection::linger_max;
    line->association().close("all was said");
    line->settle();
    while (!line->is_flushed() && executor.now() < until) {
        co_await sleep_until(executor, executor.now() + look_every);
    }
    line->tcp().close();
}

}   // namespace

TlsLine::TlsLine(Executor& executor, std::unique_ptr<Connection> tcp, std::unique_ptr<link::DtlsClient> trust,
                 link::TlsAssociation association)
    : executor_{executor},
      tcp_{std::move(tcp)},
      trust_{std::move(trust)},
      association_{std::move(association)} {
    settle();
}

void TlsLine::on_readable() {
    std::array<std::byte, read_max> buffer;
    const Result<std::size_t> read = tcp_->try_read(buffer);
    if (read) {
        association_.receive(std::span{buffer}.first(*read), executor_.now());
    } else if (read.error().code != Errc::would_block) {
        association_.lose(read.error());
    }
    settle();
}

void TlsLine::on_due() {
    association_.advance(executor_.now());
    settle();
}

void TlsLine::flush() {
    for (;;) {
        if (is_flushed()) {
            out_ = association_.next_output();
            out_at_ = 0;
        }
        if (is_flushed()) {
            return;
        }
        const std::array slices{ByteSpan{out_}.subspan(out_at_)};
        const Result<std::size_t> written = tcp_->try_write(slices);
        if (!written) {
            if (written.error().code != Errc::would_block) {
                association_.lose(written.error());
                out_.clear();
                out_at_ = 0;
            }
            return;
        }
        out_at_ += *written;
    }
}

void TlsLine::settle() {
    flush();
    tcp_->wait_readable(association_.wants_more() ? &read_side_ : nullptr);
    tcp_->wait_writable(is_flushed() ? nullptr : &write_side_);
    executor_.timers().arm(due_, association_.deadline());
    if (on_change) {
        on_change();
    }
}

TlsLinkConnection::TlsLinkConnection(Executor& executor, std::unique_ptr<TlsLine> line, std::size_t* ending)
    : LinkConnection{executor, line->tcp().peer(), line->tcp().local(), line->association().psk_identity()},
      line_{std::move(line)},
      ending_{ending} {
    line_->on_change = [this] { look(); };
}

void TlsLinkConnection::look() {
    if (const std::optional<Error> why = line_->association().ending()) {
        end(*why);
    }
    wake();
}

std::size_t TlsLinkConnection::room() const {
    // One message at a time: what waits in the system is bounded there.
    return line_ == nullptr || line_->is_flushed() ? message_max : 0;
}

Result<> TlsLinkConnection::send(const Bytes& message) {
    Result<> sent = line_->association().send(message);
    bytes_sent_ += sent ? message.size() : 0;
    line_->settle();
    return sent;
}

std::optional<std::vector<std::byte>> TlsLinkConnection::next_message() {
    if (line_ == nullptr) {
        return std::nullopt;
    }
    const bool full = !line_->association().wants_more();
    std::optional<std::vector<std::byte>> message = line_->association().next_message(executor().now());
    if (full && line_->association().wants_more()) {
        line_->settle();   // it may read on
    }
    return message;
}

std::size_t TlsLinkConnection::unacknowledged() const {
    return line_ == nullptr ? 0 : line_->tcp().unacknowledged();
}

void TlsLinkConnection::hold_little() {
    if (line_ != nullptr) {
        line_->tcp().hold_little();
    }
}

void TlsLinkConnection::let_in() {
    if (line_ != nullptr) {
        line_->tcp().let_in();
    }
}

LinkReport TlsLinkConnection::link_report() const {
    if (line_ == nullptr) {
        return {};
    }
    return {.round_trip = line_->association().round_trip(),
            .round_trip_min = line_->association().round_trip_min(),
            .bytes_sent = bytes_sent_,
            .in_flight = line_->tcp().unacknowledged()};
}

void TlsLinkConnection::leave() {
    if (line_ != nullptr) {
        line_->on_change = nullptr;
        executor().tasks().spawn(hang_up_later(executor(), std::move(line_), ending_));
    }
}

}   // namespace millrace::session
