#pragma once

#include "base/clock_offset.hpp"
#include "base/connector.hpp"
#include "protocol/http/client_machine.hpp"
#include "protocol/rtsp/client_proofs.hpp"
#include "session/source_publisher.hpp"

#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace millrace::session {

/// For name, connection and handshake.
constexpr Duration pull_connect_deadline = 10s;
constexpr int pull_redirects_max = 3;
/// A source that brings nothing whole for so long is given up, and begun anew.
constexpr Duration pull_patience = 10s;

/// Connects for a pull that its leash may break off; Errc::cancelled where it was pulled meanwhile.
Task<Result<std::unique_ptr<Connection>>> pull_connect(Desk& desk, Connector& connector, const Url& url,
                                                       const SourceLeash& leash);

/// What came of a body with one read.
struct BodyPieces {
    std::vector<Bytes> bytes;
    bool ended = false;
};

/// Answers of servers elsewhere, one after the other: on one connection while the server keeps it, through
/// redirections to http and https, with the URL's user by Basic, or by Digest where the server wants that.
/// Owned by one try of a source, on its thread; it outlives the publisher that it works for.
class HttpFetch {
public:
    HttpFetch(Desk& desk, Connector& connector, SourceLeash& leash)
        : desk_{desk}, connector_{connector}, leash_{leash} {}
    HttpFetch(const HttpFetch&) = delete;
    HttpFetch& operator=(const HttpFetch&) = delete;
    ~HttpFetch() { leash_.hold(nullptr); }

    /// What it says of itself to other nodes. What they say, and how far their clocks are from ours, reaches
    /// the publisher; an answer that came from here is Errc::refused.
    void say(Hops hops) { said_ = std::move(hops); }
    /// From now on its connection is this publisher's, to show and to end.
    void work_for(SourcePublisher& publisher);

    /// Asks, and gives the head of the answer, whatever its status; the body comes by `next`. Errc::refused
    /// where a redirection leads nowhere we go, timed_out, closed, cancelled.
    Task<Result<http::ResponseHead>> get(Url url, std::vector<web::Header> headers = {});
    /// At least one piece, or the end.
    Task<Result<BodyPieces>> next();
    /// All of a body; Errc::exhausted beyond `size_max` bytes, timed_out soon after the deadline.
    Task<Result<std::vector<std::byte>>> whole(std::size_t size_max, Instant deadline);

    /// Where the last answer came from.
    const Url& url() const { return url_; }
    bool is_over() const { return leash_.is_pulled() || (publisher_ != nullptr && publisher_->is_over()); }

private:
    Task<Result<http::ResponseHead>> ask(const Url& url, const std::vector<web::Header>& headers);
    Task<Result<http::ResponseHead>> ask_here(const Url& url, const std::vector<web::Header>& headers);
    Task<Result<>> open(const Url& url);
    Task<Result<>> turn();
    bool take_challenge(const Url& url, const http::ResponseHead& head);
    http::ClientRequest request(const Url& url, const std::vector<web::Header>& headers);
    void hold(Connection* connection);
    void drop();

    Desk& desk_;
    Connector& connector_;
    SourceLeash& leash_;
    SourcePublisher* publisher_ = nullptr;
    Hops said_;
    Hops heard_;   // with the last answer
    ClockOffset clocks_;
    Url url_;
    Url opened_;   // whose server the connection leads to
    std::unique_ptr<Connection> connection_;
    std::optional<http::ClientMachine> machine_;
    rtsp::ClientProofs access_;
    std::string challenger_;   // who asked for them
};

/// What a head says in words, where it is not the answer that was hoped for.
std::string unwelcome_answer(const http::ResponseHead& head);

}   // namespace millrace::session
