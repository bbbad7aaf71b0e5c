#pragma once

#include "protocol/link/server.hpp"
#include "session/datagram_batch.hpp"
#include "session/link_connection.hpp"

#include <map>

namespace millrace::session {

/// The port that secure links come to, or one worker's side of it: a UDP socket whose links are told apart by
/// their numbers wherever they come from. A link that opened is handed over as a connection. Own thread only;
/// it outlives those connections.
class LinkPort final : Waitable::Waiter {
public:
    /// Takes a link that opened.
    using OnLink = std::function<void(std::unique_ptr<LinkConnection> connection)>;

    /// `dtls` and `random` outlive it.
    struct Means {
        link::DtlsServer& dtls;
        Random& random;
        link::Server::Limits limits{};
    };
    LinkPort(Executor& executor, std::unique_ptr<Datagrams> socket, const Means& means, OnLink on_link);
    LinkPort(const LinkPort&) = delete;
    LinkPort& operator=(const LinkPort&) = delete;

    /// Begins to hear; from its executor.
    void listen() { socket_->wait_readable(this); }
    const Endpoint& local() const { return socket_->local(); }
    const link::Server& links() const { return server_; }
    /// Links that nobody holds any more, and of which what was written still leaves.
    std::size_t ending() const { return lingering_.size(); }

private:
    class Accepted;

    void on_ready(Result<> ready) override;
    void on_due();
    bool send_batch();
    /// Sends what waits, and sets the clock.
    void flush();
    /// After anything may have happened to any link: the same, and tells.
    void settle();
    void take(link::Server::Event event);
    void linger();

    Executor& executor_;
    std::unique_ptr<Datagrams> socket_;
    link::DtlsServer& dtls_;
    bool said_broken_ = false;
    link::Server server_;
    OnLink on_link_;
    std::map<std::uint64_t, Accepted*> connections_;
    std::map<std::uint64_t, Instant> lingering_;   // until when, at most
    DatagramBatch batch_;
    Alarm<LinkPort, &LinkPort::on_due> due_{*this};
};

}   // namespace millrace::session
