#include "net/tcp_connection.hpp"

#include "base/check.hpp"
#include "net/parting.hpp"
#include "net/socket_address.hpp"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>

namespace millrace::net {

namespace {

// Bounds what a stalled viewer holds in the kernel to about 0.3 MB, and keeps stale data in our log, where
// it can still be skipped. SO_SNDBUF stays unset: a fixed size would switch off autotuning.
constexpr int unsent_bytes_max = 128 * 1024;
constexpr int unsent_bytes_little = 8 * 1024;
constexpr int unacknowledged_ms_max = 15'000;
constexpr int keepalive_after_s = 30;
constexpr int keepalive_interval_s = 10;
constexpr int keepalive_probes = 3;

std::unexpected<Error> socket_failure(int error) {
    switch (error) {
        case EAGAIN: return fail(Errc::would_block, "the socket is not ready");
        case ECONNRESET:
        case EPIPE: return fail(Errc::closed, "the peer broke the connection off");
        case ETIMEDOUT: return fail(Errc::closed, "the peer does not answer any more");
        case EHOSTUNREACH:
        case ENETUNREACH: return fail(Errc::closed, "the peer cannot be reached any more");
        default: return fail(Errc::io, "the socket failed");
    }
}

void set_option(int socket, int level, int option, int value) {
    // A kernel that lacks one of these still serves.
    setsockopt(socket, level, option, &value, sizeof value);
}

}   // namespace

void tune(int socket) {
    set_option(socket, IPPROTO_TCP, TCP_NODELAY, 1);
    set_option(socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes_max);
    set_option(socket, IPPROTO_TCP, TCP_USER_TIMEOUT, unacknowledged_ms_max);
    set_option(socket, SOL_SOCKET, SO_KEEPALIVE, 1);
    set_option(socket, IPPROTO_TCP, TCP_KEEPIDLE, keepalive_after_s);
    set_option(socket, IPPROTO_TCP, TCP_KEEPINTVL, keepalive_interval_s);
    set_option(socket, IPPROTO_TCP, TCP_KEEPCNT, keepalive_probes);
}

TcpConnection::TcpConnection(Worker& worker, Descriptor socket)
    : worker_{worker},
      watch_{worker, std::move(socket), *this},
      peer_{SocketAddress::peer_of(watch_.descriptor()).endpoint()},
      local_{SocketAddress::local_of(watch_.descriptor()).endpoint()} {
}

TcpConnection::TcpConnection(Worker& worker, Descriptor socket, Arrival arrival)
    : worker_{worker},
      watch_{worker, std::move(socket), *this},
      encrypted_{arrival.encrypted},
      pass_{std::move(arrival.pass)},
      peer_{std::move(arrival.peer)},
      local_{SocketAddress::local_of(watch_.descriptor()).endpoint()} {
}

TcpConnection::~TcpConnection() {
    TcpConnection::close();
}

Result<std::size_t> TcpConnection::try_read(std::span<std::byte> into) {
    if (closed_) {
        return fail(Errc::cancelled, "connection closed by us");
    }
    check(!into.empty(), "a read has room for a byte");
    for (;;) {
        const ssize_t count = ::recv(watch_.descriptor(), into.data(), into.size(), MSG_DONTWAIT);
        if (count > 0) {
            if (static_cast<std::size_t>(count) < into.size()) {
                watch_.drained();
            }
            return static_cast<std::size_t>(count);
        }
        if (count == 0) {
            return fail(Errc::closed, "the peer closed the connection");
        }
        if (errno == EAGAIN) {
            watch_.drained();
        }
        if (errno != EINTR) {
            return socket_failure(errno);
        }
    }
}

Result<std::size_t> TcpConnection::try_write(std::span<const ByteSpan> slices) {
    if (closed_) {
        return fail(Errc::cancelled, "connection closed by us");
    }
    std::array<iovec, gather_max> parts;
    std::size_t count = 0;
    for (const ByteSpan slice : slices.first(std::min(slices.size(), gather_max))) {
        if (!slice.empty()) {
            parts[count++] = {const_cast<std::byte*>(slice.data()), slice.size()};
        }
    }
    if (count == 0) {
        return std::size_t{0};
    }
    msghdr message{};
    message.msg_iov = parts.data();
    message.msg_iovlen = count;
    constexpr int flags = MSG_DONTWAIT | MSG_NOSIGNAL;
    for (;;) {
        // Nearly always it is one part, and the plain call is the cheaper one.
        const ssize_t sent = count == 1
                                 ? ::send(watch_.descriptor(), parts[0].iov_base, parts[0].iov_len, flags)
                                 : ::sendmsg(watch_.descriptor(), &message, flags);
        if (sent >= 0) {
            return static_cast<std::size_t>(sent);
        }
        if (errno != EINTR) {
            return socket_failure(errno);
        }
    }
}

std::size_t TcpConnection::unacknowledged() const {
    int bytes = 0;
    return closed_ || ::ioctl(watch_.descriptor(), SIOCOUTQ, &bytes) != 0 || bytes < 0
               ? 0
               : static_cast<std::size_t>(bytes);
}

void TcpConnection::hold_little() {
    if (!closed_) {
        set_option(watch_.descriptor(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, unsent_bytes_little);
    }
}

void TcpConnection::wait_readable(Waiter* waiter) {
    reader_ = waiter;
    if (waiter != nullptr) {
        watch_.ask(Watch::Direction::read);
    }
}

void TcpConnection::wait_writable(Waiter* waiter) {
    writer_ = waiter;
    if (waiter != nullptr) {
        watch_.ask(Watch::Direction::write);
    }
}

void TcpConnection::on_ready(Watch::Direction direction) {
    Waiter* const waiter = std::exchange(direction == Watch::Direction::read ? reader_ : writer_, nullptr);
    if (waiter != nullptr) {
        waiter->on_ready(closed_ ? Result<>{fail(Errc::cancelled, "connection closed by us")} : Result<>{});
    }
}

Descriptor TcpConnection::release() {
    closed_ = true;
    pass_.give_back();
    return watch_.release();   // which also answers the waiters
}

void TcpConnection::close() {
    if (!closed_) {
        part(worker_, release());
    }
}

}   // namespace millrace::net
