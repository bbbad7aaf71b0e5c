#pragma once

#include "base/bytes.hpp"
#include "base/connection.hpp"
#include "base/time.hpp"
#include "net/descriptor.hpp"

#include <sys/epoll.h>

#include <cstddef>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace millrace::loadgen {

/// The world does not let us measure: no peer, a refusal. Its text is for the user.
struct Hindrance : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// A TCP connection, tuned as the server's. Throws Hindrance.
net::Descriptor connect_to(const Endpoint& to);
/// A non-blocking listening socket on a port of the kernel's choice on loopback.
net::Descriptor listen_on_loopback();
std::uint16_t local_port(int socket);
/// A socket for UDP on loopback; port 0: the kernel chooses. An empty one where the port is taken.
net::Descriptor datagram_socket(std::uint16_t port);
/// Takes the datagrams that wait, unread, and returns how many bytes they were.
std::size_t drain_datagrams(int socket);

void set_nonblocking(int socket);

/// Sends what fits; throws Hindrance when the connection is gone. Returns how much.
std::size_t send_some(int socket, ByteSpan bytes);
/// Sends everything, waiting as long as it takes.
void send_all(int socket, ByteSpan bytes);

/// Who waits for which socket. Level-triggered.
class Poll {
public:
    static constexpr int events_max = 512;

    Poll();
    void add(int socket, std::uint32_t events, void* owner) { control(EPOLL_CTL_ADD, socket, events, owner); }
    void change(int socket, std::uint32_t events, void* owner) {
        control(EPOLL_CTL_MOD, socket, events, owner);
    }
    /// What is ready, after at most `patience`; valid until the next call.
    std::span<const epoll_event> wait(Duration patience);

private:
    void control(int operation, int socket, std::uint32_t events, void* owner);

    net::Descriptor poll_;
    std::vector<epoll_event> ready_;
};

}   // namespace millrace::loadgen
