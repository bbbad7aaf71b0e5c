#include "session/http_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "protocol/http/conditional.hpp"
#include "protocol/http/content_coding.hpp"
#include "protocol/http/server_machine.hpp"
#include "session/forwarded.hpp"

#include <algorithm>
#include <array>
#include <variant>

namespace millrace::session {

namespace {

using Limits = HttpServeLimits;

constexpr std::string_view protocol = "http";

/// What of an answer has not gone yet: its pieces are sent together, none is copied.
class Unsent {
public:
    explicit Unsent(std::vector<Bytes> pieces) : pieces_{std::move(pieces)} {}

    std::size_t size() const {
        std::size_t size = 0;
        for (const Bytes& piece : pieces_) {
            size += piece.size();
        }
        return size;
    }
    /// As much as the connection takes now; Errc::would_block: there is more.
    Result<> write(Connection& connection) {
        while (!pieces_.empty()) {
            const auto written = try_write(connection);
            if (!written) {
                return std::unexpected(written.error());
            }
            drop(*written);
        }
        return {};
    }

private:
    Result<std::size_t> try_write(Connection& connection) {
        std::array<ByteSpan, Connection::gather_max> slices;
        const std::size_t count = std::min(pieces_.size(), slices.size());
        std::ranges::copy_n(pieces_.begin(), static_cast<std::ptrdiff_t>(count), slices.begin());
        return connection.try_write(std::span{slices}.first(count));
    }
    void drop(std::size_t count) {
        while (!pieces_.empty() && count >= pieces_.front().size()) {
            count -= pieces_.front().size();
            pieces_.erase(pieces_.begin());
        }
        if (count > 0) {
            pieces_.front() = pieces_.front().slice(count, pieces_.front().size() - count);
        }
    }

