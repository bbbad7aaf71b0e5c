#include "session/ws_pull.hpp"

#include "base/base64.hpp"
#include "base/json_words.hpp"
#include "net/drive.hpp"
#include "protocol/ws/client.hpp"
#include "session/connected.hpp"
#include "session/media_reader.hpp"
#include "session/relays.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

using ws::Client;

Client::Options options_of(Desk& desk, const SourceRule& rule, const Url& url) {
    Client::Options options{.host = url.authority(), .target = url.target};
    if (const Hops hops = hops_of_pull(desk, rule.stream); !hops.empty()) {
        options.headers.push_back({std::string{Hops::header}, hops.text()});
    }
    if (url.has_user) {
        const std::string proof = url.user + ":" + url.password;
        options.headers.push_back({"Authorization", "Basic " + encode_base64(as_bytes(proof))});
    }
    return options;
}

/// The reader of what a message begins with; null for anything else.
std::unique_ptr<MediaReader> reader_of(ByteSpan message, const Clock& clock) {
    const std::string_view text = as_text(message.first(std::min<std::size_t>(message.size(), 8)));
    if (text.starts_with("FLV")) {
        return read_flv();
    }
    if (text.starts_with("\xFF\xD8\xFF")) {
        return read_pictures(clock);
    }
    constexpr std::byte sync{0x47};
    constexpr std::size_t packet = 188;
    if (message.size() >= packet && message[0] == sync &&
        message[message.size() > packet ? packet : 0] == sync) {
        return read_ts();
    }
    return text.substr(std::min<std::size_t>(4, text.size())) == "ftyp" ? read_mp4() : nullptr;
}

/// The client, and how long we wait for media.
class Listener {
public:
    using Event = Client::Event;

    Listener(const Client::Options& options, Random& random, Instant now)
        : client_{options, random, now}, patient_until_{now + pull_patience} {}

    Result<> receive(ByteSpan bytes, Instant now) { return client_.receive(bytes, now); }
    Result<> advance(Instant now) {
        return now >= patient_until_ ? Result<>{fail(Errc::timed_out, "no media came for too long")}
                                     : client_.advance(now);
    }
    Instant deadline() const { return std::min(client_.deadline(), patient_until_); }
    std::optional<Event> next_event() { return client_.next_event(); }
    std::vector<std::byte> next_output() { return client_.next_output(); }

    void wait_until(Instant moment) { patient_until_ = moment; }
    int status() const { return client_.status(); }

private:
    Client client_;
    Instant patient_until_;
};
static_assert(ProtocolMachine<Listener>);

/// One connection from its first byte to its end.
class Pull {
public:
    Pull(Desk& desk, const SourceRule& rule, SourceLeash& leash, const Url& url)
        : desk_{desk},
          publisher_{desk, leash, "websocket", rule.stream},
          listener_{options_of(desk, rule, url), desk.random, desk.executor.now()} {}

    Task<SourceEnding> run(Connection& connection);

private:
    Task<Result<>> converse(Connection& connection);
    Result<> take_events();
    Result<> take(const Client::Event& event);
    Result<> read(ByteSpan message);
    void hear(std::string_view words);
    std::string words() const;

    Desk& desk_;
    SourcePublisher publisher_;
    Listener listener_;
    std::unique_ptr<MediaReader> reader_;
    ReadMedia media_;
    std::size_t received_ = 0;
    bool ended_ = false;   // said by the server
};

Result<> Pull::read(ByteSpan message) {
    if (reader_ == nullptr) {
        reader_ = reader_of(message, desk_.executor.clock());
    }
    if (reader_ == nullptr) {
        return fail(Errc::unsupported, "the WebSocket gives no FLV, MPEG-TS, MP4 or JPEG pictures");
    }
    received_ += message.size();
    const std::size_t before = media_.items.size();
    const Result<> taken = reader_->read(message, media_);
    if (media_.items.size() > before) {
        listener_.wait_until(desk_.executor.now() + pull_patience);
    }
    return taken;
}

/// Pictures have no word for their publisher's end; other text is passed over.
void Pull::hear(std::string_view words) {
    const Result<web::JsonWords> said = web::JsonWords::parse(words);
    if (said && said->find("t", web::JsonWord::Kind::text) == "waiting" &&
        said->find("publisher", web::JsonWord::Kind::text) == "ended") {
        media_.ended = true;
    }
}

Result<> Pull::take(const Client::Event& event) {
    if (const auto* message = std::get_if<ws::Message>(&event)) {
        if (message->kind == ws::Opcode::binary) {
            return read(message->payload);
        }
        hear(as_text(message->payload));
        return {};
    }
    if (const auto* closed = std::get_if<ws::Closed>(&event)) {
        ended_ = closed->code == ws::CloseCode::normal;
        return fail(Errc::closed, "the server ended the stream");
    }
    return {};
}

Result<> Pull::take_events() {
    Result<> taken;
    while (taken) {
        const std::optional<Client::Event> event = listener_.next_event();
        if (!event) {
            break;
        }
        taken = take(*event);
    }
    return taken;
}

Task<Result<>> Pull::converse(Connection& connection) {
    Result<> driven;
    for (;;) {
        // What was said before the end is taken, too: the close in good order is such a word.
        const Result<> taken = take_events();
        const Result<> published = co_await publish(publisher_, media_, std::exchange(received_, 0));
        if (!taken || !published) {
            co_return taken ? published : taken;
        }
        if (publisher_.is_over()) {
            co_return fail(Errc::cancelled, "the source was stopped");
        }
        if (media_.ended) {
            ended_ = true;
            co_return fail(Errc::closed, "the server's publisher ended");
        }
        if (!driven) {
            co_return driven;
        }
        driven = co_await net::drive(connection, listener_, desk_.executor, desk_.read_buffer);
    }
}

std::string Pull::words() const {
    constexpr int switching = 101;
    const int status = listener_.status();
    if (status == 0 || status == switching) {
        return {};
    }
    return status == 401 || status == 403
               ? fmt::format("the server wants another user or password ({})", status)
               : fmt::format("the server answers {} and opens no WebSocket", status);
}

Task<SourceEnding> Pull::run(Connection& connection) {
    publisher_.use(&connection);
    const Result<> ended = co_await converse(connection);
    publisher_.finish(ended_);
    co_return SourceEnding{.error = ended.error(), .words = words()};
}

}   // namespace

Task<SourceEnding> ws_pull(Desk& desk, const SourceMeans& means, const SourceRule& rule, SourceLeash& leash) {
    return connected_pull<Pull>(desk, means, rule, leash);
}

}   // namespace millrace::session
