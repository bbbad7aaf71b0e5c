#include "session/rtmp_pull.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "protocol/rtmp/client.hpp"
#include "session/connected.hpp"
#include "session/media_reader.hpp"
#include "session/relays.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using rtmp::Client;

/// "rtmp://me:secret@host/live/cam?a=b": app "live", key "cam?a=b&user=me&pass=secret".
Client::Options options_of(const Url& url, Hops hops) {
    const std::string_view target = std::string_view{url.target}.substr(1);
    const std::string_view path = target.substr(0, target.find('?'));
    const std::string query = query_with_proof(url);
    const std::size_t slash = path.rfind('/');
    Client::Options options;
    options.hops = std::move(hops);
    options.app = path.substr(0, slash);
    options.key = slash == std::string_view::npos ? std::string_view{} : path.substr(slash + 1);
    options.tc_url = fmt::format("{}://{}/{}", url.scheme, url.authority(), options.app);
    if (!query.empty()) {
        options.key += '?' + query;
    }
    return options;
}

/// The client, and how long we wait for media once it plays.
class Player {
public:
    using Event = Client::Event;

    Player(Random& random, Client::Options options, Instant now) : client_{random, std::move(options), now} {}

    Result<> receive(ByteSpan bytes, Instant now) { return client_.receive(bytes, now); }
    Result<> advance(Instant now) {
        return now >= patient_until_ ? Result<>{fail(Errc::timed_out, "no media came for too long")}
                                     : client_.advance(now);
    }
    Instant deadline() const { return std::min(client_.deadline(), patient_until_); }
    std::optional<Event> next_event() { return client_.next_event(); }
    std::vector<std::byte> next_output() { return client_.next_output(); }

    void wait_until(Instant moment) { patient_until_ = moment; }
    void end() { client_.end(); }

private:
    Client client_;
    Instant patient_until_ = Instant::never();
};
static_assert(ProtocolMachine<Player>);

/// One connection from its first byte to its end.
class Pull {
public:
    Pull(Desk& desk, const SourceRule& rule, SourceLeash& leash, const Url& url)
        : desk_{desk},
          publisher_{desk, leash, "rtmp", rule.stream},
          player_{desk.random, options_of(url, hops_of_pull(desk, rule.stream)), desk.executor.now()} {}

    Task<SourceEnding> run(Connection& connection);

private:
    Task<Result<>> converse(Connection& connection);
    Result<> take(Client::Event event);

    Desk& desk_;
    SourcePublisher publisher_;
    Player player_;
    flv::TagReader reader_;
    ReadMedia media_;
    std::size_t received_ = 0;
    std::string words_;
    bool ended_ = false;   // said by the server
};

Result<> Pull::take(Client::Event event) {
    const Instant until = desk_.executor.now() + pull_patience;
    if (auto* media = std::get_if<rtmp::Media>(&event)) {
        received_ += media->body.size();
        const std::size_t before = media_.items.size();
        const Result<> read = read_tag(reader_, rtmp::tag_of(std::move(*media)), media_);
        if (read && media_.items.size() > before) {
            player_.wait_until(until);
        }
    } else if (auto* const started = std::get_if<Client::PlayStarted>(&event)) {
        player_.wait_until(until);
        const Result<> elsewhere = refuse_own(desk_, started->hops);
        publisher_.came_through(std::move(started->hops));
        return elsewhere;
    } else if (const auto* refused = std::get_if<Client::Refused>(&event)) {
        words_ = fmt::format("the server refuses: {} {}", log::escaped(refused->code, 64),
                             log::escaped(refused->description));
        return fail(Errc::refused, "the server refuses to play this");
    } else if (std::holds_alternative<Client::Ended>(event)) {
        ended_ = true;
        return fail(Errc::closed, "the server ended the stream");
    }
    return {};
}

Task<Result<>> Pull::converse(Connection& connection) {
    for (;;) {
        Result<> taken;
        while (taken) {
            std::optional<Client::Event> event = player_.next_event();
            if (!event) {
                break;
            }
            taken = take(std::move(*event));
        }
        const Result<> published = co_await publish(publisher_, media_, std::exchange(received_, 0));
        if (!taken || !published) {
            co_return taken ? published : taken;
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        const Result<> driven = co_await net::drive(connection, player_, desk_.executor, desk_.read_buffer);
        if (!driven) {
            co_return driven;
        }
    }
}

Task<SourceEnding> Pull::run(Connection& connection) {
    publisher_.use(&connection);
    const Result<> ended = co_await converse(connection);
    publisher_.finish(ended_);
    co_return SourceEnding{.error = ended.error(), .words = std::move(words_)};
}

}   // namespace

Task<SourceEnding> rtmp_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule,
                             SourceLeash& leash) {
    return connected_pull<Pull>(desk, means, rule, leash);
}

}   // namespace millrace::session
