#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "base/web.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// RTSP 1.0 (RFC 2326) with what RFC 7826 made clear. Machines without I/O.
namespace millrace::rtsp {

/// Start line and headers of one message.
inline constexpr std::size_t head_size_max = std::size_t{16} << 10U;
inline constexpr std::size_t headers_max = 64;
inline constexpr std::size_t body_size_max = std::size_t{64} << 10U;
inline constexpr std::uint16_t default_port = 554;

/// RFC 2326 §7.1.1, those that are used here.
enum Status : std::uint16_t {
    ok = 200,
    moved_permanently = 301,
    moved_temporarily = 302,
    bad_request = 400,
    unauthorized = 401,
    forbidden = 403,
    not_found = 404,
    method_not_allowed = 405,
    not_acceptable = 406,
    too_large = 413,
    uri_too_long = 414,
    unsupported_media_type = 415,
    parameter_not_understood = 451,
    not_enough_bandwidth = 453,
    session_not_found = 454,
    method_not_valid = 455,
    invalid_range = 457,
    aggregate_not_allowed = 459,
    unsupported_transport = 461,
    not_implemented = 501,
    service_unavailable = 503,
    version_not_supported = 505,
    option_not_supported = 551,
};
std::string_view reason_of(unsigned status);

using Headers = std::vector<web::Header>;
/// The first of that name, in any case; empty where there is none.
std::string_view find_header(const Headers& headers, std::string_view name);

struct Request {
    std::string method;
    std::string url;
    Headers headers;   ///< without CSeq and Content-Length
    std::string body;
    std::uint32_t cseq = 0;
};

struct Response {
    unsigned status = ok;
    std::string reason;
    Headers headers;   ///< likewise
    std::string body;
    std::optional<std::uint32_t> cseq;
};

/// An interleaved frame, RFC 2326 §10.12.
struct Frame {
    std::uint8_t channel = 0;
    Bytes payload;
};

using Element = std::variant<Request, Response, Frame>;

std::string write(const Request& request);
std::string write(const Response& response);

/// Reads what comes over one connection, cut anywhere. Empty lines between messages are passed over; a reader
/// of a camera's words also passes over other junk before a message, within junk_max.
class MessageReader {
public:
    static constexpr std::size_t junk_max = std::size_t{64} << 10U;

    /// Requests without a usable CSeq are an error to a server; a client takes responses without one.
    enum class Side : std::uint8_t { server, client };
    explicit MessageReader(Side side) : side_{side} {}

    /// Takes bytes off the front of `input`, up to the end of the next element; nothing when all are used up.
    /// What is left is the input of the next call. An error is final; status() is what a server answers.
    Result<std::optional<Element>> next(ByteSpan& input);
    Status status() const { return status_; }
    /// The CSeq of the message that was refused, where it could be read.
    std::optional<std::uint32_t> refused_cseq() const { return cseq_; }

private:
    struct Head;
    Result<std::optional<Element>> next_of(ByteSpan& input);
    Result<std::optional<Element>> next_frame(ByteSpan& input);
    Bytes copy_of(ByteSpan part, ByteSpan input);
    Result<std::optional<Element>> next_message(ByteSpan& input);
    Result<bool> gather_head(ByteSpan& input);
    Result<> read_head();
    Result<> read_field(std::string_view name, std::string_view value);
    Result<> read_start(std::string_view line);
    Result<std::optional<Element>> finish();
    std::unexpected<Error> refuse(Status status, std::string_view what);

    Side side_;
    std::string head_;                 // gathered, until its empty line
    std::vector<std::byte> frame_;     // an interleaved frame that is not whole
    Bytes copy_;                       // of the input, from its first frame on
    std::optional<Element> message_;   // whose head was read; its body is not whole
    std::string body_;
    std::size_t body_size_ = 0;
    std::optional<std::size_t> length_said_;
    std::optional<std::uint32_t> cseq_;
    std::size_t junk_ = 0;
    Status status_ = bad_request;
};

}   // namespace millrace::rtsp
