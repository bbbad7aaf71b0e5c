#pragma once

#include "base/time.hpp"
#include "base/web.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/http/head_scan.hpp"
#include "protocol/http/refusal.hpp"
#include "protocol/http/request_parser.hpp"
#include "protocol/machine.hpp"

#include <cstddef>
#include <optional>
#include <variant>
#include <vector>

namespace millrace::http {

/// The server's end of an HTTP/1.0 or 1.1 connection. One request at a time: after a Request event comes
/// respond() or take_read_ahead(); what arrives meanwhile waits, bounded. Every malformed request is
/// answered with a 4xx or 5xx problem document and ends the conversation.
class ServerMachine {
public:
    struct Limits {
        std::size_t body_size_max = 64U << 10U;
        std::size_t pipelined_size_max = 64U << 10U;   ///< bytes that wait behind a request
        Duration head_timeout = 10s;   ///< from its first byte; the first head: from the start
        Duration idle_timeout = 15s;   ///< from an answer to the next head's first byte
        Duration body_timeout = 30s;
    };
    using Event = std::variant<web::Request>;   ///< without peer

    /// `utc` is the time of day at `now`, for Date.
    ServerMachine(Instant now, WallTime utc) : ServerMachine{now, utc, Limits{}} {}
    ServerMachine(Instant now, WallTime utc, Limits limits);

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return deadline_; }
    std::optional<Event> next_event() { return std::exchange(event_, std::nullopt); }
    std::vector<std::byte> next_output();
    /// The same without a copy: heads and bodies in their order, to be sent by one gathered write.
    std::vector<Bytes> next_pieces();

    /// The answer to the last request, then on to what waited behind it: an error as from receive().
    /// A takeover in it is ignored.
    Result<> respond(const web::Response& response, Instant now);
    /// Whether the body of the request that was answered has not been read.
    bool leaves_body() const { return leaves_body_; }
    /// Instead of respond(): the conversation leaves HTTP. The bytes that came behind the request.
    std::vector<std::byte> take_read_ahead();

    /// The last answer said Connection: close, or something failed: send the output and close.
    bool finished() const { return state_ == State::finished; }

private:
    enum class State : std::uint8_t { head, body, answering, finished };

    Result<> read_on(Instant now);
    Result<> read_head(Instant now);
    Result<> read_body(Instant now);
    Result<> refuse_request(Refusal refusal, Instant now);
    void complete();
    void begin_head();
    void drop_front(std::size_t count);
    void write(const web::Response& response, const Framing& framing);
    Framing framing(bool keep_alive, Instant now) const;

    Limits limits_;
    Instant started_;
    WallTime utc_at_start_;
    State state_ = State::head;
    Instant deadline_;
    std::vector<std::byte> unread_;
    bool head_begun_ = true;   // its time runs
    HeadScan scan_;
    RequestParser parser_;
    bool head_only_ = false;
    bool leaves_body_ = false;   // of the request that is answered: no other comes behind it
    std::optional<Event> event_;
    std::vector<Bytes> pieces_;       // output that is complete
    std::vector<std::byte> output_;   // and what is said behind it
};

}   // namespace millrace::http
