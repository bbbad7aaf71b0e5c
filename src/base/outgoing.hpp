#pragma once

#include "base/ip_prefix.hpp"
#include "base/peer_address.hpp"
#include "base/result.hpp"

#include <vector>

namespace millrace {

/// To which addresses this node may connect for a source or a destination that somebody wrote into its
/// configuration. Without more words: to public and private unicast addresses; not to this machine, its link,
/// the places where clouds keep their secrets, groups, or what embeds one of these. Immutable; any thread.
class OutgoingRules {
public:
    static constexpr std::size_t prefixes_max = 256;

    OutgoingRules() = default;
    /// These, too.
    explicit OutgoingRules(std::vector<IpPrefix> allowed) : allowed_{std::move(allowed)} {}

    bool allow(const PeerAddress& address) const;
    bool operator==(const OutgoingRules&) const = default;

private:
    std::vector<IpPrefix> allowed_;
};

/// Why an address was not connected to.
inline constexpr Error outgoing_refused{
    Errc::refused, "this node connects to no such address: list it under outgoing.allow"};

}   // namespace millrace
