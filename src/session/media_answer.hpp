#pragma once

#include "base/result.hpp"
#include "base/web.hpp"

#include <string>
#include <string_view>
#include <vector>

/// What every answer that carries media, or a list of it, says in HTTP. `origins` is `http.cors`: pages of
/// which sites may read it, or "*" alone.
namespace millrace::session {

/// The headers by which a browser lets the asking page read the answer (CORS); those of a refusal too. Never
/// "*" together with credentials, for credentials are never allowed.
std::vector<web::Header> media_headers(const web::Request& request, const std::vector<std::string>& origins);

/// Whether they differ with the page that asks.
bool heeds_origin(const std::vector<std::string>& origins);

/// A preflight's answer: 204 with what may be asked. For routes of GET that list OPTIONS.
web::Response media_options(const web::Request& request, const std::vector<std::string>& origins);

/// Why not, in HTTP's words, readable by the asking page.
web::Response media_refusal(const web::Request& request, const std::vector<std::string>& origins, Error why);

/// What of the query proves who asks, as it stands there: children of a list are asked for with it.
std::string proof_of(std::string_view query);

/// The answer to a plain request for what is a WebSocket only: 426.
web::Response websocket_wanted(const web::Request& request, const std::vector<std::string>& origins);

/// Whether the page that opens a WebSocket may: a browser asks nobody before it connects, so we look at
/// Origin. Without one it is a program, which may. A page of this node itself may where its address is a
/// number or localhost; a name could be anybody's that points here (rebinding), so it must be listed.
bool may_open_websocket(const web::Request& request, const std::vector<std::string>& origins);

}   // namespace millrace::session
