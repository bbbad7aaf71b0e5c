#pragma once

#include "base/connector.hpp"
#include "base/random.hpp"
#include "session/link_connection.hpp"

namespace millrace::session {

/// What carries a link. automatic: KCP over UDP, and TLS over TCP where UDP gets no answer.
enum class LinkTransport : std::uint8_t { automatic, kcp, tls };

/// Where UDP does not answer for so long, TCP is tried beside it; and where it did not the last time.
constexpr Duration udp_patience = 3s;
constexpr Duration udp_head_start = 300ms;
/// A link that goes by TCP because UDP did not get through asks for UDP again each so often.
constexpr Duration udp_again_after = 60s;

/// Whom to call, and whom to believe there.
struct LinkCall {
    Endpoint to;
    LinkTransport over = LinkTransport::automatic;
    link::DtlsClient::Trust trust;
    bool parity = true;   ///< before what we send
    Instant deadline;
    std::string* words = nullptr;    ///< where to say at more length why it failed
    std::string* memo = nullptr;     ///< what one call leaves to the next of the same one, see `SourceLeash`
    std::size_t* ending = nullptr;   ///< counts it while it was closed here and what was written still leaves
};

/// Calls a node by a secure link, through the connector's rules for UDP and TCP. Errc::refused: the handshake
/// failed, so that it is not whom we believe, or does not believe us; timed_out: nobody answers; malformed:
/// no such authority; otherwise as `Connector::open_datagrams`. `random` outlives the connection.
Task<Result<std::unique_ptr<LinkConnection>>> link_dial(Executor& executor, Connector& connector,
                                                        Random& random, LinkCall call);

}   // namespace millrace::session
