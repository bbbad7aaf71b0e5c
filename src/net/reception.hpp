#pragma once

#include "base/time.hpp"
#include "net/descriptor.hpp"
#include "net/listener.hpp"
#include "net/lobby.hpp"

#include <memory>
#include <optional>
#include <string_view>

namespace millrace::net {

/// How long a proxy that we trust may take to say for whom it comes.
constexpr Duration proxy_header_time_max = 5s;

constexpr std::string_view too_many_strangers =
    "128 connections of its address wait already on which nobody was let in";

/// What newcomers of one listener meet: never changed, shared by those on their way.
struct Reception {
    WorkerPool& pool;
    Lobby* lobby;   ///< null: nobody counts
    Terms terms;
    OnAccept on_accept;

    bool trusts(const PeerAddress& peer) const;
    /// A place among the strangers; nothing where that address has no more of them. A proxy that we trust
    /// needs none.
    std::optional<Lobby::Pass> enter(const PeerAddress& peer) const;
};
using ReceptionRef = std::shared_ptr<const Reception>;

/// A socket that was accepted, and whose it is.
struct Newcomer {
    Descriptor socket;
    PeerAddress peer;
    Lobby::Pass pass;
    bool encrypted = false;   ///< on its way to the proxy before us
};

/// Makes the connection and hands it over, on `worker`; one from a trusted proxy is first asked for whom it
/// comes (PROXY protocol, before TLS).
void welcome(ReceptionRef reception, Worker& worker, Newcomer newcomer);

}   // namespace millrace::net
