#include "session/link_port.hpp"

#include "base/log.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace millrace::session {

/// A link of the port's, while somebody holds it.
class LinkPort::Accepted final : public KcpLinkConnection {
public:
    Accepted(LinkPort& port, std::uint64_t id)
        : KcpLinkConnection{port.executor_, port.server_.find(id)->peer().endpoint(), port.local(),
                            port.server_.find(id)->psk_identity()},
          port_{port},
          id_{id} {
        port_.connections_.emplace(id_, this);
    }
    Accepted(const Accepted&) = delete;
    Accepted& operator=(const Accepted&) = delete;
    ~Accepted() override {
        leave();
        port_.connections_.erase(id_);
    }

    void let_in() override { port_.server_.let_in(id_); }
    void look() { wake(); }
    void over(link::Server::Ended& ended) {
        std::ranges::move(ended.unread, std::back_inserter(unread_));
        end(ended.why);
    }

private:
    const link::Association* association() const override { return port_.server_.find(id_); }
    Result<> post(const Bytes& message) override {
        Result<> sent = port_.server_.send(id_, message, executor().now());
        sent ? port_.flush() : port_.settle();
        return sent;
    }
    std::optional<std::vector<std::byte>> next_message() override {
        if (unread_.empty()) {
            return port_.server_.next_message(id_);
        }
        std::optional<std::vector<std::byte>> first{std::move(unread_.front())};
        unread_.pop_front();
        return first;
    }
    void hang_up() override { leave(); }
    /// What was written still leaves.
    void leave() {
        if (port_.server_.find(id_) != nullptr && !port_.lingering_.contains(id_)) {
            port_.lingering_.emplace(id_, executor().now() + linger_max);
            port_.settle();
        }
    }

    LinkPort& port_;
    std::uint64_t id_;
    std::deque<std::vector<std::byte>> unread_;   // when the link was over
};

LinkPort::LinkPort(Executor& executor, std::unique_ptr<Datagrams> socket, const Means& means, OnLink on_link)
    : executor_{executor},
      socket_{std::move(socket)},
      dtls_{means.dtls},
      server_{means.dtls, means.random, means.limits},
      on_link_{std::move(on_link)} {
}

void LinkPort::on_ready(Result<> ready) {
    if (!ready) {
        return;
    }
    batch_.read(*socket_, [this](const Received& one) {
        if (!one.truncated) {
            server_.receive(one.from, one.bytes(), executor_.now());
        }
    });
    if (dtls_.is_broken() && !std::exchange(said_broken_, true)) {
        log::error(
            "kcp",
            "kcp.listen: nobody gets an answer: OpenSSL does not take this node's certificate and key; "
            "remove kcp-identity.pem in storage.path and start again: another is made, with another "
            "fingerprint");
    }
    settle();
    socket_->wait_readable(this);
}

void LinkPort::on_due() {
    server_.advance(executor_.now());
    settle();
}

/// A link that nobody holds is closed once all that was written is there.
void LinkPort::linger() {
    const Instant now = executor_.now();
    for (auto one = lingering_.begin(); one != lingering_.end();) {
        const link::Association* const link = server_.find(one->first);
        if (link == nullptr || link->kcp().waiting() == 0 || one->second <= now) {
            server_.close(one->first, "all was said", now);
            one = lingering_.erase(one);
        } else {
            ++one;
        }
    }
}

/// Whether there may be more.
bool LinkPort::send_batch() {
    std::array<std::optional<link::Letter>, Datagrams::batch_max> letters;
    std::array<ByteSpan, Datagrams::batch_max> slices;
    std::array<Datagram, Datagrams::batch_max> batch;
    std::size_t count = 0;
    while (count < batch.size() && (letters[count] = server_.next_output())) {
        slices[count] = letters[count]->bytes;
        batch[count] = {.peer = letters[count]->peer, .slices = std::span{slices}.subspan(count, 1)};
        ++count;
    }
    if (count > 0) {
        // What finds no room is lost, as on any path.
        [[maybe_unused]] const Result<std::size_t> sent = socket_->send(std::span{batch}.first(count));
    }
    return count == batch.size();
}

void LinkPort::flush() {
    for (bool more = true; more;) {
        more = send_batch();
    }
    Instant due = server_.deadline();
    for (const auto& [id, until] : lingering_) {
        due = std::min(due, until);
    }
    executor_.timers().arm(due_, due);
}

void LinkPort::settle() {
    linger();
    flush();
    while (std::optional<link::Server::Event> event = server_.next_event()) {
        take(std::move(*event));
    }
    while (const std::optional<std::uint64_t> id = server_.next_touched()) {
        if (const auto found = connections_.find(*id); found != connections_.end()) {
            found->second->look();
        }
    }
}

void LinkPort::take(link::Server::Event event) {
    if (const auto* const opened = std::get_if<link::Server::Opened>(&event)) {
        if (server_.find(opened->id) != nullptr) {
            // Not from within: whoever takes it may write at once.
            executor_.post([this, connection = std::make_unique<Accepted>(*this, opened->id)]() mutable {
                on_link_(std::move(connection));
            });
        }
        return;
    }
    auto& ended = std::get<link::Server::Ended>(event);
    if (const auto found = connections_.find(ended.id); found != connections_.end()) {
        found->second->over(ended);
    }
}

}   // namespace millrace::session
