#include "net/tls_connection.hpp"

#include "base/check.hpp"
#include "net/parting.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <cerrno>

namespace millrace::net {

namespace {

constexpr std::size_t record_size_max = 16'384;   // RFC 8446 §5.1

/// Why OpenSSL gave up, from its error queue.
Error protocol_failure() {
    switch (ERR_GET_REASON(ERR_peek_error())) {
        case SSL_R_UNEXPECTED_EOF_WHILE_READING: return {Errc::closed, "the peer broke the connection off"};
        case SSL_R_CERTIFICATE_VERIFY_FAILED: return {Errc::refused, "the peer's certificate is not trusted"};
        case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
            return {Errc::refused, "the peer does not trust our certificate"};
        case SSL_R_HTTP_REQUEST: return {Errc::malformed, "plain HTTP where TLS was expected"};
        case SSL_R_WRONG_VERSION_NUMBER: return {Errc::malformed, "not TLS"};
        case SSL_R_UNSUPPORTED_PROTOCOL:
        case SSL_R_NO_SHARED_CIPHER:
        case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        case SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE:
            return {Errc::unsupported, "no common TLS version or cipher"};
        default: return {Errc::malformed, "broken TLS"};
    }
}

Error system_failure(int error) {
    switch (error) {
        case 0:
        case ECONNRESET:
        case EPIPE: return {Errc::closed, "the peer broke the connection off"};
        case ETIMEDOUT: return {Errc::closed, "the peer does not answer any more"};
        default: return {Errc::io, "the socket failed"};
    }
}

/// Sends what OpenSSL has begun; shortens `pending` by what is gone. What SSL_write answered last.
int send_pending(SSL* ssl, std::vector<std::byte>& pending) {
    int returned = 1;
    while (!pending.empty() && returned == 1) {
        std::size_t written = 0;
        ERR_clear_error();
        returned = SSL_write_ex(ssl, pending.data(), pending.size(), &written);
        if (returned == 1 && written == pending.size()) {
            pending = {};   // its memory too
        } else if (returned == 1) {
            pending.erase(pending.begin(), pending.begin() + static_cast<std::ptrdiff_t>(written));
        }
    }
    return returned;
}

/// The end of an established conversation: true when close_notify went out, or nothing can any more.
bool say_goodbye(SSL* ssl, std::vector<std::byte>& pending) {
    const int returned = send_pending(ssl, pending);
    if (returned != 1) {
        const int error = SSL_get_error(ssl, returned);
        ERR_clear_error();
        return error != SSL_ERROR_WANT_WRITE;
    }
    SSL_shutdown(ssl);
    ERR_clear_error();
    return true;
}

}   // namespace

TlsConnection::TlsConnection(Worker& worker, Descriptor socket, UniqueSsl ssl)
    : socket_{worker, std::move(socket)}, ssl_{std::move(ssl)} {
}

TlsConnection::TlsConnection(Worker& worker, Descriptor socket, UniqueSsl ssl, Arrival arrival)
    : socket_{worker, std::move(socket), std::move(arrival)}, ssl_{std::move(ssl)} {
}

TlsConnection::~TlsConnection() {
    TlsConnection::close();
}

std::unexpected<Error> TlsConnection::outcome(int returned, Direction& wants) {
    const int system_error = errno;
    switch (SSL_get_error(ssl_.get(), returned)) {
        case SSL_ERROR_WANT_READ:
            wants = Direction::read;
            return fail(Errc::would_block, "TLS waits for bytes");
        case SSL_ERROR_WANT_WRITE:
            wants = Direction::write;
            return fail(Errc::would_block, "TLS waits for room");
        // Not broken: the other direction may still be open.
        case SSL_ERROR_ZERO_RETURN: return fail(Errc::closed, "the peer closed the connection");
        case SSL_ERROR_SYSCALL: broken_ = system_failure(system_error); break;
        default: broken_ = protocol_failure(); break;
    }
    ERR_clear_error();
    return std::unexpected(*broken_);
}

Result<> TlsConnection::handshake() {
    if (closed_) {
        return fail(Errc::cancelled, "connection closed by us");
    }
    if (broken_) {
        return std::unexpected(*broken_);
    }
    if (established_) {
        return {};
    }
    ERR_clear_error();
    const int returned = SSL_do_handshake(ssl_.get());
    if (returned != 1) {
        auto why = outcome(returned, read_wants_);
        write_wants_ = read_wants_;
        return why;
    }
    established_ = true;
    read_wants_ = Direction::read;
    write_wants_ = Direction::write;
    arm();   // who waited for the other direction's sake must not wait for that any more
    return {};
}

Result<std::size_t> TlsConnection::try_read(std::span<std::byte> into) {
    if (const Result<> ready = handshake(); !ready) {
        return std::unexpected(ready.error());
    }
    check(!into.empty(), "a read has room for a byte");
    std::size_t count = 0;
    ERR_clear_error();
    const int returned = SSL_read_ex(ssl_.get(), into.data(), into.size(), &count);
    if (returned == 1) {
        return count;
    }
    return outcome(returned, read_wants_);
}

Result<std::size_t> TlsConnection::try_write(std::span<const ByteSpan> slices) {
    if (const Result<> ready = handshake(); !ready) {
        return std::unexpected(ready.error());
    }
    finish_pending();
    if (broken_) {
        return std::unexpected(*broken_);
    }
    if (!pending_.empty()) {
        return fail(Errc::would_block, "TLS waits for room");
    }
    std::size_t total = 0;
    for (const ByteSpan slice : slices.first(std::min(slices.size(), gather_max))) {
        const auto taken = write_records(slice);
        if (!taken) {
            return total > 0 ? Result<std::size_t>{total} : taken;
        }
        total += *taken;
        if (!pending_.empty()) {
            break;
        }
    }
    return total;
}

Result<std::size_t> TlsConnection::write_records(ByteSpan slice) {
    std::size_t taken = 0;
    while (taken < slice.size()) {
        const ByteSpan record = slice.subspan(taken, std::min(slice.size() - taken, record_size_max));
        std::size_t written = 0;
        ERR_clear_error();
        const int returned = SSL_write_ex(ssl_.get(), record.data(), record.size(), &written);
        if (returned == 1) {
            taken += written;
            continue;
        }
        const auto why = outcome(returned, write_wants_);
        if (why.error().code != Errc::would_block) {
            return taken > 0 ? Result<std::size_t>{taken} : Result<std::size_t>{why};
        }
        pending_.assign(record.begin(), record.end());
        arm();
        return taken + record.size();
    }
    return taken;
}

void TlsConnection::finish_pending() {
    if (pending_.empty()) {
        return;
    }
    const int returned = send_pending(ssl_.get(), pending_);
    if (returned != 1 && outcome(returned, write_wants_).error().code != Errc::would_block) {
        pending_ = {};
    }
}

void TlsConnection::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    // Bytes already decrypted make no socket readable.
    const bool buffered = waiter != nullptr && !closed_ && established_ && SSL_pending(ssl_.get()) > 0;
    if (buffered) {
        read_wants_ = Direction::read;
    }
    arm();
    if (buffered) {
        socket_.nudge(Direction::read);
    }
}

