#include "apps/loadgen/socket.hpp"

#include "apps/loadgen/verbs.hpp"
#include "net/socket_address.hpp"
#include "net/tcp_connection.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>

namespace millrace::loadgen {

namespace {

std::string reason(std::string_view what) {
    return fmt::format("{}: {}", what, std::strerror(errno));
}

net::Descriptor tcp_socket(int family, int flags) {
    net::Descriptor socket{::socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0)};
    if (!socket) {
        throw Hindrance{reason("no socket")};
    }
    return socket;
}

}   // namespace

Endpoint parse_endpoint(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    Endpoint endpoint;
    if (colon != std::string::npos) {
        endpoint.address = text.substr(0, colon);
        std::from_chars(text.data() + colon + 1, text.data() + text.size(), endpoint.port);
        if (endpoint.address.starts_with('[') && endpoint.address.ends_with(']')) {
            endpoint.address = endpoint.address.substr(1, endpoint.address.size() - 2);
        }
    }
    if (endpoint.port == 0 || !net::SocketAddress::parse(endpoint)) {
        throw Hindrance{fmt::format("{} is not an address; wanted is one such as 127.0.0.1:8080", text)};
    }
    return endpoint;
}

Instant now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return Instant::from_nanoseconds(time.tv_sec * 1'000'000'000 + time.tv_nsec);
}

net::Descriptor connect_to(const Endpoint& to) {
    const net::SocketAddress address = net::SocketAddress::parse(to).value();
    net::Descriptor socket = tcp_socket(address.family(), 0);
    net::tune(socket.number());
    if (::connect(socket.number(), address.raw(), address.size) != 0) {
        throw Hindrance{reason(fmt::format("no way to {}", to.text()))};
    }
    return socket;
}

void set_nonblocking(int socket) {
    ::fcntl(socket, F_SETFL, ::fcntl(socket, F_GETFL) | O_NONBLOCK);
}

net::Descriptor listen_on_loopback() {
    net::Descriptor socket = tcp_socket(AF_INET, SOCK_NONBLOCK);
    const net::SocketAddress address = net::SocketAddress::parse({.address = "127.0.0.1", .port = 0}).value();
    if (::bind(socket.number(), address.raw(), address.size) != 0 ||
        ::listen(socket.number(), SOMAXCONN) != 0) {
        throw Hindrance{reason("no listening socket")};
    }
    return socket;
}

std::uint16_t local_port(int socket) {
    return net::SocketAddress::local_of(socket).endpoint().port;
}

net::Descriptor datagram_socket(std::uint16_t port) {
    net::Descriptor socket{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    if (!socket) {
        throw Hindrance{reason("no socket")};
    }
    const net::SocketAddress address =
        net::SocketAddress::parse({.address = "127.0.0.1", .port = port}).value();
    if (::bind(socket.number(), address.raw(), address.size) != 0) {
        return {};
    }
    return socket;
}

std::size_t drain_datagrams(int socket) {
    constexpr std::size_t batch = 64;
    std::array<mmsghdr, batch> headers{};
    std::array<std::byte, 1> little{};
    iovec part{.iov_base = little.data(), .iov_len = little.size()};
    for (mmsghdr& header : headers) {
        header.msg_hdr.msg_iov = &part;
        header.msg_hdr.msg_iovlen = 1;
    }
    std::size_t bytes = 0;
    for (;;) {
        // With MSG_TRUNC a datagram's length is said, however little of it is taken (recv(2)).
        const int count = ::recvmmsg(socket, headers.data(), batch, MSG_DONTWAIT | MSG_TRUNC, nullptr);
        for (int i = 0; i < count; ++i) {
            bytes += headers.at(static_cast<std::size_t>(i)).msg_len;
        }
        if (count < static_cast<int>(batch)) {
            return bytes;
        }
    }
}

std::size_t send_some(int socket, ByteSpan bytes) {
    // Every call says that it must not wait: sockets that connected are blocking ones.
    const ssize_t sent = ::send(socket, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (sent >= 0) {
        return static_cast<std::size_t>(sent);
    }
    if (errno == EAGAIN || errno == EINTR) {
        return 0;
    }
    throw Hindrance{reason("the connection broke")};
}

void send_all(int socket, ByteSpan bytes) {
    while (!bytes.empty()) {
        const std::size_t sent = send_some(socket, bytes);
        bytes = bytes.subspan(sent);
        if (sent == 0) {
            pollfd writable{.fd = socket, .events = POLLOUT, .revents = 0};
            ::poll(&writable, 1, -1);
        }
    }
}

Poll::Poll() : poll_{::epoll_create1(EPOLL_CLOEXEC)}, ready_(events_max) {
    if (!poll_) {
        throw Hindrance{reason("no epoll")};
    }
}

void Poll::control(int operation, int socket, std::uint32_t events, void* owner) {
    epoll_event event{};
    event.events = events;
    event.data.ptr = owner;
    if (::epoll_ctl(poll_.number(), operation, socket, &event) != 0) {
        throw Hindrance{reason("epoll_ctl failed")};
    }
}

std::span<const epoll_event> Poll::wait(Duration patience) {
    const auto ms = std::chrono::ceil<std::chrono::milliseconds>(std::max(patience, Duration{})).count();
    const int count = ::epoll_wait(poll_.number(), ready_.data(), events_max, static_cast<int>(ms));
    return std::span{ready_}.first(static_cast<std::size_t>(std::max(count, 0)));
}

}   // namespace millrace::loadgen
