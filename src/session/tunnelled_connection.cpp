#include "session/tunnelled_connection.hpp"

#include "base/base64.hpp"
#include "base/waiting.hpp"

#include <algorithm>
#include <array>
#include <optional>

namespace millrace::session {

namespace {

/// Calls a member function of its owner when a connection is ready.
template <class Owner, void (Owner::*call)(Result<>)>
class Bell final : public Waitable::Waiter {
public:
    explicit Bell(Owner& owner) : owner_{owner} {}
    void on_ready(Result<> ready) override { (owner_.*call)(ready); }

private:
    Owner& owner_;
};

class TunnelledConnection final : public Connection {
public:
    /// Behind the answer to the GET.
    TunnelledConnection(Executor& executor, std::unique_ptr<Connection> get, std::unique_ptr<Connection> post,
                        rtsp::TunnelClient& tunnel)
        : executor_{executor},
          get_{std::move(get)},
          post_{std::move(post)},
          behind_{tunnel.behind().begin(), tunnel.behind().end()},
          unsent_{tunnel.post()} {
        post_->wait_readable(&post_speaks_);
        send();
    }

    Result<std::size_t> try_read(std::span<std::byte> into) override;
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override;
    void wait_readable(Waiter* waiter) override;
    void wait_writable(Waiter* waiter) override;
    void close() override {
        get_->close();
        post_->close();
    }
    const Endpoint& peer() const override { return get_->peer(); }
    const Endpoint& local() const override { return get_->local(); }
    bool encrypted() const override { return get_->encrypted(); }
    std::size_t unacknowledged() const override { return post_->unacknowledged() + unsent_.size(); }

private:
    void send();
    void fall(Error error);
    // What rings. Each may be the end of this object.
    void on_heard(Result<> ready);
    void on_post_speaks(Result<> ready);
    void on_post_takes(Result<> ready);
    void on_due() { tell_reader({}); }
    void tell_reader(Result<> ready) {
        if (Waiter* const reader = std::exchange(reader_, nullptr)) {
            reader->on_ready(ready);
        }
    }

    Executor& executor_;
    std::unique_ptr<Connection> get_;
    std::unique_ptr<Connection> post_;
    std::vector<std::byte> behind_;   // the head of the GET's answer, not read yet
    std::string unsent_;              // of the POST, at most a piece in base64
    rtsp::TunnelAnswer answer_;       // to the POST
    bool answered_ = false;           // with success
    std::optional<Error> fallen_;
    Waiter* reader_ = nullptr;
    Waiter* writer_ = nullptr;
    Bell<TunnelledConnection, &TunnelledConnection::on_heard> heard_{*this};
    Bell<TunnelledConnection, &TunnelledConnection::on_post_speaks> post_speaks_{*this};
    Bell<TunnelledConnection, &TunnelledConnection::on_post_takes> post_takes_{*this};
    Alarm<TunnelledConnection, &TunnelledConnection::on_due> due_{*this};
};

Result<std::size_t> TunnelledConnection::try_read(std::span<std::byte> into) {
    if (fallen_) {
        return std::unexpected(*fallen_);
    }
    if (behind_.empty()) {
        return get_->try_read(into);
    }
    const std::size_t count = std::min(into.size(), behind_.size());
    std::copy_n(behind_.begin(), count, into.begin());
    behind_.erase(behind_.begin(), behind_.begin() + static_cast<std::ptrdiff_t>(count));
    return count;
}

Result<std::size_t> TunnelledConnection::try_write(std::span<const ByteSpan> slices) {
    constexpr std::size_t piece_max = 12U << 10U;   // in thirds, so that only a last piece is padded
    send();
    if (fallen_) {
        return std::unexpected(*fallen_);
    }
    if (!unsent_.empty()) {
        return fail(Errc::would_block, "the POST takes no more");
    }
    std::vector<std::byte> piece;
    for (const ByteSpan slice : slices) {
        const ByteSpan part = slice.first(std::min(slice.size(), piece_max - piece.size()));
        piece.insert(piece.end(), part.begin(), part.end());
    }
    unsent_ = encode_base64(piece);
    send();
    return fallen_ ? Result<std::size_t>{std::unexpected(*fallen_)} : piece.size();
}

/// As much as fits; the rest as soon as it does.
void TunnelledConnection::send() {
    while (!unsent_.empty() && !fallen_) {
        const std::array slices{as_bytes(unsent_)};
        const Result<std::size_t> written = post_->try_write(slices);
        if (written) {
            unsent_.erase(0, *written);
        } else if (written.error().code == Errc::would_block) {
            post_->wait_writable(&post_takes_);
            return;
        } else {
            fall(written.error());
        }
    }
}

void TunnelledConnection::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    const bool now = reader_ != nullptr && (fallen_ || !behind_.empty());
    executor_.timers().arm(due_, now ? executor_.now() : Instant::never());
    get_->wait_readable(reader_ == nullptr || now ? nullptr : &heard_);
}

void TunnelledConnection::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    post_->wait_writable(writer_ == nullptr && unsent_.empty() ? nullptr : &post_takes_);
}

