#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/stopping.hpp"
#include "apps/loadgen/synthetic_camera.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/system_random.hpp"
#include "protocol/rtmp/client.hpp"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace millrace::loadgen {

namespace {

/// One publishing connection: a machine over a socket that is waited for.
class Publisher {
public:
    Publisher(const Endpoint& to, rtmp::Client::Options options)
        : socket_{connect_to(to)}, client_{random_, std::move(options), now()} {}

    /// Until the server lets us.
    void start() {
        while (!started_) {
            wait(client_.deadline());
        }
    }
    void send(const rtmp::Media& media) {
        client_.send(media);
        flush();
    }
    void end() {
        client_.end();
        flush();
    }
    /// Listens to the server until then.
    void wait(Instant until) {
        flush();
        pollfd readable{.fd = socket_.number(), .events = POLLIN, .revents = 0};
        const Duration left = std::max(until - now(), Duration{});
        const timespec patience{.tv_sec = left / 1s, .tv_nsec = (left % 1s).count()};
        if (::ppoll(&readable, 1, &patience, nullptr) > 0) {
            listen();
        } else if (client_.deadline() <= now()) {
            demand(client_.advance(now()));
        }
    }
    std::uint64_t bytes() const { return bytes_; }

private:
    static void demand(const Result<>& result) {
        if (!result) {
            throw Hindrance{std::string{result.error().what}};
        }
    }
    void flush() {
        const std::vector<std::byte> output = client_.next_output();
        send_all(socket_.number(), output);
        bytes_ += output.size();
    }
    void listen() {
        std::array<std::byte, 4096> buffer;
        const ssize_t count = ::recv(socket_.number(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count == 0) {
            throw Hindrance{"the server closed the connection"};
        }
        if (count > 0) {
            demand(client_.receive(ByteSpan{buffer}.first(static_cast<std::size_t>(count)), now()));
        }
        while (const std::optional<rtmp::Client::Event> event = client_.next_event()) {
            if (const auto* refused = std::get_if<rtmp::Client::Refused>(&*event)) {
                throw Hindrance{fmt::format("refused: {} {}", refused->code, refused->description)};
            }
            started_ = started_ || std::holds_alternative<rtmp::Client::PublishStarted>(*event);
        }
    }

    net::SystemRandom random_;
    net::Descriptor socket_;
    rtmp::Client client_;
    bool started_ = false;
    std::uint64_t bytes_ = 0;
};

}   // namespace

int publish_by_rtmp(const PublishOptions& options) {
    const std::size_t slash = options.name.find('/');
    if (slash == std::string::npos) {
        throw Hindrance{"a name has an application and a key: live/cam"};
    }
    stop_when_told();
    const std::string app = options.name.substr(0, slash);
    Publisher publisher{parse_endpoint(options.rtmp),
                        {.role = rtmp::Client::Role::publish,
                         .app = app,
                         .tc_url = fmt::format("rtmp://{}/{}", options.rtmp, app),
                         .key = options.name.substr(slash + 1),
                         .chunk_size = 65'536}};
    publisher.start();
    SyntheticCamera camera{options.rate, options.audio};
    for (const rtmp::Media& message : camera.opening()) {
        publisher.send(message);
    }
    fmt::print("{{\"publishing\": \"{}\"}}\n", options.name);
    std::fflush(stdout);

    const Instant began = now();
    const Instant end = options.seconds > 0
                            ? began + Duration{static_cast<std::int64_t>(options.seconds * 1e9)}
                            : Instant::never();
    Duration latest{};
    while (stopped == 0) {
        const bool sound = camera.sound_due() < camera.picture_due();
        const Instant due = began + std::min(camera.sound_due(), camera.picture_due());
        if (due >= end) {
            break;
        }
        if (due > now()) {
            publisher.wait(due);
            continue;
        }
        latest = std::max(latest, now() - due);
        publisher.send(sound ? camera.sound() : camera.picture(now()));
    }
    publisher.end();
    fmt::print("{{\"pictures\": {}, \"sounds\": {}, \"bytes\": {}, \"late_ms_max\": {:.1f}}}\n",
               camera.pictures(), camera.sounds(), publisher.bytes(),
               std::chrono::duration<double, std::milli>{latest}.count());
    return 0;
}

}   // namespace millrace::loadgen
