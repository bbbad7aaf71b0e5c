#pragma once

#include "base/connection.hpp"
#include "base/task.hpp"
#include "net/tls.hpp"
#include "net/worker.hpp"

#include <memory>

namespace millrace::net {

/// Connects to a numeric address or a host name (its addresses in turn), with TLS if `tls` is given: then
/// the handshake is done too, and the peer is who `to.address` says. Awaited on `worker`; `tls` outlives it.
Task<Result<std::unique_ptr<Connection>>> connect(Worker& worker, Endpoint to, Instant deadline,
                                                  const TlsClient* tls = nullptr);

}   // namespace millrace::net