void TunnelledConnection::on_heard(Result<> ready) {
    tell_reader(ready);
}

void TunnelledConnection::on_post_takes(Result<> ready) {
    if (ready) {
        send();
    }
    if (!unsent_.empty() && ready && !fallen_) {
        return;
    }
    if (Waiter* const writer = std::exchange(writer_, nullptr)) {
        writer->on_ready(ready);
    }
}

/// Most servers never answer it; those that refuse it do.
void TunnelledConnection::on_post_speaks(Result<> ready) {
    std::array<std::byte, 1'024> buffer;
    const Result<std::size_t> count = ready ? post_->try_read(buffer) : std::unexpected(ready.error());
    if (!count && count.error().code != Errc::would_block) {
        const bool theirs = count.error().code == Errc::closed;
        fall(theirs ? Error{Errc::closed, "the POST of the tunnel was closed"} : count.error());
        return;
    }
    if (count && !answered_) {
        const Result<bool> whole = answer_.receive(ByteSpan{buffer}.first(*count));
        answered_ = whole && *whole && answer_.head().status < 300;
        if (!whole || (*whole && !answered_)) {
            fall({Errc::refused, "the POST of the tunnel was refused"});
            return;
        }
    }
    post_->wait_readable(&post_speaks_);
}

void TunnelledConnection::fall(Error error) {
    fallen_ = error;
    wait_readable(reader_);
}

/// Until the GET is open, or its connection is to be left for another.
Task<Result<rtsp::TunnelClient::Heard>> ask(TunnelDig& dig, Connection& get, rtsp::TunnelClient& tunnel) {
    const std::string head = tunnel.get();
    const std::array slices{as_bytes(head)};
    const Result<std::size_t> written = get.try_write(slices);
    if (!written || *written != head.size()) {
        co_return fail(Errc::io, "a new connection does not take a request");
    }
    for (;;) {
        const Result<> ready = co_await readable(get, dig.desk.executor, dig.dial.deadline);
        if (!ready) {
            co_return ready.error().code == Errc::timed_out
                ? fail(Errc::timed_out, "over HTTP nothing is answered")
                : std::unexpected(ready.error());
        }
        const Result<std::size_t> count = get.try_read(dig.desk.read_buffer);
        if (!count && count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        const auto heard = tunnel.receive(std::span{dig.desk.read_buffer}.first(count.value_or(0)));
        if (!heard || *heard != rtsp::TunnelClient::Heard::part) {
            co_return heard;
        }
    }
}

Task<Result<std::unique_ptr<Connection>>> connect(TunnelDig& dig) {
    Answer<std::unique_ptr<Connection>> answer{dig.desk.executor};
    dig.connector.connect(dig.desk.executor, dig.dial, answer.reply());
    co_return co_await answer.within(dig.dial.deadline);
}

}   // namespace

Task<Result<std::unique_ptr<Connection>>> dig_tunnel(TunnelDig dig, rtsp::TunnelClient& tunnel) {
    using Heard = rtsp::TunnelClient::Heard;
    std::unique_ptr<Connection> get;
    for (Heard heard = Heard::again; heard == Heard::again;) {
        Result<std::unique_ptr<Connection>> opened = co_await connect(dig);
        if (!opened) {
            co_return opened;
        }
        get = std::move(*opened);
        dig.hold(get.get());
        const Result<Heard> asked = co_await ask(dig, *get, tunnel);
        dig.hold(nullptr);
        if (!asked) {
            co_return std::unexpected(asked.error());
        }
        heard = *asked;
    }
    Result<std::unique_ptr<Connection>> post = co_await connect(dig);
    if (!post) {
        co_return post;
    }
    co_return std::make_unique<TunnelledConnection>(dig.desk.executor, std::move(get), std::move(*post),
                                                    tunnel);
}

}   // namespace millrace::session
