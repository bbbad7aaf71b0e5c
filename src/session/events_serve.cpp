#include "session/events_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "hub/name.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/ws/conversation.hpp"
#include "protocol/ws/handshake.hpp"
#include "session/clock_exchange.hpp"
#include "session/doorbell.hpp"
#include "session/media_answer.hpp"
#include "session/refused.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::session {

namespace {

using Limits = EventsServeLimits;

constexpr std::string_view all_path = "/api/v1/events";
constexpr std::string_view stream_rest = "/events";
constexpr std::string_view sse_protocol = "events";
constexpr std::string_view ws_protocol = "ws-events";

void append(std::vector<std::byte>& out, std::string_view text) {
    const ByteSpan bytes = as_bytes(text);
    out.insert(out.end(), bytes.begin(), bytes.end());
}

/// What an event looks like on the way to its reader.
class Wire {
public:
    virtual ~Wire() = default;
    virtual void begin() = 0;
    virtual void write(std::uint64_t id, std::string_view json) = 0;
    virtual void keep_alive() = 0;
    /// What the reader says. An error ends the conversation, after the last words.
    virtual Result<> hear(ByteSpan bytes, Instant now) = 0;
    virtual std::vector<std::byte> take() = 0;
};

/// WHATWG HTML §9.2: "id: 7", "data: …", an empty line.
class ServerSent final : public Wire {
public:
    void begin() override { append(out_, "retry: 2000\n\n"); }
    void write(std::uint64_t id, std::string_view json) override {
        // Who connects again goes on behind the last id; a result has none.
        append(out_,
               id == 0 ? fmt::format("data: {}\n\n", json) : fmt::format("id: {}\ndata: {}\n\n", id, json));
    }
    void keep_alive() override { append(out_, ":\n\n"); }
    Result<> hear(ByteSpan /*bytes*/, Instant /*now*/) override { return {}; }
    std::vector<std::byte> take() override { return std::exchange(out_, {}); }

private:
    std::vector<std::byte> out_;
};

/// Each event a text message; a ping keeps it alive. The reader may ask for our clock.
class Messages final : public Wire {
public:
    explicit Messages(const Clock& clock) : clock_{clock} {}

    void begin() override {}
    void write(std::uint64_t /*id*/, std::string_view json) override {
        conversation_.send(ws::Opcode::text, as_bytes(json));
    }
    void keep_alive() override { ws::append_frame(pings_, {.opcode = ws::Opcode::ping}, {}); }
    Result<> hear(ByteSpan bytes, Instant now) override {
        const WallTime received = clock_.utc();
        const Result<> heard = conversation_.receive(bytes, now);
        while (const auto event = conversation_.next_event()) {
            const auto* const message = std::get_if<ws::Message>(&*event);
            if (message == nullptr) {
                continue;
            }
            auto answer = exchange_.hear(message->payload, now, received);
            if (!answer) {
                conversation_.close(ws::CloseCode::policy, now);
                return std::unexpected(answer.error());
            }
            if (*answer) {
                conversation_.send(ws::Opcode::text,
                                   as_bytes(ClockExchange::finish(std::move(**answer), clock_.utc())));
            }
        }
        return heard;
    }
    std::vector<std::byte> take() override {
        std::vector<std::byte> out = std::exchange(pings_, {});
        const std::vector<std::byte> said = conversation_.next_output();
        out.insert(out.end(), said.begin(), said.end());
        return out;
    }

private:
    const Clock& clock_;
    ClockExchange exchange_;
    ws::Conversation conversation_{{.message_size_max = Limits::message_size_max}};
    std::vector<std::byte> pings_;
};

/// A reader of events among the sessions.
class Observer final : public hub::Sessions::Entry {
public:
    Observer(Desk& desk, Connection& connection, hub::SessionFacts facts)
        : Entry{desk.sessions, std::move(facts)}, connection_{connection} {}
    void end(Error /*reason*/) override { connection_.close(); }
    hub::SessionReport report() const override {
        return {.id = id(), .facts = facts(), .bytes_out = bytes_out, .writes = writes};
    }
    std::uint64_t bytes_out = 0;
    std::uint64_t writes = 0;

private:
    Connection& connection_;
};

/// Who wants to hear what, and how.
struct Order {
    hub::SessionFacts facts;
    hub::EventWish wish;
    bool websocket = false;
};

/// One reader from the head of its answer to its end.
class Telling {
public:
    Telling(Desk& desk, hub::Events& events, std::unique_ptr<Connection> connection, Order order)
        : desk_{desk},
          events_{events},
          connection_{std::move(connection)},
          observer_{desk, *connection_, std::move(order.facts)},
          wish_{std::move(order.wish)},
          reader_{events.new_reader()},
          bell_{*connection_, desk.executor} {
        if (order.websocket) {
            wire_ = std::make_unique<Messages>(desk.executor.clock());
        } else {
            wire_ = std::make_unique<ServerSent>();
        }
    }
    Telling(const Telling&) = delete;
    Telling& operator=(const Telling&) = delete;
    ~Telling() { events_.forget(reader_); }

