#pragma once

#include "base/connection.hpp"
#include "base/outgoing.hpp"
#include "base/task.hpp"
#include "net/tls.hpp"
#include "net/worker.hpp"

#include <memory>

namespace millrace::net {

/// How to connect; what it points to outlives the attempt.
struct Dialing {
    const TlsClient* tls = nullptr;         ///< null: no TLS
    const OutgoingRules* rules = nullptr;   ///< null: to any address
};

/// Connects to a numeric address or a host name (its addresses in turn), with TLS if `how.tls` is given:
/// then the handshake is done too, and the peer is who `to.address` says. Nothing is sent to an address that
/// the rules do not allow. Awaited on `worker`.
Task<Result<std::unique_ptr<Connection>>> connect(Worker& worker, Endpoint to, Instant deadline, Dialing how);
inline Task<Result<std::unique_ptr<Connection>>> connect(Worker& worker, Endpoint to, Instant deadline,
                                                         const TlsClient* tls = nullptr) {
    return connect(worker, std::move(to), deadline, Dialing{.tls = tls});
}

}   // namespace millrace::net