void TlsConnection::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    arm();
}

void TlsConnection::arm() {
    const bool reading = reader_ != nullptr;
    const bool writing = writer_ != nullptr || !pending_.empty();
    const bool read =
        (reading && read_wants_ == Direction::read) || (writing && write_wants_ == Direction::read);
    const bool write =
        (reading && read_wants_ == Direction::write) || (writing && write_wants_ == Direction::write);
    socket_.wait_readable(read ? &read_side_ : nullptr);
    socket_.wait_writable(write ? &write_side_ : nullptr);
}

void TlsConnection::on_socket(Direction direction, Result<> ready) {
    if (ready && direction == write_wants_) {
        finish_pending();
    }
    const bool read_due = reader_ != nullptr && (!ready || read_wants_ == direction);
    const bool write_due =
        writer_ != nullptr && (!ready || (write_wants_ == direction && pending_.empty()) || broken_);
    Waiter* told = nullptr;
    if (read_due) {
        told = std::exchange(reader_, nullptr);
    } else if (write_due) {
        told = std::exchange(writer_, nullptr);
    }
    arm();
    if (read_due && write_due) {
        // One at a time: the first one told may end this connection.
        socket_.nudge(write_wants_);
    }
    if (told != nullptr) {
        told->on_ready(ready);
    }
}

void TlsConnection::close() {
    if (closed_) {
        return;
    }
    closed_ = true;
    Worker& worker = socket_.worker();
    if (!established_ || broken_) {
        part(worker, socket_.release());
        return;
    }
    part(worker, socket_.release(), [ssl = std::move(ssl_), pending = std::move(pending_)]() mutable {
        return say_goodbye(ssl.get(), pending);
    });
    pending_ = {};
}

}   // namespace millrace::net
