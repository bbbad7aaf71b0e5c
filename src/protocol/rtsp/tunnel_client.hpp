#pragma once

#include "base/url.hpp"
#include "protocol/http/response_head.hpp"
#include "protocol/rtsp/client_proofs.hpp"

#include <string>
#include <vector>

/// RTSP over HTTP from the client's end, as QuickTime began it: the answer to a GET carries what the server
/// says, the body of a POST, on a connection of its own and in base64, what the client says. A cookie of the
/// client's choice joins the two.
namespace millrace::rtsp {

/// What a server answers to one of the two, cut anywhere: a head, then bytes that are not HTTP's.
class TunnelAnswer {
public:
    static constexpr std::size_t head_size_max = 8U << 10U;

    /// True once the head is whole; not to be called any more then. Errc::malformed, exhausted.
    Result<bool> receive(ByteSpan bytes);
    const http::ResponseHead& head() const { return head_; }
    /// What came behind the head.
    ByteSpan behind() const { return bytes_; }

private:
    std::vector<std::byte> bytes_;
    http::ResponseHead head_;
};

/// Digs a tunnel: says the heads of both requests and judges the answer to the GET. One owner.
class TunnelClient {
public:
    /// To this address, with its user and password once the server asks for them.
    TunnelClient(Url url, Random& random);

    /// The head of the GET, for a new connection.
    std::string get();
    /// That of the POST, for another one, once the GET is open.
    std::string post();

    enum class Heard : std::uint8_t {
        part,    ///< of the answer
        open,    ///< behind() is the server's first word
        again,   ///< it asks who we are: a GET on a new connection is to say so
    };
    /// What came on the connection of the GET. Where the server says no: Errc::unauthenticated, not_found,
    /// refused; unsupported for an answer that is no tunnel.
    Result<Heard> receive(ByteSpan bytes);
    ByteSpan behind() const { return answer_.behind(); }
    /// Of the answer to the GET, once its head was whole; 0 = not yet.
    int status() const { return status_; }

private:
    std::string request(std::string_view method, std::string_view more);

    Url url_;
    Random& random_;
    std::string cookie_;
    ClientProofs access_;
    bool proved_ = false;   // in this GET
    TunnelAnswer answer_;
    int status_ = 0;
};

}   // namespace millrace::rtsp
