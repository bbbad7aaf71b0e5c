#include "session/body_intake.hpp"

#include "base/waiting.hpp"
#include "session/patient_write.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace::session {

namespace {

/// RFC 9112 §6.3; the machine has checked both headers.
http::BodyFraming framing_of(const web::Request& request) {
    if (request.header("Transfer-Encoding")) {
        return {.kind = http::BodyFraming::Kind::chunked};
    }
    http::BodyFraming framing;
    const std::string_view written = request.header("Content-Length").value_or("0");
    std::from_chars(written.data(), written.data() + written.size(), framing.length);
    framing.kind = framing.length > 0 ? http::BodyFraming::Kind::length : http::BodyFraming::Kind::none;
    return framing;
}

}   // namespace

BodyIntake::BodyIntake(Executor& executor, const web::Request& request, std::uint64_t size_max)
    : executor_{executor},
      framing_{framing_of(request)},
      body_{framing_},
      size_max_{size_max},
      expects_continue_{request.header("Expect").has_value()} {
}

Task<Result<>> BodyIntake::take_all(ByteSpan bytes, const Take& take) {
    while (!bytes.empty() && !body_.done()) {
        const Result<http::BodyReader::Piece> piece = body_.take(bytes);
        if (!piece) {
            co_return std::unexpected(piece.error());
        }
        bytes = bytes.subspan(piece->used);
        size_ += piece->body.size();
        if (too_large()) {
            co_return fail(Errc::exhausted, "the file is too large");
        }
        if (!piece->body.empty() || body_.done()) {
            const Result<> taken = co_await take(piece->body);
            if (!taken) {
                co_return taken;
            }
        }
    }
    co_return Result<>{};
}

Task<Result<>> BodyIntake::receive(Connection& connection, std::vector<std::byte> read_ahead, Take take) {
    if (too_large()) {
        co_return fail(Errc::exhausted, "the file is too large");
    }
    if (expects_continue_ && read_ahead.empty()) {
        const Result<> said =
            co_await patient_write(connection, executor_, as_bytes("HTTP/1.1 100 Continue\r\n\r\n"));
        if (!said) {
            co_return said;
        }
    }
    std::vector<std::byte> bytes = std::move(read_ahead);
    for (;;) {
        const Result<> taken = co_await take_all(bytes, take);
        if (!taken || body_.done()) {
            co_return taken;
        }
        const Result<> ready = co_await readable(connection, executor_, executor_.now() + silence_max);
        if (!ready) {
            co_return ready;
        }
        bytes.resize(read_size);
        const Result<std::size_t> count = connection.try_read(bytes);
        if (!count && count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        bytes.resize(count.value_or(0));
    }
}

/// RFC 9112 §9.6: closing with unread bytes would reset the connection and lose the answer under way.
Task<> BodyIntake::hear_out(Connection& connection) {
    const Instant until = executor_.now() + 1s;
    std::vector<std::byte> dropped(read_size);
    for (std::size_t size = 0; size < dropped_max;) {
        const Result<std::size_t> count = connection.try_read(dropped);
        const bool empty = !count && count.error().code == Errc::would_block;
        if (count) {
            size += *count;
        } else if (!empty || !co_await readable(connection, executor_, until)) {
            co_return;
        }
    }
}

Task<> BodyIntake::answer(Connection& connection, int status, std::string_view type, std::string_view text) {
    const std::string whole =
        fmt::format("HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                    status, web::reason_phrase(status), type, text.size(), text);
    (void)co_await patient_write(connection, executor_, as_bytes(whole));
    if (!body_.done()) {
        co_await hear_out(connection);
    }
}

}   // namespace millrace::session
