#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/tcp_connection.hpp"

#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstring>

namespace millrace::loadgen {

namespace {

// Shared bytes that are sent round and round.
constexpr std::size_t ring_size = 4U << 20U;

struct Link {
    net::Descriptor socket;
    std::uint64_t sent = 0;
    sockaddr_in ear{};   // of datagrams
};

/// Where a viewer wants its datagrams: five digits, a port on loopback.
sockaddr_in read_ear(int socket) {
    std::array<char, 5> digits{};
    std::size_t have = 0;
    while (have < digits.size()) {
        const ssize_t count = ::recv(socket, digits.data() + have, digits.size() - have, 0);
        if (count <= 0 && errno != EAGAIN) {
            throw Hindrance{"a viewer says no port"};
        }
        have += static_cast<std::size_t>(std::max<ssize_t>(count, 0));
    }
    sockaddr_in ear{};
    std::uint16_t port = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), port);
    ear.sin_family = AF_INET;
    ear.sin_port = htons(port);
    ear.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return ear;
}

std::vector<Link> accept_all(int listener, std::size_t count) {
    std::vector<Link> links;
    while (links.size() < count) {
        pollfd readable{.fd = listener, .events = POLLIN, .revents = 0};
        ::poll(&readable, 1, -1);
        net::Descriptor socket{::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)};
        if (socket) {
            net::tune(socket.number());
            links.push_back({.socket = std::move(socket)});
        }
    }
    return links;
}

void sleep_until(Instant when) {
    const timespec time{.tv_sec = when.nanoseconds() / 1'000'000'000,
                        .tv_nsec = when.nanoseconds() % 1'000'000'000};
    ::clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, nullptr);
}

/// The bytes of each beat: a key frame at a group's first, and the rest in equal parts.
class Beats {
public:
    Beats(const FloorOptions& options)
        : beat_{options.beat_ms / 1000},
          gop_{options.rate.gop_seconds},
          key_{static_cast<double>(options.rate.key_size())},
          rest_per_second_{(static_cast<double>(options.rate.bytes_per_gop()) - key_) / gop_ +
                           static_cast<double>(options.extra_kbps) * 125} {}

    /// How much has been made when beat `number` comes.
    std::uint64_t bytes_until(std::uint64_t number) const {
        const double time = static_cast<double>(number) * beat_;
        return static_cast<std::uint64_t>((std::floor(time / gop_ + 1e-9) + 1) * key_ +
                                          (time + beat_) * rest_per_second_);
    }

private:
    double beat_;
    double gop_;
    double key_;
    double rest_per_second_;
};

/// One send to each viewer; those that are gone or take less catch up or not, as they like.
struct Round {
    std::uint64_t sends = 0;
    std::size_t gone = 0;

    void serve(std::vector<Link>& links, ByteSpan ring, std::uint64_t head) {
        for (Link& link : links) {
            const std::uint64_t behind = head - link.sent;
            if (!link.socket || behind == 0) {
                continue;
            }
            const std::size_t place = link.sent % ring_size;
            const std::size_t size = std::min<std::uint64_t>(behind, ring.size() - place);
            const ssize_t sent =
                ::send(link.socket.number(), ring.data() + place, size, MSG_DONTWAIT | MSG_NOSIGNAL);
            ++sends;
            if (sent > 0) {
                link.sent += static_cast<std::size_t>(sent);
            } else if (sent < 0 && errno != EAGAIN) {
                link.socket = {};
                ++gone;
            }
        }
    }
};

/// One message to each viewer, cut by the kernel into packets of one size; many messages a call.
class DatagramRound {
public:
    DatagramRound() : socket_{datagram_socket(0)} {
        constexpr int much = 8 << 20;
        ::setsockopt(socket_.number(), SOL_SOCKET, SO_SNDBUF, &much, sizeof much);
    }

