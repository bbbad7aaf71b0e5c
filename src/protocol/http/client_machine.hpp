#pragma once

#include "base/url.hpp"
#include "protocol/http/body_reader.hpp"
#include "protocol/http/response_head.hpp"
#include "protocol/machine.hpp"

#include <deque>
#include <string>
#include <variant>
#include <vector>

namespace millrace::http {

/// What is asked of a server. The URL's user and password go as an Authorization header: `user:password@` as
/// Basic (RFC 7617), `:token@` as Bearer (RFC 6750 §2.1).
struct ClientRequest {
    std::string method = "GET";
    Url url;
    std::vector<web::Header> headers;   ///< besides Host, User-Agent, Accept-Encoding, Authorization
    std::string body{};   ///< with its Content-Length, if there is one; the caller may send another behind it
};

/// A piece of an answer's body, in order.
struct BodyPart {
    Bytes bytes;
};
/// The body is complete.
struct BodyEnd {};

/// An HTTP/1.1 client's end of one connection: a request out, its answer in, and another one where the server
/// keeps the connection. Redirections are reported like any answer. Interim answers (1xx) are passed over.
class ClientMachine {
public:
    using Event = std::variant<ResponseHead, BodyPart, BodyEnd>;

    struct Limits {
        std::size_t head_size_max = 32U << 10U;
        std::size_t interim_max = 8;       ///< answers before the answer
        Duration head_timeout = 10s;       ///< from the request to the whole head
        Duration silence_max = 10s;        ///< of a body
        std::uint64_t body_size_max = 0;   ///< 0: endless ones are welcome
    };

    explicit ClientMachine(Limits limits) : limits_{limits} {}
    ClientMachine() : ClientMachine(Limits{}) {}

    /// Errc::refused while an answer is under way or the connection will not be kept.
    Result<> ask(const ClientRequest& request, Instant now);
    /// After an answer's end: whether the server takes another request on this connection.
    bool may_ask() const { return state_ == State::idle; }

    Result<> receive(ByteSpan bytes, Instant now);
    Result<> advance(Instant now);
    Instant deadline() const { return deadline_; }
    std::optional<Event> next_event();
    std::vector<std::byte> next_output() { return std::exchange(output_, {}); }
    /// The server closed the connection. An error unless that is how this body ends, or nothing was asked.
    Result<> close();

private:
    enum class State : std::uint8_t { idle, head, body, finished };

    Result<> read_on(Instant now);
    Result<> read_whole_head(Instant now);
    Result<> read_body(Instant now);
    Result<> stop(Error error);
    void complete();

    Limits limits_;
    State state_ = State::idle;
    Instant deadline_ = Instant::never();
    std::string method_;
    std::vector<std::byte> unread_;
    std::size_t interim_ = 0;
    bool keep_alive_ = false;
    BodyReader body_;
    std::uint64_t body_size_ = 0;
    std::deque<Event> events_;
    std::vector<std::byte> output_;
};

}   // namespace millrace::http
