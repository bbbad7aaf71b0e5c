#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::multipart {

/// One part of a multipart body.
struct Part {
    std::string type;                  ///< its Content-Type in lower case, without parameters; may be empty
    std::optional<double> timestamp;   ///< X-Timestamp: when the picture was taken, in Unix seconds
    /// X-Timestamp-Origin: whose word that is.
    media::CaptureTime::Label origin = media::CaptureTime::Label::sender;
    Bytes body;
};

/// What a Content-Type says: the type in lower case, and the boundary of a multipart one.
struct ContentType {
    std::string type;
    std::string boundary;
};
ContentType read_content_type(std::string_view text);

/// Reads `multipart/x-mixed-replace` as cameras send it (RFC 2046 §5.1, and looser): parts with
/// Content-Length are given as soon as they are whole, others when the next boundary shows where they end.
/// Bounded; safe for any bytes.
///
///     --boundary CRLF  *( header CRLF )  CRLF  body  [CRLF]  --boundary …  --boundary-- CRLF
class Reader {
public:
    static constexpr std::size_t body_max = 8U << 20U;
    static constexpr std::size_t header_max = 8U << 10U;
    static constexpr std::size_t preamble_max = 64U << 10U;
    static constexpr std::size_t boundary_max = 200;   ///< RFC 2046 has 70; some devices more

    /// Errc::malformed if there is no usable boundary.
    static Result<Reader> make(std::string_view boundary);

    /// Errc::exhausted (a part or a header too large), malformed (no boundary where the length says).
    Result<> receive(ByteSpan bytes);
    std::optional<Part> next();
    /// The closing boundary came; what follows is passed over.
    bool ended() const { return state_ == State::ended; }
    /// The part that has begun says that the publisher ended before it (X-Publisher).
    bool unpublished() const;

private:
    enum class State : std::uint8_t { preamble, header, sized, unsized, between, ended };

    explicit Reader(std::string delimiter) : delimiter_{std::move(delimiter)} {}

    bool step();   // false: needs more, or failed
    bool seek_first();
    bool read_header();
    bool read_sized();
    bool read_unsized();
    bool read_between();
    bool at_delimiter(std::size_t after);
    bool stop(Errc code, std::string_view what);
    void give(std::size_t size);
    void drop(std::size_t size) { begin_ += size; }
    std::string_view rest() const { return as_text(ByteSpan{buffer_}.subspan(begin_)); }

    std::string delimiter_;   // "--boundary"
    State state_ = State::preamble;
    std::vector<std::byte> buffer_;
    std::size_t begin_ = 0;      // of what is not used
    std::size_t searched_ = 0;   // of an unsized body, from begin_
    std::size_t length_ = 0;     // of a sized body
    Part part_;
    std::deque<Part> parts_;
    std::optional<Error> error_;
};

}   // namespace millrace::multipart
