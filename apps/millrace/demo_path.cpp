#include "apps/millrace/demo_path.hpp"

#include <arpa/inet.h>
#include <poll.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <span>
#include <stdexcept>
#include <vector>

namespace millrace::apps {

namespace {

constexpr int wait_ms = 100;   // for somebody who wants it to stop
constexpr std::size_t datagram_max = 65'536;
constexpr int room = 4 << 20;
/// So many in a row of one end, then the others have their turn.
constexpr int burst = 64;

sockaddr_in place_of(std::uint16_t port) {
    sockaddr_in place{};
    place.sin_family = AF_INET;
    place.sin_port = htons(port);
    place.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return place;
}

const sockaddr* plain(const sockaddr_in& place) {
    return reinterpret_cast<const sockaddr*>(&place);
}

net::Descriptor udp_socket() {
    net::Descriptor made{socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    // As much as the system lets us have: the path itself loses nothing.
    setsockopt(made.number(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
    return made;
}

std::span<char> buffer() {
    static thread_local std::array<char, datagram_max> bytes;
    return bytes;
}

}   // namespace

DemoPath::DemoPath() : door_{udp_socket()} {
    sockaddr_in here = place_of(0);
    socklen_t size = sizeof here;
    if (!door_ || bind(door_.number(), plain(here), sizeof here) != 0 ||
        getsockname(door_.number(), reinterpret_cast<sockaddr*>(&here), &size) != 0) {
        throw std::runtime_error{std::string{"the demo's link has no port on 127.0.0.1: "} +
                                 std::strerror(errno)};
    }
    port_ = ntohs(here.sin_port);
}

void DemoPath::lead_to(std::uint16_t server) {
    thread_ = std::jthread{[this, server](const std::stop_token& stop) { run(stop, server); }};
}

void DemoPath::run(const std::stop_token& stop, std::uint16_t server) {
    std::vector<pollfd> ends;
    while (!stop.stop_requested()) {
        ends.assign(1, {door_.number(), POLLIN, 0});
        for (const auto& [caller, line] : lines_) {
            ends.push_back({line.number(), POLLIN, 0});
        }
        if (poll(ends.data(), ends.size(), wait_ms) <= 0) {
            continue;
        }
        auto end = ends.begin() + 1;
        for (const auto& [caller, line] : lines_) {
            if ((end++)->revents != 0) {
                from_server(caller, line);
            }
        }
        from_callers(server);
    }
}

void DemoPath::from_callers(std::uint16_t server) {
    for (int count = 0; count < burst; ++count) {
        sockaddr_in from{};
        socklen_t size = sizeof from;
        const ssize_t got = recvfrom(door_.number(), buffer().data(), buffer().size(), 0,
                                     reinterpret_cast<sockaddr*>(&from), &size);
        if (got < 0) {
            return;
        }
        if (cut_) {
            continue;
        }
        const Caller caller = ntohs(from.sin_port);
        auto line = lines_.find(caller);
        if (line == lines_.end() && lines_.size() < callers_max) {
            net::Descriptor made = udp_socket();
            const sockaddr_in to = place_of(server);
            if (made && connect(made.number(), plain(to), sizeof to) == 0) {
                line = lines_.emplace(caller, std::move(made)).first;
            }
        }
        if (line != lines_.end()) {
            // Where the server is gone, nobody takes it: so it is on a network.
            [[maybe_unused]] const ssize_t sent =
                send(line->second.number(), buffer().data(), static_cast<std::size_t>(got), 0);
        }
    }
}

void DemoPath::from_server(Caller caller, const net::Descriptor& line) {
    const sockaddr_in to = place_of(static_cast<std::uint16_t>(caller));
    for (int count = 0; count < burst; ++count) {
        const ssize_t got = recv(line.number(), buffer().data(), buffer().size(), 0);
        if (got < 0) {
            return;
        }
        if (!cut_) {
            [[maybe_unused]] const ssize_t sent = sendto(
                door_.number(), buffer().data(), static_cast<std::size_t>(got), 0, plain(to), sizeof to);
        }
    }
}

}   // namespace millrace::apps
