#include "protocol/kcp/conversation.hpp"

#include <arpa/inet.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>
#include <map>
#include <string_view>

// Sends back what comes over bare KCP to a UDP port of 127.0.0.1, for tests with other people's KCP:
// kcppeer MODE WINDOW MTU message|stream. It prints the port, and ends with its standard input.

namespace {

using namespace millrace;

Instant now() {
    return Instant::from_nanoseconds(std::chrono::steady_clock::now().time_since_epoch().count());
}

unsigned number(std::string_view text) {
    unsigned value = 0;
    std::from_chars(text.data(), text.data() + text.size(), value);
    return value;
}

/// One peer's conversation, and what waits to go back.
struct Echo {
    Echo(const kcp::Settings& settings, Instant at) : kcp{settings, at} {}

    /// Takes no more than can go back: the window then tells the peer.
    void turn() {
        while (kcp.waiting() < waiting_max) {
            std::optional<std::vector<std::byte>> message = kcp.next_message();
            if (!message) {
                return;
            }
            if (const Result<> sent = kcp.send(Bytes{std::move(*message)}, now()); !sent) {
                fmt::print(stderr, "{}\n", sent.error().what);
            }
        }
    }

    static constexpr std::size_t waiting_max = 4'096;
    kcp::Conversation kcp;
};

class Port {
public:
    explicit Port(const kcp::Settings& settings)
        : settings_{settings}, socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)} {
        sockaddr_in at{};
        at.sin_family = AF_INET;
        at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        socklen_t size = sizeof at;
        if (::bind(socket_, reinterpret_cast<sockaddr*>(&at), size) != 0 ||
            ::getsockname(socket_, reinterpret_cast<sockaddr*>(&at), &size) != 0) {
            fmt::print(stderr, "no UDP port on 127.0.0.1\n");
            return;
        }
        fmt::print("{}\n", ntohs(at.sin_port));
        static_cast<void>(std::fflush(stdout));
    }

    void run() {
        for (;;) {
            Instant due = now() + 1s;
            for (const auto& [key, echo] : echoes_) {
                due = std::min(due, echo.kcp.deadline());
            }
            const auto wait = std::max<std::int64_t>(0, (due - now() + 999us) / 1ms);
            std::array<pollfd, 2> wanted{pollfd{socket_, POLLIN, 0}, pollfd{0, POLLIN, 0}};
            ::poll(wanted.data(), wanted.size(), static_cast<int>(wait));
            if (wanted[1].revents != 0) {
                return;
            }
            receive();
            send();
        }
    }

private:
    using Key = std::pair<std::uint64_t, std::uint32_t>;   // address and port, conversation

    void receive() {
        std::array<std::byte, 2048> buffer{};
        sockaddr_in from{};
        socklen_t size = sizeof from;
        for (;;) {
            const ssize_t got = ::recvfrom(socket_, buffer.data(), buffer.size(), 0,
                                           reinterpret_cast<sockaddr*>(&from), &size);
            if (got < 0) {
                return;
            }
            const ByteSpan datagram{buffer.data(), static_cast<std::size_t>(got)};
            const Result<std::uint32_t> conv = kcp::conversation_of(datagram);
            if (!conv) {
                continue;
            }
            settings_.conv = *conv;
            const std::uint64_t peer = std::uint64_t{from.sin_addr.s_addr} << 16U | from.sin_port;
            Echo& echo = echoes_.try_emplace(Key{peer, *conv}, settings_, now()).first->second;
            [[maybe_unused]] const Result<> taken = echo.kcp.receive(datagram, now());
        }
    }

    void send() {
        for (auto& [key, echo] : echoes_) {
            if (echo.kcp.deadline() <= now()) {
                echo.kcp.advance(now());
            }
            echo.turn();
            sockaddr_in to{};
            to.sin_family = AF_INET;
            to.sin_addr.s_addr = static_cast<in_addr_t>(key.first >> 16U);
            to.sin_port = static_cast<in_port_t>(key.first);
            while (const std::optional<kcp::Outgoing> out = echo.kcp.next_output()) {
                ::sendto(socket_, out->bytes.data(), out->bytes.size(), 0, reinterpret_cast<sockaddr*>(&to),
                         sizeof to);
            }
        }
    }

    kcp::Settings settings_;
    int socket_;
    std::map<Key, Echo> echoes_;
};

}   // namespace

int main(int count, char** words) {
    const auto mode = kcp::named_mode(count == 5 ? words[1] : "");
    if (!mode) {
        fmt::print(stderr, "usage: kcppeer MODE WINDOW MTU message|stream\n");
        return 2;
    }
    kcp::Settings settings = mode->for_plain_peer();
    settings.receive_window = static_cast<std::uint16_t>(number(words[2]));
    settings.mtu = number(words[3]);
    settings.stream = std::string_view{words[4]} == "stream";
    if (const Result<> good = kcp::validate(settings); !good) {
        fmt::print(stderr, "{}\n", good.error().what);
        return 2;
    }
    Port{settings}.run();
    return 0;
}
