#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"
#include "base/datagrams.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace millrace {

/// Where to connect, as a source or a destination says it.
struct Dial {
    Endpoint to;   ///< a host name or a numeric address
    bool tls = false;
    Instant deadline;   ///< for name, connection and handshake together
};

/// UDP sockets for one conversation, as a source or a destination says them.
struct DatagramDial {
    std::optional<Endpoint> to;   ///< a host name or a numeric address; nothing: it only listens
    Endpoint local{"", 0};        ///< numeric; empty: as `to` needs it; a group's address is joined
    bool pair = false;            ///< two sockets on neighbouring ports, the first one even: RTP and RTCP
    std::uint8_t hops = 0;        ///< that what goes to a group may take; 0: as the system says, usually 1
    std::string interface{};      ///< by name, where groups are joined and sent to; empty: as routes say
    Instant deadline;             ///< for the name
};

/// What came of it.
struct DatagramLink {
    std::unique_ptr<Datagrams> first;
    std::unique_ptr<Datagrams> second;   ///< of a pair
    PeerAddress to;                      ///< the address of `DatagramDial::to`; nobody where there is none
};

/// The seam to outgoing connections: the real one is `net::Connector`, a test's plays the other end. It looks
/// the name up, connects to an address that `OutgoingRules` allow, and does the TLS handshake.
class Connector {
public:
    virtual ~Connector() = default;
    /// Connects for `owner`, which is also the asker and what the connection belongs to. Errc::not_found (no
    /// such host), refused (nobody listens; no certificate; not allowed), timed_out, io.
    virtual void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) = 0;
    /// Opens UDP sockets for `owner`; nothing is sent, and anybody may send to them: look at
    /// `Received::from`. Errc::not_found (no such host, interface or local address), refused (not allowed),
    /// exists (the port is taken), malformed (no local address; the first port of a pair is odd),
    /// unsupported, exhausted, timed_out, io.
    virtual void open_datagrams(Executor& /*owner*/, DatagramDial /*dial*/, Reply<DatagramLink> reply) {
        reply.give(fail(Errc::unsupported, "there is no UDP here"));
    }
};

}   // namespace millrace
