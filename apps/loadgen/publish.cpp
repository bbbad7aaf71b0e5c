#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/stopping.hpp"
#include "apps/loadgen/synthetic_camera.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/system_random.hpp"
#include "protocol/rtmp/client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace millrace::loadgen {

namespace {

constexpr Duration tick = 1ms;
constexpr Duration patience = 100ms;   // with what the machines want said in time

void demand(const Result<>& result) {
    if (!result) {
        throw Hindrance{std::string{result.error().what}};
    }
}

/// One of many: its connection, and its camera.
class Publisher {
public:
    Publisher(const Endpoint& to, rtmp::Client::Options options, const PublishOptions& wanted)
        : socket_{connect_to(to)},
          client_{random_, std::move(options), now()},
          camera_{wanted.rate, wanted.audio} {}

    int socket() const { return socket_.number(); }
    bool started() const { return started_; }

    /// Takes what the server said.
    void listen() {
        std::array<std::byte, 4096> buffer;
        const ssize_t count = ::recv(socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
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
    /// Says what the machine wants said.
    void turn() {
        if (client_.deadline() <= now()) {
            demand(client_.advance(now()));
        }
        flush();
    }
    /// The configuration goes at once, media from then on.
    void begin(Instant at) {
        began_ = at;
        for (const rtmp::Media& message : camera_.opening()) {
            send(message);
        }
    }
    /// When its next message is due.
    Instant due() const { return began_ + std::min(camera_.sound_due(), camera_.picture_due()); }
    /// Sends what is due. False once all until `length` is sent.
    bool play(Duration length) {
        while (due() <= now()) {
            if (due() - began_ >= length) {
                return false;
            }
            latest_ = std::max(latest_, now() - due());
            const bool sound = camera_.sound_due() < camera_.picture_due();
            send(sound ? camera_.sound() : camera_.picture(now()));
        }
        return true;
    }
    void end() {
        client_.end();
        flush();
    }

    std::uint64_t pictures() const { return camera_.pictures(); }
    std::uint64_t sounds() const { return camera_.sounds(); }
    std::uint64_t bytes() const { return bytes_; }
    Duration latest() const { return latest_; }

private:
    void send(const rtmp::Media& media) {
        client_.send(media);
        flush();
    }
    void flush() {
        const std::vector<std::byte> output = client_.next_output();
        if (!output.empty()) {
            send_all(socket(), output);
            bytes_ += output.size();
        }
    }

    net::SystemRandom random_;
    net::Descriptor socket_;
    rtmp::Client client_;
    SyntheticCamera camera_;
    Instant began_;
    bool started_ = false;
    std::uint64_t bytes_ = 0;
    Duration latest_{};
};

/// All of them, on one thread.
class Publishers {
public:
    /// Until the server lets everybody in; one after the other, for it bears few strangers at once.
    void start(const PublishOptions& options) {
        const std::size_t slash = options.name.find('/');
        if (slash == std::string::npos) {
            throw Hindrance{"a name has an application and a key: live/cam"};
        }
        const std::string app = options.name.substr(0, slash);
        const std::string key = options.name.substr(slash + 1);
        const Endpoint to = parse_endpoint(options.rtmp);
        for (std::size_t i = 0; i < options.publishers; ++i) {
            Publisher& one = *publishers_.emplace_back(std::make_unique<Publisher>(
                to,
                rtmp::Client::Options{.role = rtmp::Client::Role::publish,
                                      .app = app,
                                      .tc_url = fmt::format("rtmp://{}/{}", options.rtmp, app),
                                      .key = options.publishers == 1 ? key : fmt::format("{}{}", key, i),
                                      .chunk_size = 65'536},
                options));
            poll_.add(one.socket(), EPOLLIN, &one);
            while (stopped == 0 && !one.started()) {
                turn(now() + tick);
            }
        }
    }
    /// Spread over the time of a picture, as cameras are that know nothing of each other.
    void play(const Rate& rate, Duration length) {
        const auto picture = Duration{static_cast<std::int64_t>(1e9 / rate.frames_per_second)};
        const Duration apart = picture / static_cast<std::int64_t>(publishers_.size());
        Instant began = now();
        for (const auto& publisher : publishers_) {
            publisher->begin(began);
            began = began + apart;
        }
        for (bool more = true; more && stopped == 0;) {
            Instant due = Instant::never();
            more = false;
            for (const auto& publisher : publishers_) {
                more = publisher->play(length) || more;
                due = std::min(due, publisher->due());
            }
            turn(due);
        }
    }
    /// Of one publisher its counts, of many those of each.
    void end() {
        std::string pictures;
        std::string sounds;
        std::uint64_t bytes = 0;
        Duration latest{};
        for (const auto& publisher : publishers_) {
            publisher->end();
            const char* const comma = pictures.empty() ? "" : ", ";
            pictures += fmt::format("{}{}", comma, publisher->pictures());
            sounds += fmt::format("{}{}", comma, publisher->sounds());
            bytes += publisher->bytes();
            latest = std::max(latest, publisher->latest());
        }
        if (publishers_.size() > 1) {
            pictures = fmt::format("[{}]", pictures);
            sounds = fmt::format("[{}]", sounds);
        }
        fmt::print("{{\"pictures\": {}, \"sounds\": {}, \"bytes\": {}, \"late_ms_max\": {:.1f}}}\n", pictures,
                   sounds, bytes, std::chrono::duration<double, std::milli>{latest}.count());
    }

private:
    /// Listens to the server until then, or until it said something.
    void turn(Instant until) {
        for (const auto& publisher : publishers_) {
            publisher->turn();
        }
        for (const epoll_event& event : poll_.wait(std::clamp(until - now(), Duration{}, patience))) {
            static_cast<Publisher*>(event.data.ptr)->listen();
        }
    }

    Poll poll_;
    std::vector<std::unique_ptr<Publisher>> publishers_;
};

}   // namespace

int publish_by_rtmp(const PublishOptions& options) {
    stop_when_told();
    Publishers publishers;
    publishers.start(options);
    fmt::print("{{\"publishing\": \"{}\"}}\n", options.name);
    std::fflush(stdout);
    publishers.play(options.rate, options.seconds > 0
                                      ? Duration{static_cast<std::int64_t>(options.seconds * 1e9)}
                                      : Duration::max());
    publishers.end();
    return 0;
}

}   // namespace millrace::loadgen
