#pragma once

#include "base/ip_prefix.hpp"
#include "base/web.hpp"

#include <vector>

namespace millrace::session {

/// Makes `peer` and `encrypted` of a request those of the client, where the connection comes from a proxy
/// that we trust: by X-Forwarded-For, read from its right end to the first address that is no such proxy, and
/// by X-Forwarded-Proto. From anybody else both headers are mere text. A client behind a proxy has port 0.
void take_forwarded(web::Request& request, const std::vector<IpPrefix>& trusted_proxies);

}   // namespace millrace::session
