#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/stopping.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/system_random.hpp"
#include "net/tcp_connection.hpp"
#include "protocol/rtmp/server.hpp"
#include "protocol/rtsp/server.hpp"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace millrace::loadgen {

namespace {

constexpr std::size_t read_size = 64U << 10U;
constexpr Duration patience = 1s;

/// Whether the publisher was let in with what happened just now.
bool let_in(rtmp::Server& server) {
    while (const std::optional<rtmp::Server::Event> event = server.next_event()) {
        if (std::holds_alternative<rtmp::Server::PublishRequested>(*event)) {
            server.accept_publish();
        }
    }
    return server.publishing();
}

bool let_in(rtsp::Server& server) {
    while (const std::optional<rtsp::Server::Event> event = server.next_event()) {
        if (std::holds_alternative<rtsp::Server::PublishRequested>(*event)) {
            server.accept_publish();
        }
    }
    return server.recording();
}

/// A publisher, with somebody to talk to until its media may come.
class Guest {
public:
    Guest(net::Descriptor socket, bool rtsp) : socket_{std::move(socket)} {
        if (rtsp) {
            rtsp_ = std::make_unique<rtsp::Server>(random_, now());
        } else {
            rtmp_ = std::make_unique<rtmp::Server>(random_, now());
        }
    }

    int socket() const { return socket_.number(); }
    bool greeted() const { return rtmp_ == nullptr && rtsp_ == nullptr; }
    void hear(ByteSpan bytes) {
        const bool done = rtmp_ != nullptr ? hear(*rtmp_, bytes) : hear(*rtsp_, bytes);
        if (done) {
            rtmp_.reset();
            rtsp_.reset();
        }
    }

private:
    template <ProtocolMachine M>
    bool hear(M& machine, ByteSpan bytes) {
        if (const Result<> received = machine.receive(bytes, now()); !received) {
            throw Hindrance{std::string{received.error().what}};
        }
        const bool done = let_in(machine);
        send_all(socket(), machine.next_output());
        return done;
    }

    net::SystemRandom random_;
    net::Descriptor socket_;
    std::unique_ptr<rtmp::Server> rtmp_;
    std::unique_ptr<rtsp::Server> rtsp_;
};

class Sink {
public:
    Sink(int listener, bool rtsp) : listener_{listener}, rtsp_{rtsp} { poll_.add(listener, EPOLLIN, this); }

    void turn() {
        ++waits_;
        for (const epoll_event& event : poll_.wait(patience)) {
            if (event.data.ptr == this) {
                welcome();
            } else {
                read(*static_cast<Guest*>(event.data.ptr));
            }
        }
    }
    std::uint64_t reads() const { return reads_; }
    std::uint64_t waits() const { return waits_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    void welcome() {
        net::Descriptor socket{::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            net::tune(socket.number());
            Guest& guest = *guests_.emplace_back(std::make_unique<Guest>(std::move(socket), rtsp_));
            poll_.add(guest.socket(), EPOLLIN | EPOLLET, &guest);
        }
    }
    /// One read an event, unless more waits than one can take.
    void read(Guest& guest) {
        for (bool more = true; more;) {
            const ssize_t count = ::recv(guest.socket(), buffer_.data(), buffer_.size(), MSG_DONTWAIT);
            ++reads_;
            more = count == static_cast<ssize_t>(buffer_.size());
            if (count <= 0) {
                return;
            }
            bytes_ += static_cast<std::uint64_t>(count);
            if (!guest.greeted()) {
                guest.hear(ByteSpan{buffer_}.first(static_cast<std::size_t>(count)));
            }
        }
    }

    int listener_;
    bool rtsp_;
    Poll poll_;
    std::vector<std::unique_ptr<Guest>> guests_;
    std::array<std::byte, read_size> buffer_;
    std::uint64_t reads_ = 0;
    std::uint64_t waits_ = 0;
    std::uint64_t bytes_ = 0;
};

}   // namespace

int sink(const SinkOptions& options) {
    stop_when_told();
    const net::Descriptor listener = listen_on_loopback();
    Sink sink{listener.number(), options.rtsp};
    fmt::print("{{\"listening\": \"127.0.0.1:{}\"}}\n", local_port(listener.number()));
    std::fflush(stdout);
    while (stopped == 0) {
        sink.turn();
    }
    fmt::print("{{\"reads\": {}, \"waits\": {}, \"bytes\": {}}}\n", sink.reads(), sink.waits(), sink.bytes());
    return 0;
}

}   // namespace millrace::loadgen
