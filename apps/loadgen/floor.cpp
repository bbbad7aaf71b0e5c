#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/tcp_connection.hpp"

#include <poll.h>
#include <sys/socket.h>
#include <time.h>

#include <algorithm>
#include <cmath>

namespace millrace::loadgen {

namespace {

// Shared bytes that are sent round and round.
constexpr std::size_t ring_size = 4U << 20U;

struct Link {
    net::Descriptor socket;
    std::uint64_t sent = 0;
};

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

}   // namespace

int floor(const FloorOptions& options) {
    const net::Descriptor listener = listen_on_loopback();
    fmt::print("{{\"listening\": \"127.0.0.1:{}\"}}\n", local_port(listener.number()));
    std::fflush(stdout);
    std::vector<Link> links = accept_all(listener.number(), options.viewers);

    // Twice as long as a place in it can be, so that a beat is never cut at its end.
    const std::vector<std::byte> ring(2 * ring_size, std::byte{0x55});
    const Beats beats{options};
    const Instant began = now();
    Round round;
    for (std::uint64_t beat = 0; round.gone < links.size(); ++beat) {
        sleep_until(began +
                    Duration{static_cast<std::int64_t>(static_cast<double>(beat) * options.beat_ms * 1e6)});
        round.serve(links, ring, beats.bytes_until(beat));
    }
    const double seconds = std::chrono::duration<double>{now() - began}.count();
    fmt::print("{{\"sends\": {}, \"seconds\": {:.3f}}}\n", round.sends, seconds);
    return 0;
}

}   // namespace millrace::loadgen
