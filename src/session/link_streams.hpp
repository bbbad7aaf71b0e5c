#pragma once

#include "base/random.hpp"
#include "protocol/link/server.hpp"
#include "session/link_tls.hpp"

#include <list>

namespace millrace::session {

/// Links that come by TCP because UDP does not get through, those of one worker: TLS with the certificate and
/// the keys of those that come by UDP, and within the same bounds. Own thread only; it outlives its
/// connections.
class LinkStreams {
public:
    /// Takes a link that opened.
    using OnLink = std::function<void(std::unique_ptr<LinkConnection> connection)>;

    /// `dtls` outlives it.
    LinkStreams(Executor& executor, link::DtlsServer& dtls, link::Server::Limits limits, OnLink on_link)
        : executor_{executor}, dtls_{dtls}, limits_{limits}, on_link_{std::move(on_link)} {}
    LinkStreams(const LinkStreams&) = delete;
    LinkStreams& operator=(const LinkStreams&) = delete;

    /// Somebody connected: nothing of it is believed before its handshake is done.
    void take(std::unique_ptr<Connection> tcp);
    /// Links that nobody holds any more, and of which what was written still leaves.
    std::size_t ending() const { return ending_; }
    std::size_t size() const { return guests_.size(); }
    std::uint64_t turned_away() const { return turned_away_; }

private:
    /// One who came, from its first byte to its end.
    struct Guest {
        std::string host;
        bool let_in = false;
    };
    using Place = std::list<Guest>::iterator;
    class Seat;
    class Accepted;

    Task<> greet(Seat seat, std::unique_ptr<Connection> tcp);
    bool has_room(const std::string& host) const;

    Executor& executor_;
    link::DtlsServer& dtls_;
    link::Server::Limits limits_;
    OnLink on_link_;
    std::list<Guest> guests_;
    std::size_t ending_ = 0;
    std::uint64_t turned_away_ = 0;
};

}   // namespace millrace::session
