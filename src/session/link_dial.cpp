#include "session/link_dial.hpp"

#include "base/byte_reader.hpp"
#include "base/log.hpp"
#include "base/waiting.hpp"
#include "session/datagram_batch.hpp"
#include "session/link_tls.hpp"

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
    /// For another line; this one is at its end.
    DatagramLink take_socket() {
        socket_.first->wait_readable(nullptr);
        due_.disarm();
        return std::move(socket_);
    }
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

class Dialled final : public KcpLinkConnection, public PathSeeker {
public:
    Dialled(Executor& executor, Endpoint peer, std::unique_ptr<Line> line, std::size_t* ending)
        : KcpLinkConnection{executor, std::move(peer), line->local()},
          line_{std::move(line)},
          ending_{ending} {
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
    Result<> post(const Bytes& message) override {
        Result<> sent = line_->association().send(message, executor().now());
        line_->settle();
        return sent;
    }
    void seek_more(bool more) override {
        if (line_ != nullptr) {
            line_->association().seek_more(more);
        }
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

Result<std::unique_ptr<Line>> begin_line(Executor& executor, Random& random, const LinkCall& call,
                                         DatagramLink socket) {
    Result<std::unique_ptr<link::DtlsClient>> trust = link::DtlsClient::make(call.trust);
    if (!trust) {
        return std::unexpected(trust.error());
    }
    Result<link::Dtls> dtls = (*trust)->connect();
    if (!dtls) {
        return std::unexpected(dtls.error());
    }
    const PeerAddress to = socket.to;
    const std::uint64_t id = std::uint64_t{random.next_u32()} << 32U | random.next_u32();
    link::Association association{
        {link::Association::Role::client, std::move(*dtls), id, to, call.parity}, random, executor.now()};
    return std::make_unique<Line>(executor, std::move(socket), std::move(*trust), std::move(association));
}

Result<std::unique_ptr<TlsLine>> begin_stream(Executor& executor, const LinkCall& call,
                                              std::unique_ptr<Connection> tcp) {
    Result<std::unique_ptr<link::DtlsClient>> trust =
        link::DtlsClient::make(call.trust, link::DtlsClient::Carrier::stream);
    if (!trust) {
        return std::unexpected(trust.error());
    }
    Result<link::Tls> tls = (*trust)->connect_stream();
    if (!tls) {
        return std::unexpected(tls.error());
    }
    return std::make_unique<TlsLine>(
        executor, std::move(tcp), std::move(*trust),
        link::TlsAssociation{link::TlsAssociation::Role::client, std::move(*tls), executor.now()});
}

/// Asks from time to time whether UDP gets through again, by a handshake that is then closed.
class UdpProbe {
public:
    struct Means {
        Executor& executor;
        Random& random;
    };
    UdpProbe(const Means& means, LinkCall call, DatagramLink socket, std::function<void()> on_answer)
        : executor_{means.executor},
          random_{means.random},
          call_{std::move(call)},
          socket_{std::move(socket)},
          on_answer_{std::move(on_answer)} {
        executor_.timers().arm(due_, executor_.now() + udp_again_after);
    }
    UdpProbe(const UdpProbe&) = delete;
    UdpProbe& operator=(const UdpProbe&) = delete;

private:
    void on_due() {
        if (line_ != nullptr) {
            finish();
            return;
        }
        auto begun = begin_line(executor_, random_, call_, std::move(socket_));
        if (begun) {
            line_ = std::move(*begun);
            line_->on_change = [this] { look(); };
            executor_.timers().arm(due_, executor_.now() + link::Association::handshake_max);
        }
    }
    /// Not from within the line's own call.
    void look() {
        if (line_->association().is_open() || line_->association().ending()) {
            executor_.timers().arm(due_, executor_.now());
        }
    }
    void finish() {
        const bool answered = line_->association().is_open();
        line_->on_change = nullptr;
        if (answered) {
            line_->association().close("UDP gets through", executor_.now());
            line_->settle();
        }
        socket_ = line_->take_socket();
        line_.reset();
        executor_.timers().arm(due_, executor_.now() + udp_again_after);
        if (answered) {
            on_answer_();
        }
    }

    Executor& executor_;
    Random& random_;
    LinkCall call_;
    DatagramLink socket_;
    std::function<void()> on_answer_;
    std::unique_ptr<Line> line_;   // while it asks
    Alarm<UdpProbe, &UdpProbe::on_due> due_{*this};
};

/// Our end of a link by TLS; where UDP was tried in vain it asks for that again.
class TlsDialled final : public TlsLinkConnection {
public:
    TlsDialled(Executor& executor, std::unique_ptr<TlsLine> line, std::size_t* ending)
        : TlsLinkConnection{executor, std::move(line), ending} {}

    void probe(Random& random, const LinkCall& call, DatagramLink socket) {
        probe_ = std::make_unique<UdpProbe>(
            UdpProbe::Means{executor(), random}, call, std::move(socket),
            [this] { end({Errc::closed, "UDP gets through again: the link goes back to it"}); });
    }

private:
    std::unique_ptr<UdpProbe> probe_;
};

/// One call, by UDP or TCP, whichever answers.
class Dialling {
public:
    using Opened = Result<std::unique_ptr<LinkConnection>>;
    Dialling(Executor& executor, Connector& connector, Random& random, LinkCall call)
        : executor_{executor}, connector_{connector}, random_{random}, call_{std::move(call)} {}

    Task<Opened> run() {
        if (call_.over != LinkTransport::tls) {
            co_await call_by_udp();
        }
        while (!over_) {
            look_at_udp();
            if (!over_ && tcp_is_due()) {
                tcp_begun_ = true;
                connector_.connect(executor_, {.to = call_.to, .deadline = call_.deadline}, tcp_.reply());
                waits_for_tcp_ = true;
            }
            if (!over_ && waits_for_tcp_) {
                co_await look_for_tcp();
            } else if (!over_) {
                co_await sleep_until(executor_, executor_.now() + look_every);
            }
            look_at_stream();
            const bool none = line_ == nullptr && stream_ == nullptr && !waits_for_tcp_ && !tcp_is_due();
            if (!over_ && (none || executor_.now() >= call_.deadline)) {
                over_.emplace(std::unexpected(none && failure_ ? *failure_ : nobody));
            }
        }
        co_return std::move(*over_);
    }

private:
    static constexpr Error nobody{Errc::timed_out, "nobody answered as a link"};

    Task<> call_by_udp() {
        Answer<DatagramLink> answer{executor_};
        connector_.open_datagrams(executor_, {.to = call_.to, .deadline = call_.deadline}, answer.reply());
        Result<DatagramLink> socket = co_await answer.within(call_.deadline);
        if (!socket) {
            failure_ = socket.error();
            co_return;
        }
        auto begun = begin_line(executor_, random_, call_, std::move(*socket));
        if (!begun) {
            over_.emplace(std::unexpected(begun.error()));
            co_return;
        }
        line_ = std::move(*begun);
    }
    /// UDP was not tried, or in vain, or does not answer for as long as one that gets through would.
    bool tcp_is_due() const {
        const Duration patience =
            call_.memo != nullptr && *call_.memo == by_tls ? udp_head_start : udp_patience;
        return call_.over != LinkTransport::kcp && !tcp_begun_ &&
               (line_ == nullptr || executor_.now() >= began_ + patience);
    }
    void look_at_udp() {
        if (line_ == nullptr) {
            return;
        }
        if (line_->association().is_open()) {
            remember({});
            const Endpoint peer = line_->association().peer().endpoint();
            over_.emplace(std::make_unique<Dialled>(executor_, peer, std::move(line_), call_.ending));
        } else if (const std::optional<Error> why = line_->association().ending()) {
            fail_with(*why, line_->trust().doubts(*why));
            spare_ = line_->take_socket();
            line_.reset();
        }
    }
    Task<> look_for_tcp() {
        const Instant until = std::min(executor_.now() + look_every, call_.deadline);
        Result<std::unique_ptr<Connection>> tcp = co_await tcp_.within(until);
        if (!tcp && tcp.error().code == Errc::timed_out && executor_.now() < call_.deadline) {
            co_return;
        }
        waits_for_tcp_ = false;
        if (!tcp) {
            failure_ = tcp.error();
            co_return;
        }
        auto begun = begin_stream(executor_, call_, std::move(*tcp));
        if (!begun) {
            over_.emplace(std::unexpected(begun.error()));
            co_return;
        }
        stream_ = std::move(*begun);
    }
    void look_at_stream() {
        if (over_ || stream_ == nullptr) {
            return;
        }
        if (const std::optional<Error> why = stream_->association().ending()) {
            fail_with(*why, stream_->doubts(*why));
            stream_.reset();
        } else if (stream_->association().is_open()) {
            take_stream();
        }
    }
    void take_stream() {
        auto made = std::make_unique<TlsDialled>(executor_, std::move(stream_), call_.ending);
        if (call_.over == LinkTransport::automatic) {
            remember(by_tls);
            log::info("kcp", "{}: UDP gets no answer there: the link goes by TLS over TCP", call_.to.text());
            if (line_ != nullptr) {
                spare_ = line_->take_socket();
            }
            if (spare_.first != nullptr) {
                LinkCall again = call_;
                again.words = nullptr;
                made->probe(random_, again, std::move(spare_));
            }
        }
        over_.emplace(std::move(made));
    }
    /// Who answered and is not believed, or does not believe us, is not asked in another way.
    void fail_with(const Error& why, std::string words) {
        failure_ = why;
        if (call_.words != nullptr && !words.empty()) {
            *call_.words = std::move(words);
        }
        if (why.code == Errc::refused) {
            over_.emplace(std::unexpected(why));
        }
    }
    void remember(std::string_view how) {
        if (call_.memo != nullptr) {
            *call_.memo = how;
        }
    }

    static constexpr std::string_view by_tls = "tls";

    Executor& executor_;
    Connector& connector_;
    Random& random_;
    LinkCall call_;
    Instant began_ = executor_.now();
    std::unique_ptr<Line> line_;
    DatagramLink spare_;   // its socket, once it ended
    Answer<std::unique_ptr<Connection>> tcp_{executor_};
    bool tcp_begun_ = false;
    bool waits_for_tcp_ = false;
    std::unique_ptr<TlsLine> stream_;
    std::optional<Error> failure_;
    std::optional<Opened> over_;
};

}   // namespace

Task<Result<std::unique_ptr<LinkConnection>>> link_dial(Executor& executor, Connector& connector,
                                                        Random& random, LinkCall call) {
    Dialling dialling{executor, connector, random, std::move(call)};
    co_return co_await dialling.run();
}

}   // namespace millrace::session
