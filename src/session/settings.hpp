#pragma once

#include "base/ip_prefix.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace millrace::session {

/// What an operator may change while conversations run. Immutable once made; every desk holds the newest.
struct Settings {
    std::vector<std::string> origins{"*"};   ///< http.cors: pages of which sites may read media, or "*" alone
    std::string default_stream;              ///< what `/stream.m3u8` and `/play2` show; empty: nothing
    std::map<std::string, std::string, std::less<>> wfs{};   ///< http.wfs: the stream of each channel
    std::vector<IpPrefix> trusted_proxies{};   ///< whose X-Forwarded-For and -Proto are believed
    bool rtsp_over_http = false;               ///< RTSP is spoken here, so its tunnels may come by HTTP too
    bool digest_md5 = false;                   ///< some user can prove itself by Digest, with MD5
    bool digest_sha256 = false;                ///< likewise, with SHA-256
    std::uint64_t import_bytes_max = std::uint64_t{16} << 30U;   ///< of a file for the archive
    /// kcp.psk_file: keys that links prove both ends by, with their identities.
    std::map<std::string, std::vector<std::byte>, std::less<>> link_keys{};
    Duration uplink_deadline = 2s;   ///< live media of an uplink is no older when it leaves
    /// kcp.bare_streams: what conversations of bare KCP publish, by their numbers; nothing: of all others.
    std::map<std::optional<std::uint32_t>, std::string> kcp_bare{};

    /// What the conversation of that number publishes; null: nothing.
    const std::string* kcp_stream(std::uint32_t conv) const {
        auto found = kcp_bare.find(conv);
        found = found == kcp_bare.end() ? kcp_bare.find(std::nullopt) : found;
        return found == kcp_bare.end() ? nullptr : &found->second;
    }
};

}   // namespace millrace::session