    std::vector<Bytes> pieces_;
};

/// The rest of what a connection did not take at once.
Task<Result<>> write_on(Connection& connection, Executor& executor, Unsent rest) {
    const auto whole = std::chrono::seconds{rest.size() / Limits::bytes_per_second_min};
    const Instant last = executor.now() + Limits::stall_timeout + whole;
    for (;;) {
        const Instant stalled = std::min(executor.now() + Limits::stall_timeout, last);
        const auto ready = co_await writable(connection, executor, stalled);
        if (!ready) {
            co_return fail(ready.error().code, "the client does not take its answer");
        }
        const Result<> written = rest.write(connection);
        if (written || written.error().code != Errc::would_block) {
            co_return written;
        }
    }
}

bool waits(const Result<>& written) {
    return !written && written.error().code == Errc::would_block;
}

/// Reads once into the machine.
Result<> read_into(http::ServerMachine& machine, Connection& connection, Instant now) {
    std::array<std::byte, 16U << 10U> buffer;
    const auto count = connection.try_read(buffer);
    if (count) {
        return machine.receive(std::span{buffer}.first(*count), now);
    }
    return count.error().code == Errc::would_block ? Result<>{} : std::unexpected(count.error());
}

/// The next request, or why there is none; what the machine has to say is then still in it.
Task<Result<web::Request>> next_request(http::ServerMachine& machine, Connection& connection,
                                        Executor& executor) {
    for (;;) {
        if (auto event = machine.next_event()) {
            co_return std::get<web::Request>(std::move(*event));
        }
        Unsent output{machine.next_pieces()};   // 100 Continue
        Result<> written = output.write(connection);
        if (waits(written)) {
            written = co_await write_on(connection, executor, std::move(output));
        }
        if (!written) {
            co_return std::unexpected(written.error());
        }
        const auto ready = co_await readable(connection, executor, machine.deadline());
        if (!ready && ready.error().code != Errc::timed_out) {
            co_return std::unexpected(ready.error());
        }
        const Instant now = executor.now();
        const auto moved = ready ? read_into(machine, connection, now) : machine.advance(now);
        if (!moved) {
            co_return std::unexpected(moved.error());
        }
    }
}

/// RFC 9112 §9.6: closing with unread bytes would reset the connection and lose the answer under way.
Task<> linger(Connection& connection, Executor& executor) {
    const Instant until = executor.now() + Limits::linger;
    std::size_t dropped = 0;
    while (dropped < Limits::linger_size_max) {
        std::array<std::byte, 4096> buffer;
        const auto count = connection.try_read(buffer);
        if (count) {
            dropped += *count;
            continue;
        }
        if (count.error().code != Errc::would_block) {
            co_return;
        }
        const auto ready = co_await readable(connection, executor, until);
        if (!ready) {
            co_return;
        }
    }
}

bool answers(const web::Route& route, std::string_view method) {
    return std::ranges::find(route.methods, method) != route.methods.end();
}

std::string allowed_methods(const web::Route& route) {
    std::string text;
    for (const auto& method : route.methods) {
        text += method + ", ";
        if (method == "GET" && !answers(route, "HEAD")) {
            text += "HEAD, ";
        }
    }
    return text + (answers(route, "OPTIONS") ? "" : "OPTIONS, ");
}

web::Response with_allow(web::Response response, std::string allow) {
    if (allow.ends_with(", ")) {
        allow.resize(allow.size() - 2);
    }
    response.headers.push_back({"Allow", std::move(allow)});
    return response;
}

/// RFC 9110 §15.5.16. A small body that unpacks to a large one would be a weapon.
web::Response refuse_coding() {
    web::Response response =
        web::Response::problem(415, "a coded body is not taken; send it without Content-Encoding");
    response.headers.push_back({"Accept-Encoding", "identity"});
    return response;
}

/// Who answers a request: a route, or we where none does.
using Course = std::variant<const web::Route*, web::Response>;

Course course_of(const web::Request& request, const std::vector<web::Route>& routes) {
    if (!web::same_name(request.header("content-encoding").value_or("identity"), "identity")) {
        return refuse_coding();
    }
    if (request.path == "*") {
        return with_allow({.status = 204}, "GET, HEAD, OPTIONS");
    }
    if (request.path.find("//") != std::string::npos) {
        return web::Response::problem(404, "no address has an empty segment");
    }
    const auto route =
        std::ranges::find_if(routes, [&](const web::Route& known) { return known.matches(request.path); });
    if (route == routes.end()) {
        return web::Response::problem(404, "nothing is at this address");
    }
    const bool head = request.method == "HEAD" && answers(*route, "GET");
    if (answers(*route, request.method) || head) {
        return &*route;
    }
    if (request.method == "OPTIONS") {
        return with_allow({.status = 204}, allowed_methods(*route));
    }
    return with_allow(web::Response::problem(405, "this address does not answer this method"),
                      allowed_methods(*route));
}

/// A request that waits for its answer, in its worker's count of them.
class UnderWay {
public:
    explicit UnderWay(std::size_t& count) : count_{count} { ++count_; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() { --count_; }

private:
    std::size_t& count_;
};

/// The answer, or that there is no time for one.
Task<web::Response> answer_in_turn(Desk& desk, const web::Request& request,
                                   const std::vector<web::Route>& routes) {
    if (desk.requests_under_way >= Limits::requests_under_way_max) {
        desk.tally.count(protocol, Errc::exhausted);
        co_return web::refusal(request, {Errc::exhausted, "too many requests wait already; try again soon"});
    }
    const bool tunnel = request.method == "GET" || request.method == "POST";
    if (tunnel && desk.rtsp_tunnel && desk.settings->rtsp_over_http && request.header(web::tunnel_header)) {
        co_return desk.rtsp_tunnel(request);
    }
    const UnderWay one{desk.requests_under_way};
    Course course = course_of(request, routes);
    if (auto* const answer = std::get_if<web::Response>(&course)) {
        co_return std::move(*answer);
    }
    co_return co_await std::get<const web::Route*>(course)->answer(request, desk.executor);
}

/// What the connection and its proxies say of a request's client.
void introduce(web::Request& request, Connection& connection, const Desk& desk) {
    request.peer = connection.peer();
    request.encrypted = connection.encrypted();
    request.let_in = [&connection] { connection.let_in(); };
    take_forwarded(request, desk.settings->trusted_proxies);
}

void note_end(Desk& desk, const Connection& connection, Error reason) {
    const bool orderly = reason.code == Errc::closed || reason.code == Errc::cancelled;
    if (orderly) {
        log::debug(protocol, "{} ended: {}", connection.peer().text(), reason.what);
        return;
    }
    desk.tally.count(protocol, reason.code);
    log::info(protocol, "{} ended: {}", connection.peer().text(), reason.what);
}

/// What leaves HTTP, and the bytes that came behind its request.
struct Handover {
    web::Takeover takeover;
    std::vector<std::byte> read_ahead;
};

/// Answers requests until one takes the connection over, or the conversation ends.
Task<std::optional<Handover>> serve_requests(Desk& desk, Connection& connection,
                                             const std::vector<web::Route>& routes) {
    Executor& executor = desk.executor;
    http::ServerMachine machine{executor.now(), executor.clock().utc()};
    Result<> going;
    while (going && !machine.finished()) {
        auto request = co_await next_request(machine, connection, executor);
        if (request) {
            introduce(*request, connection, desk);
            web::Response response = co_await answer_in_turn(desk, *request, routes);
            // HEAD and OPTIONS start nothing, whatever the route thinks.
            if (response.takeover && request->method != "HEAD" && request->method != "OPTIONS") {
                desk.tally.count_answer(response.status);
                co_return Handover{std::move(response.takeover), machine.take_read_ahead()};
            }
            if (!response.settled) {
                response = http::conditional(*request, http::encoded(*request, std::move(response)));
            }
            desk.tally.count_answer(response.status);
            going = machine.respond(response, executor.now());
        } else {
            going = std::unexpected(request.error());
        }
        Unsent output{machine.next_pieces()};
        const bool refused = !going && output.size() > 0;
        if (refused) {
            desk.tally.count_answer(web::status_of(going.error().code));
        }
        Result<> written = output.write(connection);
        if (waits(written)) {
            written = co_await write_on(connection, executor, std::move(output));
        }
        if (written && (refused || machine.leaves_body())) {
            co_await linger(connection, executor);
        }
        going = going ? written : going;
    }
    if (!going) {
        note_end(desk, connection, going.error());
    }
    co_return std::nullopt;
}

}   // namespace

Task<> http_serve(Desk& desk, std::unique_ptr<Connection> connection, const std::vector<web::Route>& routes) {
    auto handover = co_await serve_requests(desk, *connection, routes);
    if (handover) {
        auto read_ahead = std::move(handover->read_ahead);
        co_await handover->takeover(std::move(connection), std::move(read_ahead));
    }
}

}   // namespace millrace::session
