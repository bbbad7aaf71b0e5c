#pragma once

#include "base/answer.hpp"
#include "base/connection.hpp"

#include <memory>

namespace millrace {

/// Where to connect, as a source or a destination says it.
struct Dial {
    Endpoint to;   ///< a host name or a numeric address
    bool tls = false;
    Instant deadline;   ///< for name, connection and handshake together
};

/// The seam to outgoing connections: the real one is `net::Connector`, a test's plays the other end. It looks
/// the name up, connects to an address that `OutgoingRules` allow, and does the TLS handshake.
class Connector {
public:
    virtual ~Connector() = default;
    /// Connects for `owner`, which is also the asker and what the connection belongs to. Errc::not_found (no
    /// such host), refused (nobody listens; no certificate; not allowed), timed_out, io.
    virtual void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) = 0;
};

}   // namespace millrace
