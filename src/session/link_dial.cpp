#include "session/link_dial.hpp"

#include "base/byte_reader.hpp"
#include "base/waiting.hpp"
#include "session/datagram_batch.hpp"

#include <array>

namespace millrace::session {

namespace {

constexpr Duration look_every = 10ms;   // while the handshake is under way

/// Our end of a link, with the socket that is its own.
class Line final : Waitable::Waiter {
public:
    Line(Executor& executor, DatagramLink socket, std::unique_ptr<link::DtlsClient> trust,
         link::Association association)
        : executor_{executor},
          socket_{std::move(socket)},
          trust_{std::move(trust)},
          association_{std::move(association)} {
        socket_.first->wait_readable(this);
        settle();
    }
    Line(const Line&) = delete;
    Line& operator=(const Line&) = delete;
    virtual ~Line() = default;

    link::Association& association() { return association_; }
    const link::DtlsClient& trust() const { return *trust_; }
    const Endpoint& local() const { return socket_.first->local(); }
    /// After anything was done to the link: sends, sets the clock, and tells.
    void settle() {
        while (const std::optional<link::Letter> letter = association_.next_output()) {
            const std::array slices{ByteSpan{letter->bytes}};
            std::array batch{Datagram{.peer = letter->peer, .slices = slices}};
            [[maybe_unused]] const Result<std::size_t> sent = socket_.first->send(batch);
        }
        executor_.timers().arm(due_, association_.deadline());
        if (on_change) {
            on_change();
        }
    }
    std::function<void()> on_change;

private:
    void on_ready(Result<> ready) override {
        if (!ready) {
            return;
        }
        batch_.read(*socket_.first, [this](const Received& one) { hear(one); });
        socket_.first->wait_readable(this);
        settle();
    }
    void hear(const Received& one) {
        ByteReader reader{one.bytes()};
        if (reader.u64() == association_.id() && reader.ok() && !one.truncated) {
            association_.receive(one.from, reader.rest(), executor_.now());
        }
    }
    void on_due() {
        association_.advance(executor_.now());
        settle();
    }

    Executor& executor_;
    DatagramLink socket_;
    std::unique_ptr<link::DtlsClient> trust_;
    link::Association association_;
    DatagramBatch batch_;
    Alarm<Line, &Line::on_due> due_{*this};
};

/// One more, for as long as it lives.
class Counted {
public:
    explicit Counted(std::size_t* count) : count_{count} {
        if (count_ != nullptr) {
            ++*count_;
        }
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    ~Counted() {
        if (count_ != nullptr) {
            --*count_;
        }
    }

private:
    std::size_t* count_;
};

/// Until all that was written is there, or that takes too long.
Task<> hang_up_later(Executor& executor, std::unique_ptr<Line> line, std::size_t* ending) {
    const Counted counted{ending};
    const Instant until = executor.now() + LinkConnection::linger_max;
    while (!line->association().ending() && line->association().kcp().waiting() > 0 &&
           executor.now() < until) {
        co_await sleep_until(executor, executor.now() + look_every);
    }
    line->association().close("all was said", executor.now());
    line->settle();
}

class Dialled final : public LinkConnection {
public:
    Dialled(Executor& executor, Endpoint peer, std::unique_ptr<Line> line, std::size_t* ending)
        : LinkConnection{executor, std::move(peer), line->local()}, line_{std::move(line)}, ending_{ending} {
        line_->on_change = [this] { look(); };
    }
    Dialled(const Dialled&) = delete;
    Dialled& operator=(const Dialled&) = delete;
    ~Dialled() override { leave(); }

private:
    void look() {
        if (const std::optional<Error> why = line_->association().ending()) {
            end(*why);
        }
        wake();
    }
    const link::Association* association() const override {
        return line_ == nullptr ? nullptr : &line_->association();
    }
    Result<> send(const Bytes& message) override {
        Result<> sent = line_->association().send(message, executor().now());
        line_->settle();
        return sent;
    }
    std::optional<std::vector<std::byte>> next_message() override {
        return line_ == nullptr ? std::nullopt : line_->association().next_message();
    }
    void hang_up() override { leave(); }
    void leave() {
        if (line_ != nullptr) {
            line_->on_change = nullptr;
            // By a post: what is dropped after the end of all conversations begins none, and is gone here.
            executor().post([&here = executor(), line = std::move(line_), ending = ending_]() mutable {
                here.tasks().spawn(hang_up_later(here, std::move(line), ending));
            });
        }
    }

    std::unique_ptr<Line> line_;   // none: it was closed here
    std::size_t* ending_;
};

}   // namespace

Task<Result<std::unique_ptr<LinkConnection>>> link_dial(Executor& executor, Connector& connector,
                                                        Random& random, LinkCall call) {
    Result<std::unique_ptr<link::DtlsClient>> trust = link::DtlsClient::make(std::move(call.trust));
    if (!trust) {
        co_return std::unexpected(trust.error());
    }
    Result<link::Dtls> dtls = (*trust)->connect();
    if (!dtls) {
        co_return std::unexpected(dtls.error());
    }
    Answer<DatagramLink> answer{executor};
    connector.open_datagrams(executor, {.to = call.to, .deadline = call.deadline}, answer.reply());
    Result<DatagramLink> socket = co_await answer.within(call.deadline);
    if (!socket) {
        co_return std::unexpected(socket.error());
    }
    const PeerAddress to = socket->to;
    const std::uint64_t id = std::uint64_t{random.next_u32()} << 32U | random.next_u32();
    link::Association association{
        {link::Association::Role::client, std::move(*dtls), id, to, call.parity}, random, executor.now()};
    auto line =
        std::make_unique<Line>(executor, std::move(*socket), std::move(*trust), std::move(association));
    while (!line->association().is_open()) {
        if (const std::optional<Error> why = line->association().ending()) {
            if (call.words != nullptr) {
                *call.words = line->trust().doubts();
            }
            co_return std::unexpected(*why);
        }
        if (executor.now() >= call.deadline) {
            co_return fail(Errc::timed_out, "nobody answered as a link");
        }
        co_await sleep_until(executor, executor.now() + look_every);
    }
    co_return std::make_unique<Dialled>(executor, to.endpoint(), std::move(line), call.ending);
}

}   // namespace millrace::session