    Task<> run(std::vector<std::byte> head, std::vector<std::byte> read_ahead) {
        const Result<> ended = co_await tell(std::move(head), std::move(read_ahead));
        log::info("events", "{} left: {}", observer_.facts().peer.text(), ended.error().what);
    }

private:
    /// Until it ends, and why.
    Task<Result<>> tell(std::vector<std::byte> head, std::vector<std::byte> read_ahead) {
        unsent_ = std::move(head);
        wire_->begin();
        Result<> heard = wire_->hear(read_ahead, desk_.executor.now());
        Instant quiet = desk_.executor.now() + Limits::keep_alive;
        for (;;) {
            const Result<> sent = co_await send();
            if (!heard || !sent) {
                co_return heard ? sent : heard;
            }
            if (!asking_) {
                asking_ = true;
                tasks_.spawn(ask());
            }
            const Result<> woken = co_await bell_.until(quiet);
            if (!woken) {
                co_return woken;
            }
            if (refused_) {
                co_return std::unexpected(*refused_);
            }
            heard = listen();
            if (!batch_.empty()) {
                quiet = desk_.executor.now() + Limits::keep_alive;
            }
            for (const hub::EventRef& event : std::exchange(batch_, {})) {
                wire_->write(event->id, hub::json_for(wish_, *event));
            }
            if (desk_.executor.now() >= quiet) {
                quiet = desk_.executor.now() + Limits::keep_alive;
                wire_->keep_alive();
            }
        }
    }

    /// Fetches the next events and rings.
    Task<> ask() {
        Answer<hub::EventBatch> answer{desk_.executor};
        events_.read(reader_, wish_, answer.reply());
        Result<hub::EventBatch> batch = co_await answer.within(Instant::never());
        if (batch) {
            wish_.after = batch->after;
            wish_.results_after = batch->results_after;
            batch_ = std::move(batch->events);
        } else {
            refused_ = batch.error();
        }
        asking_ = false;
        bell_.ring();
    }

    /// Reads once what there is.
    Result<> listen() {
        const Result<std::size_t> count = connection_->try_read(desk_.read_buffer);
        if (count) {
            return wire_->hear(std::span{desk_.read_buffer}.first(*count), desk_.executor.now());
        }
        return count.error().code == Errc::would_block ? Result<>{} : std::unexpected(count.error());
    }

    Task<Result<>> send() {
        const std::vector<std::byte> said = wire_->take();
        unsent_.insert(unsent_.end(), said.begin(), said.end());
        ByteSpan rest{unsent_};
        while (!rest.empty()) {
            const std::array slices{rest};
            const Result<std::size_t> count = connection_->try_write(slices);
            ++observer_.writes;
            if (count) {
                observer_.bytes_out += *count;
                rest = rest.subspan(*count);
                continue;
            }
            if (count.error().code != Errc::would_block) {
                co_return std::unexpected(count.error());
            }
            const Instant patience = desk_.executor.now() + Limits::stall_timeout;
            const Result<> ready = co_await writable(*connection_, desk_.executor, patience);
            if (!ready) {
                co_return fail(ready.error().code, "the reader takes nothing");
            }
        }
        unsent_.clear();
        co_return Result<>{};
    }

