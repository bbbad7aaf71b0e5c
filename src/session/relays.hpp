#pragma once

#include "base/hops.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>
#include <vector>

namespace millrace::session {

/// Other nodes that want our streams, and those that we want. Both say who they are by Hops, so that no
/// stream goes round in circles (A pulls from B what B pulls from A).

/// What a request that came through `theirs` must be told, as hops: ours, and where the stream comes from;
/// none where no node asks. Errc::refused where the stream would come back to a node that it came through. A
/// source on demand tells its hops once it runs: ask again then.
Task<Result<Hops>> hops_for(Desk& desk, Hops theirs, std::string stream);
Task<Result<Hops>> hops_for(Desk& desk, const web::Request& request, const std::string& stream);

/// What the answer to such a node says: these hops, and what time it is here.
void add_relay_headers(std::vector<web::Header>& headers, const Desk& desk, const Hops& hops);
/// The time that the answer of another node was written at, by its clock; nothing where it does not say.
std::optional<WallTime> read_clock_header(std::string_view written);
inline constexpr std::string_view clock_header = "Millrace-Clock";   ///< microseconds of UTC since 1970

/// Says so, with the asker's own hops, by which it knows why.
web::Response circle_refusal(const web::Request& request, const std::vector<std::string>& origins, Error why);

/// What a pull of the stream says of itself: this node, and those that want the stream from it.
Hops hops_of_pull(Desk& desk, const std::string& stream);

/// What a push of the stream says of itself: this node, and those that it came through.
Task<Hops> hops_of_push(Desk& desk, std::string stream);

/// Whether what a server, or a publisher, says of a stream has this node in it.
Result<> refuse_own(const Desk& desk, const Hops& hops);

}   // namespace millrace::session
