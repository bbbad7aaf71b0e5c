#pragma once

#include "base/connection.hpp"
#include "protocol/link/dtls.hpp"
#include "session/link_dial.hpp"
#include "session/settings.hpp"

#include <string>
#include <string_view>

namespace millrace::session {

/// An address of the link taken apart: whom to call, whom to believe there, and what to say inside.
///
///     kcp://server:8910/live/cam?user=cam&pass=…&fingerprint=SHA256
///     kcp://cam:…@server/live/cam                  believed by an authority
///     kcp://server/live/cam?identity=gate          both know the key of `gate` (kcp.psk_file)
struct LinkAddress {
    Endpoint to;
    link::DtlsClient::Trust trust;
    LinkTransport over = LinkTransport::automatic;   ///< transport=kcp or tls: by nothing else
    bool parity = true;   ///< parity=off: what is lost is resent alone, which costs fewer bytes and more time
    std::string name;     ///< of the stream there
    std::string query;    ///< what proves us; never said outside the link

    /// A call to it; `words`, `memo` and `ending` are the caller's.
    LinkCall call(Instant deadline) const {
        return {.to = to, .over = over, .trust = trust, .parity = parity, .deadline = deadline};
    }
};

/// Errc::malformed in words for whoever wrote it; not_found: no key of that identity.
Result<LinkAddress> link_address(std::string_view text, const Settings& settings);

}   // namespace millrace::session