    Desk& desk_;
    hub::Events& events_;
    std::unique_ptr<Connection> connection_;
    Observer observer_;
    hub::EventWish wish_;
    std::uint64_t reader_;
    Doorbell bell_;
    std::unique_ptr<Wire> wire_;
    std::vector<std::byte> unsent_;
    std::vector<hub::EventRef> batch_;
    std::optional<Error> refused_;
    bool asking_ = false;
    TaskScope tasks_;   // the last to be made: what runs in it uses the rest
};

/// The stream that a path's events are of; empty: everything's. Nothing for another path.
std::optional<std::string> subject_of(std::string_view path) {
    if (path == all_path) {
        return "";
    }
    if (!path.ends_with(stream_rest)) {   // nearly all that others are asked for
        return std::nullopt;
    }
    const Result<hub::MediaPath> split = hub::split_media_path(path);
    if (split && split->rest == stream_rest) {
        return split->name.text();
    }
    return std::nullopt;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

Result<std::optional<std::uint64_t>> after_of(const web::Request& request) {
    // What a browser sends by itself when it connects again is newer than what its page once asked for.
    if (const auto last = request.header("last-event-id"); last && number_of(*last)) {
        return number_of(*last);
    }
    const std::optional<std::string> after = request.query_value("after");
    if (after && !number_of(*after)) {
        return fail(Errc::malformed, "after is the id of an event");
    }
    return after ? number_of(*after) : std::nullopt;
}

/// Case 61: a browser opens WebSockets for any page and sends our cookie along. With a cookie, and for
/// administrators, the page must be of this very address or be listed by name.
bool may_open(const web::Request& request, const std::vector<std::string>& origins, bool everything) {
    const auto origin = request.header("origin");
    if (!everything && !request.header("cookie")) {
        return may_open_websocket(request, origins);
    }
    const std::string_view scheme = request.encrypted ? "https://" : "http://";
    return !origin || std::ranges::find(origins, *origin) != origins.end() ||
           (origin->starts_with(scheme) &&
            web::same_name(origin->substr(scheme.size()), request.header("host").value_or("")));
}

std::vector<web::Header> sse_headers(const web::Request& request, const std::vector<std::string>& origins,
                                     bool everything) {
    std::vector<web::Header> headers;
    if (!everything) {
        headers = media_headers(request, origins);
    }
    headers.push_back({"Content-Type", "text/event-stream"});
    headers.push_back({"Cache-Control", "no-store"});
    headers.push_back({"X-Accel-Buffering", "no"});   // nginx would keep events back
    return headers;
}

Task<> tell(std::unique_ptr<Telling> telling, std::vector<std::byte> head,
            std::vector<std::byte> read_ahead) {
    co_await telling->run(std::move(head), std::move(read_ahead));
}

/// The answer that hands the reader over, or why not.
Task<Result<web::Response>> open(Desk& desk, hub::Events& events, const web::Request& request,
                                 std::string stream) {
    const std::shared_ptr<const Settings> settings = desk.settings;
    const bool everything = stream.empty();
    const Result<std::optional<std::uint64_t>> after = after_of(request);
    if (!after) {
        co_return std::unexpected(after.error());
    }
    Order order{.wish = {*after, stream}, .websocket = ws::asks_for_upgrade(request)};
    web::Response response{.headers = sse_headers(request, settings->origins, everything)};
    std::vector<std::byte> head = http::streaming_head(200, response.headers);
    if (order.websocket) {
        if (!may_open(request, settings->origins, everything)) {
            co_return fail(Errc::refused, "pages of this origin may not take events from here (http.cors)");
        }
        auto accepted = ws::accept(request, {});
        if (!accepted) {
            co_return std::move(accepted.error());
        }
        head = http::switching_head(*accepted);
    }
    const std::string_view protocol = order.websocket ? ws_protocol : sse_protocol;
    hub::Petition petition =
        hub::petition_of(request, everything ? hub::Action::admin : hub::Action::play, protocol);
    petition.stream = stream;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(petition), desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    order.facts = {.kind = hub::SessionKind::observer,
                   .protocol = protocol,
                   .stream = std::move(stream),
                   .peer = request.peer,
                   .who = admitted->identity};
    response.takeover = [&desk, &events, order = std::move(order), head = std::move(head)](
                            std::unique_ptr<Connection> connection,
                            std::vector<std::byte> read_ahead) mutable {
        return tell(std::make_unique<Telling>(desk, events, std::move(connection), std::move(order)),
                    std::move(head), std::move(read_ahead));
    };
    co_return response;
}

Task<web::Response> answer(Desk& desk, hub::Events& events, const web::Request& request) {
    const std::string stream = subject_of(request.path).value_or("");
    const std::shared_ptr<const Settings> settings = desk.settings;
    if (request.method == "OPTIONS") {
        co_return stream.empty() ? web::Response{.status = 204, .headers = {{"Allow", "GET, HEAD, OPTIONS"}}}
                                 : media_options(request, settings->origins);
    }
    Result<web::Response> opened = co_await open(desk, events, request, stream);
    if (!opened) {
        log::info("events", "{} was refused: {}", request.peer.text(), opened.error().what);
        note_refusal(desk, sse_protocol, request.peer, opened.error());
        co_return stream.empty() ? web::refusal(request, opened.error())
                                 : media_refusal(request, settings->origins, opened.error());
    }
    co_return std::move(*opened);
}

}   // namespace

web::Route events_serve(Desk& desk, hub::Events& events) {
    return {.methods = {"GET", "OPTIONS"},
            .matches = [](std::string_view path) { return subject_of(path).has_value(); },
            .answer = [&desk, &events](const web::Request& request,
                                       Executor&) { return answer(desk, events, request); }};
}

}   // namespace millrace::session
