#include "session/http_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "protocol/http/conditional.hpp"
#include "protocol/http/content_coding.hpp"
#include "protocol/http/server_machine.hpp"

#include <algorithm>
#include <array>

namespace millrace::session {

namespace {

using Limits = HttpServeLimits;

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
    bool empty() const { return pieces_.empty(); }

private:
    std::vector<Bytes> pieces_;
};

Task<Result<>> write_all(Connection& connection, Executor& executor, std::vector<Bytes> pieces) {
    Unsent rest{std::move(pieces)};
    const auto whole = std::chrono::seconds{rest.size() / Limits::bytes_per_second_min};
    const Instant last = executor.now() + Limits::stall_timeout + whole;
    while (!rest.empty()) {
        const auto written = rest.try_write(connection);
        if (written) {
            rest.drop(*written);
            continue;
        }
        if (written.error().code != Errc::would_block) {
            co_return std::unexpected(written.error());
        }
        const Instant stalled = std::min(executor.now() + Limits::stall_timeout, last);
        const auto ready = co_await writable(connection, executor, stalled);
        if (!ready) {
            co_return fail(ready.error().code, "the client does not take its answer");
        }
    }
    co_return Result<>{};
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
        auto output = machine.next_pieces();   // 100 Continue
        const auto written = co_await write_all(connection, executor, std::move(output));
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

Task<web::Response> answer_to(const web::Request& request, Executor& executor,
                              const std::vector<web::Route>& routes) {
    if (request.path == "*") {
        co_return with_allow({.status = 204}, "GET, HEAD, OPTIONS");
    }
    if (request.path.find("//") != std::string::npos) {
        co_return web::Response::problem(404, "no address has an empty segment");
    }
    const auto route =
        std::ranges::find_if(routes, [&](const web::Route& known) { return known.matches(request.path); });
    if (route == routes.end()) {
        co_return web::Response::problem(404, "nothing is at this address");
    }
    const bool head = request.method == "HEAD" && answers(*route, "GET");
    if (answers(*route, request.method) || head) {
        co_return co_await route->answer(request, executor);
    }
    if (request.method == "OPTIONS") {
        co_return with_allow({.status = 204}, allowed_methods(*route));
    }
    co_return with_allow(web::Response::problem(405, "this address does not answer this method"),
                         allowed_methods(*route));
}

void log_end(const Connection& connection, Error reason) {
    const bool orderly = reason.code == Errc::closed || reason.code == Errc::cancelled;
    if (orderly) {
        log::debug("http", "{} ended: {}", connection.peer().text(), reason.what);
    } else {
        log::info("http", "{} ended: {}", connection.peer().text(), reason.what);
    }
}

/// What leaves HTTP, and the bytes that came behind its request.
struct Handover {
    web::Takeover takeover;
    std::vector<std::byte> read_ahead;
};

/// Answers requests until one takes the connection over, or the conversation ends.
Task<std::optional<Handover>> serve_requests(Connection& connection, Executor& executor,
                                             const std::vector<web::Route>& routes) {
    http::ServerMachine machine{executor.now(), executor.clock().utc()};
    Result<> going;
    while (going && !machine.finished()) {
        auto request = co_await next_request(machine, connection, executor);
        if (request) {
            request->peer = connection.peer();
            request->encrypted = connection.encrypted();
            web::Response response = co_await answer_to(*request, executor, routes);
            // HEAD and OPTIONS start nothing, whatever the route thinks.
            if (response.takeover && request->method != "HEAD" && request->method != "OPTIONS") {
                co_return Handover{std::move(response.takeover), machine.take_read_ahead()};
            }
            response = http::conditional(*request, http::encoded(*request, std::move(response)));
            going = machine.respond(response, executor.now());
        } else {
            going = std::unexpected(request.error());
        }
        auto output = machine.next_pieces();
        const bool refused = !going && !output.empty();
        const auto written = co_await write_all(connection, executor, std::move(output));
        if (written && refused) {
            co_await linger(connection, executor);
        }
        going = going ? written : going;
    }
    if (!going) {
        log_end(connection, going.error());
    }
    co_return std::nullopt;
}

}   // namespace

Task<> http_serve(std::unique_ptr<Connection> connection, Executor& executor,
                  const std::vector<web::Route>& routes) {
    auto handover = co_await serve_requests(*connection, executor, routes);
    if (handover) {
        auto read_ahead = std::move(handover->read_ahead);
        co_await handover->takeover(std::move(connection), std::move(read_ahead));
    }
}

}   // namespace millrace::session
