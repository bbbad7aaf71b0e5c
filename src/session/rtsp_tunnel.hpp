#pragma once

#include "base/connection.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"
#include "session/rtsp_tunnels.hpp"

#include <memory>
#include <string>
#include <string_view>
#include <vector>

/// RTSP over HTTP, as players behind proxies speak it: the answer to a GET carries what we say, the endless
/// body of a POST carries, in base64, what the player says. A cookie of the player's choice joins the two.
namespace millrace::session {

/// The head of an HTTP request as far as a tunnel needs it.
struct TunnelHead {
    static constexpr std::size_t size_max = 8U << 10U;

    bool post = false;
    std::string cookie;
};
/// From the bytes before the empty line, or from a request. Errc::malformed for what is no GET or POST with
/// a cookie of a tunnel.
Result<TunnelHead> read_tunnel_head(std::string_view head);
Result<TunnelHead> tunnel_head_of(const web::Request& request);

/// Base64 that never ends, cut anywhere, padded anywhere. One owner.
class Base64Stream {
public:
    /// False: a character that does not belong there.
    bool decode(ByteSpan text, std::vector<std::byte>& out);

private:
    std::string group_;
};

/// The first bytes of a connection to an RTSP port: enough to tell RTSP from HTTP, and of HTTP the whole
/// head.
struct RtspOpening {
    bool http = false;
    std::vector<std::byte> bytes;
};
Task<Result<RtspOpening>> read_opening(Desk& desk, Connection& connection);
/// A connection that began in HTTP. A GET becomes the tunnel, in the place of `connection`; a POST has its
/// say in here until it ends, and leaves null. Errors were answered.
Task<Result<>> join_tunnel(Desk& desk, std::unique_ptr<Connection>& connection, RtspOpening opening);
/// The same behind a head that was read elsewhere.
Task<Result<>> join_tunnel(Desk& desk, std::unique_ptr<Connection>& connection, Result<TunnelHead> head,
                           std::vector<std::byte> behind);

}   // namespace millrace::session
