#pragma once

#include "base/connector.hpp"
#include "base/random.hpp"
#include "session/link_connection.hpp"

namespace millrace::session {

/// Whom to call, and whom to believe there.
struct LinkCall {
    Endpoint to;
    link::DtlsClient::Trust trust;
    bool parity = true;   ///< before what we send
    Instant deadline;
    std::string* words = nullptr;    ///< where to say at more length why it failed
    std::size_t* ending = nullptr;   ///< counts it while it was closed here and what was written still leaves
};

/// Calls a node by a secure link, through the connector's rules for UDP. Errc::refused: the handshake failed,
/// so that it is not whom we believe, or does not believe us; timed_out: nobody answers; malformed: no such
/// authority; otherwise as `Connector::open_datagrams`. `random` outlives the connection.
Task<Result<std::unique_ptr<LinkConnection>>> link_dial(Executor& executor, Connector& connector,
                                                        Random& random, LinkCall call);

}   // namespace millrace::session
