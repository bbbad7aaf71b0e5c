#pragma once

#include "protocol/link/association.hpp"

#include <map>
#include <set>

namespace millrace::link {

/// All links of one UDP socket, without I/O: datagrams of anybody in, datagrams out. Who is behind a datagram
/// is told by its number alone, and believed once its record authenticates; a stranger gets one answer to a
/// first word, no larger than that, and nothing is kept of it (RFC 6347 §4.2.1). One owner, one thread.
class Server {
public:
    struct Limits {
        std::size_t associations = 512;   ///< each may hold 1.5 MB
        std::size_t handshakes = 64;      ///< under way, or done by somebody who was not let in yet
        std::size_t handshakes_of_host = 8;
    };
    struct Opened {
        std::uint64_t id;
    };
    struct Ended {
        std::uint64_t id;
        Error why;
        std::string farewell;
        bool was_open;
        std::vector<std::vector<std::byte>> unread;   ///< messages that came before
    };
    using Event = std::variant<Opened, Ended>;
    struct Counters {
        std::uint64_t strangers = 0;     ///< datagrams that nothing was kept of
        std::uint64_t turned_away = 0;   ///< with a good cookie, for want of room
    };

    /// Both outlive it.
    Server(DtlsServer& dtls, Random& random, Limits limits) : dtls_{dtls}, random_{random}, limits_{limits} {}

    void receive(const PeerAddress& from, ByteSpan datagram, Instant now);
    void advance(Instant now);
    Instant deadline() const;
    std::optional<Letter> next_output();
    std::optional<Event> next_event();
    /// A link to which something happened since it was named here: it may have messages, or room.
    std::optional<std::uint64_t> next_touched();

    /// Null: it ended.
    const Association* find(std::uint64_t id) const;
    /// Errc::not_found: it ended; otherwise as Association.
    Result<> send(std::uint64_t id, const Bytes& message, Instant now);
    std::optional<std::vector<std::byte>> next_message(std::uint64_t id);
    void close(std::uint64_t id, std::string_view reason, Instant now);
    /// Somebody was let in on it: it is no stranger any more.
    void let_in(std::uint64_t id);
    std::size_t size() const { return associations_.size(); }
    const Counters& counters() const { return counters_; }

private:
    struct Entry {
        Association association;
        bool told = false;   // that it opened
        bool let_in = false;
        bool touched = false;
        Instant due = Instant::never();   // its place in `due_`
    };

    void meet(const PeerAddress& from, std::uint64_t id, ByteSpan record, Instant now);
    bool has_room(const PeerAddress& from) const;
    void settle(std::uint64_t id);
    void collect(Association& association);
    void schedule(std::uint64_t id, Entry& entry);

    DtlsServer& dtls_;
    Random& random_;
    Limits limits_;
    std::map<std::uint64_t, Entry> associations_;
    std::set<std::pair<Instant, std::uint64_t>> due_;   // the soonest first
    std::deque<std::uint64_t> touched_;
    std::deque<Letter> out_;
    std::deque<Event> events_;
    Counters counters_;
};

}   // namespace millrace::link
