#pragma once

#include "base/link_report.hpp"

#include <string_view>

namespace millrace {

/// What carries a link: datagrams are KCP's, and where there were none it is TLS over TCP.
inline bool is_tls(const LinkReport& link) {
    return link.datagrams_sent == 0 && link.datagrams_received == 0;
}
inline std::string_view transport_of(const LinkReport& link) {
    return is_tls(link) ? "tls" : "kcp";
}

/// A connection that finds out what its path carries.
class PathSeeker {
public:
    /// Whether more would be sent if the path carries it: then it looks for room that nothing uses. Own
    /// executor only.
    virtual void seek_more(bool more) = 0;

protected:
    ~PathSeeker() = default;
};

}   // namespace millrace
