#pragma once

#include "base/bytes.hpp"
#include "base/peer_address.hpp"
#include "base/result.hpp"

#include <cstddef>
#include <optional>

namespace millrace::net {

/// What a proxy says at the front of a connection of the one that it stands for: the PROXY protocol,
/// version 2 (haproxy.org, proxy-protocol.txt §2.2).
///
///     signature(12) "\r\n\r\n\0\r\nQUIT\n"
///     version(4 bits) = 2  command(4 bits) 0 LOCAL, 1 PROXY
///     family(4 bits) 0 none, 1 IPv4, 2 IPv6, 3 UNIX  transport(4 bits) 0 none, 1 stream, 2 datagram
///     length(16) of all that follows:
///       IPv4  source(4) destination(4) source port(2) destination port(2)
///       IPv6  source(16) destination(16) source port(2) destination port(2)
///       UNIX  source(108) destination(108)
///       then any number of  type(1) length(2) value
struct ProxyHeader {
    /// Of a whole header. Ours hold an address and some words about TLS; longer ones are somebody's mischief.
    static constexpr std::size_t size_max = 2048;

    std::size_t size = 0;   ///< bytes before the client's own
    /// The client. Nothing: the proxy speaks for itself, or for one without an IP address.
    std::optional<PeerAddress> source;
    bool encrypted = false;   ///< the client reached the proxy by TLS
};

/// What the first bytes of a connection are.
struct ProxyScan {
    enum class Kind {
        absent,       ///< no header of this kind
        incomplete,   ///< perhaps one, once `wanted` bytes are there
        present,
    };
    Kind kind = Kind::absent;
    std::size_t wanted = 0;
    ProxyHeader header;
};

/// Looks at all that has come so far. Errc::malformed for a header that is broken or none of version 2.
Result<ProxyScan> scan_proxy_header(ByteSpan bytes);

}   // namespace millrace::net