    void serve(std::vector<Link>& links, ByteSpan ring, std::uint64_t head) {
        for (Link& link : links) {
            while (link.sent < head) {
                const std::size_t size = std::min<std::uint64_t>(head - link.sent, message_max);
                add(link, ring.subspan(link.sent % ring_size, size));
                link.sent += size;
            }
        }
        flush();
    }
    std::uint64_t sends() const { return sends_; }

private:
    static constexpr std::uint16_t packet = 1400;
    static constexpr std::uint64_t message_max = 46 * packet;   // what one message may be cut into
    static constexpr std::size_t batch = 64;
    struct Cut {
        alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof packet)> bytes;
    };

    void add(Link& link, ByteSpan bytes) {
        parts_[count_] = {const_cast<std::byte*>(bytes.data()), bytes.size()};
        msghdr& header = headers_[count_].msg_hdr;
        header = {};
        header.msg_name = &link.ear;
        header.msg_namelen = sizeof link.ear;
        header.msg_iov = &parts_[count_];
        header.msg_iovlen = 1;
        header.msg_control = cuts_[count_].bytes.data();
        header.msg_controllen = cuts_[count_].bytes.size();
        cmsghdr* const control = CMSG_FIRSTHDR(&header);
        control->cmsg_level = IPPROTO_UDP;
        control->cmsg_type = UDP_SEGMENT;
        control->cmsg_len = CMSG_LEN(sizeof packet);
        std::memcpy(CMSG_DATA(control), &packet, sizeof packet);
        if (++count_ == batch) {
            flush();
        }
    }
    void flush() {
        if (count_ > 0) {
            ::sendmmsg(socket_.number(), headers_.data(), static_cast<unsigned>(count_), MSG_DONTWAIT);
            ++sends_;
            count_ = 0;
        }
    }

    net::Descriptor socket_;
    std::size_t count_ = 0;
    std::uint64_t sends_ = 0;
    std::array<mmsghdr, batch> headers_{};
    std::array<iovec, batch> parts_{};
    std::array<Cut, batch> cuts_{};
};

/// Whether somebody is still there; of datagrams only the connection tells.
bool anybody_left(const std::vector<Link>& links) {
    return std::ranges::any_of(links, [](const Link& link) {
        std::byte byte{};
        return ::recv(link.socket.number(), &byte, 1, MSG_DONTWAIT | MSG_PEEK) != 0;
    });
}

}   // namespace

int floor(const FloorOptions& options) {
    const net::Descriptor listener = listen_on_loopback();
    fmt::print("{{\"listening\": \"127.0.0.1:{}\"}}\n", local_port(listener.number()));
    std::fflush(stdout);
    std::vector<Link> links = accept_all(listener.number(), options.viewers);

    // Twice as long as a place in it can be, so that a beat is never cut at its end.
    const std::vector<std::byte> ring(2 * ring_size, std::byte{0x55});
    const Beats beats{options};
    for (Link& link : links) {
        link.ear = options.datagrams ? read_ear(link.socket.number()) : sockaddr_in{};
    }
    constexpr std::uint64_t beats_between_looks = 16;
    const Instant began = now();
    Round round;
    DatagramRound datagrams;
    for (std::uint64_t beat = 0; round.gone < links.size(); ++beat) {
        sleep_until(began +
                    Duration{static_cast<std::int64_t>(static_cast<double>(beat) * options.beat_ms * 1e6)});
        if (!options.datagrams) {
            round.serve(links, ring, beats.bytes_until(beat));
            continue;
        }
        datagrams.serve(links, ring, beats.bytes_until(beat));
        if (beat % beats_between_looks == 0 && !anybody_left(links)) {
            break;
        }
    }
    round.sends += datagrams.sends();
    const double seconds = std::chrono::duration<double>{now() - began}.count();
    fmt::print("{{\"sends\": {}, \"seconds\": {:.3f}}}\n", round.sends, seconds);
    return 0;
}

}   // namespace millrace::loadgen
