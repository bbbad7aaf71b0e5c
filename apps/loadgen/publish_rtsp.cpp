#include "apps/loadgen/rtp_programme.hpp"
#include "apps/loadgen/socket.hpp"
#include "apps/loadgen/stopping.hpp"
#include "apps/loadgen/verbs.hpp"
#include "net/system_random.hpp"
#include "protocol/rtsp/client.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <array>

namespace millrace::loadgen {

namespace {

constexpr Duration tick = 1ms;

void demand(const Result<>& result) {
    if (!result) {
        throw Hindrance{std::string{result.error().what}};
    }
}

/// One of many: its connection, and its place in what all of them show.
class Publisher {
public:
    Publisher(const Endpoint& to, const std::string& name, const sdp::Description& announced)
        : socket_{connect_to(to)},
          client_{
              {.url = fmt::format("rtsp://{}/{}", to.text(), name), .announce = announced}, random_, now()} {}

    int socket() const { return socket_.number(); }
    bool started() const { return client_.started(); }

    /// Takes what the server said.
    void listen() {
        std::array<std::byte, 4096> buffer;
        const ssize_t count = ::recv(socket(), buffer.data(), buffer.size(), MSG_DONTWAIT);
        if (count == 0) {
            throw Hindrance{"the server closed a connection"};
        }
        if (count > 0) {
            const Result<> received =
                client_.receive(ByteSpan{buffer}.first(static_cast<std::size_t>(count)), now());
            if (!received && client_.status() != 0) {
                throw Hindrance{fmt::format("refused: {} {}", client_.status(), client_.reason())};
            }
            demand(received);
        }
        while (const std::optional<rtsp::Client::Event> event = client_.next_event()) {
            if (const auto* const described = std::get_if<rtsp::Client::Described>(&*event)) {
                set_up(described->description.media.size());
            }
        }
    }
    /// Says what the machine wants said, and what did not fit before.
    void turn() {
        if (client_.deadline() <= now()) {
            demand(client_.advance(now()));
        }
        send(client_.next_output());
    }
    void begin(Instant at) { began_ = at; }
    /// Sends what is due, one message after the other: behind one that does not fit the rest is late. False
    /// when all until `end` is sent.
    bool play(RtpProgramme& programme, Duration end) {
        while (unsent_.empty() && programme.at(next_).due < end) {
            const RtpProgramme::Message& message = programme.at(next_);
            const Duration late = now() - (began_ + message.due);
            if (late < Duration{}) {
                return true;
            }
            latest_ = std::max(latest_, late);
            pictures_ += message.picture ? 1 : 0;
            send(message.bytes.span());
            ++next_;
        }
        return !unsent_.empty();
    }
    void end() {
        send_all(socket(), unsent_);
        client_.tear_down();
        send_all(socket(), client_.next_output());
    }

    std::uint64_t next() const { return next_; }
    std::uint64_t pictures() const { return pictures_; }
    std::uint64_t bytes() const { return bytes_; }
    Duration latest() const { return latest_; }

private:
    void set_up(std::size_t tracks) {
        std::vector<rtsp::Client::Choice> choices;
        for (unsigned i = 0; i < tracks; ++i) {
            choices.push_back({.track = i, .ports = {}});
        }
        demand(client_.choose(choices, now()));
    }
    void send(ByteSpan bytes) {
        bytes_ += bytes.size();
        unsent_.insert(unsent_.end(), bytes.begin(), bytes.end());
        const std::size_t sent = unsent_.empty() ? 0 : send_some(socket(), unsent_);
        unsent_.erase(unsent_.begin(), unsent_.begin() + static_cast<std::ptrdiff_t>(sent));
    }

    net::SystemRandom random_;
    net::Descriptor socket_;
    rtsp::Client client_;
    std::vector<std::byte> unsent_;   // one message and a few requests at most
    Instant began_;
    std::uint64_t next_ = 0;
    std::uint64_t pictures_ = 0;
    std::uint64_t bytes_ = 0;
    Duration latest_{};
};

/// All of them, on one thread.
class Publishers {
public:
    explicit Publishers(const PublishOptions& options) : programme_{options.rate, options.audio} {}

    /// Until the server takes media of everybody; one after the other, for it bears few strangers at once.
    void start(const PublishOptions& options) {
        const Endpoint to = parse_endpoint(options.rtsp);
        for (std::size_t i = 0; i < options.publishers; ++i) {
            const std::string name =
                options.publishers == 1 ? options.name : fmt::format("{}{}", options.name, i);
            Publisher& one =
                *publishers_.emplace_back(std::make_unique<Publisher>(to, name, programme_.description()));
            poll_.add(one.socket(), EPOLLIN, &one);
            while (stopped == 0 && !one.started()) {
                turn();
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
            turn();
            more = false;
            std::uint64_t oldest = publishers_.front()->next();
            for (const auto& publisher : publishers_) {
                more = publisher->play(programme_, length) || more;
                oldest = std::min(oldest, publisher->next());
            }
            programme_.forget_before(oldest);
        }
    }
    void end() {
        std::string pictures;
        std::uint64_t bytes = 0;
        Duration latest{};
        for (const auto& publisher : publishers_) {
            publisher->end();
            pictures += fmt::format("{}{}", pictures.empty() ? "" : ", ", publisher->pictures());
            bytes += publisher->bytes();
            latest = std::max(latest, publisher->latest());
        }
        fmt::print("{{\"pictures\": [{}], \"bytes\": {}, \"late_ms_max\": {:.1f}}}\n", pictures, bytes,
                   std::chrono::duration<double, std::milli>{latest}.count());
    }

private:
    void turn() {
        for (const epoll_event& event : poll_.wait(tick)) {
            static_cast<Publisher*>(event.data.ptr)->listen();
        }
        for (const auto& publisher : publishers_) {
            publisher->turn();
        }
    }

    RtpProgramme programme_;
    Poll poll_;
    std::vector<std::unique_ptr<Publisher>> publishers_;
};

}   // namespace

int publish_by_rtsp(const PublishOptions& options) {
    stop_when_told();
    Publishers publishers{options};
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
