#include "apps/loadgen/line.hpp"

#include "apps/loadgen/socket.hpp"
#include "net/tls.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace millrace::loadgen {

namespace {

constexpr std::array<std::string_view, 4> secure_schemes{"https", "wss", "rtmps", "rtsps"};

/// Waits until the socket is ready for what OpenSSL wants; throws if that is not to come.
void wait_for_ssl(SSL* ssl, int returned) {
    const int error = SSL_get_error(ssl, returned);
    if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) {
        throw Hindrance{"TLS: the connection broke"};
    }
    pollfd ready{.fd = SSL_get_fd(ssl),
                 .events = static_cast<short>(error == SSL_ERROR_WANT_READ ? POLLIN : POLLOUT),
                 .revents = 0};
    ::poll(&ready, 1, -1);
}

/// What `recv` said: an amount, nothing for now, or the end.
std::optional<std::size_t> taken(ssize_t count) {
    if (count < 0 && errno == EAGAIN) {
        return std::nullopt;
    }
    if (count <= 0) {
        throw Hindrance{"the server closed the connection"};
    }
    return static_cast<std::size_t>(count);
}

}   // namespace

bool is_secure(const Url& url) {
    return std::ranges::find(secure_schemes, url.scheme) != secure_schemes.end();
}

Line::Line(const Url& url) : socket_{connect_to(url.server)} {
    if (!is_secure(url)) {
        return;
    }
    static const net::TlsClient client{{.anyone = true}};
    Result<UniqueSsl> ssl = client.connect(socket_.number(), url.server.address);
    if (!ssl) {
        throw Hindrance{std::string{ssl.error().what}};
    }
    ssl_ = *std::move(ssl);
    for (int returned = 0; (returned = SSL_do_handshake(ssl_.get())) != 1;) {
        wait_for_ssl(ssl_.get(), returned);
    }
    set_nonblocking(socket_.number());
}

void Line::send(ByteSpan bytes) {
    if (ssl_ == nullptr) {
        return send_all(socket_.number(), bytes);
    }
    while (!bytes.empty()) {
        std::size_t written = 0;
        const int returned = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
        if (returned != 1) {
            wait_for_ssl(ssl_.get(), returned);
        }
        bytes = bytes.subspan(written);
    }
}

std::optional<std::size_t> Line::receive(std::span<std::byte> into) {
    if (ssl_ == nullptr) {
        return taken(::recv(socket_.number(), into.data(), into.size(), MSG_DONTWAIT));
    }
    ERR_clear_error();
    std::size_t total = 0;
    while (total < into.size()) {   // a record at a time
        std::size_t count = 0;
        const int returned = SSL_read_ex(ssl_.get(), into.data() + total, into.size() - total, &count);
        total += count;
        if (returned != 1) {
            if (SSL_get_error(ssl_.get(), returned) != SSL_ERROR_WANT_READ) {
                throw Hindrance{"TLS: the server closed the connection"};
            }
            break;
        }
    }
    return total > 0 ? std::optional{total} : std::nullopt;
}

std::optional<std::size_t> Line::drop(std::span<std::byte> scratch, std::size_t at_most) {
    // TCP drops the bytes and says how many they were (tcp(7)).
    ssl_.reset();
    return taken(::recv(socket_.number(), scratch.data(), std::min(at_most, scratch.size()),
                        MSG_DONTWAIT | MSG_TRUNC));
}

}   // namespace millrace::loadgen
