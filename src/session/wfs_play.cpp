#include "session/wfs_play.hpp"

#include "base/json_words.hpp"
#include "base/log.hpp"
#include "base/waiting.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/ws/back_channel.hpp"
#include "protocol/ws/conversation.hpp"
#include "protocol/ws/handshake.hpp"
#include "session/media_answer.hpp"
#include "session/raw_h264.hpp"
#include "session/refused.hpp"

namespace millrace::session {

namespace {

using Limits = WfsPlayLimits;

constexpr std::string_view path = "/play2";

/// What the opening handshake left: how to ask for a stream in its name, and the way it leaves.
struct Caller {
    hub::Petition petition;
    Endpoint peer;
    RawH264 dialect = RawH264::wfs;
};

/// A page between the opening handshake and its stream.
struct Opening {
    std::unique_ptr<Connection> connection;
    ws::Conversation conversation{{.message_size_max = Limits::message_size_max}};
    std::vector<std::byte> out;   // not written yet
};

/// The stream of a channel; empty if neither it nor a default is configured.
std::string stream_of(const Settings& settings, std::string_view channel) {
    const auto found = settings.wfs.find(channel);
    return found == settings.wfs.end() ? settings.default_stream : found->second;
}

/// The channel that an open message names; nothing for another message.
Result<std::optional<std::string>> channel_of(const ws::Message& message) {
    if (message.kind != ws::Opcode::text) {
        return std::nullopt;
    }
    const Result<web::JsonWords> words = web::JsonWords::parse(as_text(message.payload));
    if (!words) {
        return std::unexpected(words.error());
    }
    if (words->find("t", web::JsonWord::Kind::text) != "open") {
        return std::nullopt;
    }
    return std::string{words->find("c", web::JsonWord::Kind::text).value_or("")};
}

/// The first open message among those that came.
Result<std::optional<std::string>> next_channel(ws::Conversation& conversation) {
    while (const auto event = conversation.next_event()) {
        if (const auto* const message = std::get_if<ws::Message>(&*event)) {
            Result<std::optional<std::string>> channel = channel_of(*message);
            if (!channel || *channel) {
                return channel;
            }
        }
    }
    return std::nullopt;
}

void gather(Opening& opening) {
    const std::vector<std::byte> said = opening.conversation.next_output();
    opening.out.insert(opening.out.end(), said.begin(), said.end());
}

Task<Result<>> send(Desk& desk, Opening& opening, Instant patience) {
    gather(opening);
    ByteSpan rest{opening.out};
    while (!rest.empty()) {
        const std::array slices{rest};
        const Result<std::size_t> count = opening.connection->try_write(slices);
        if (count) {
            rest = rest.subspan(*count);
            continue;
        }
        if (count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        const Result<> ready = co_await writable(*opening.connection, desk.executor, patience);
        if (!ready) {
            co_return ready;
        }
    }
    opening.out.clear();
    co_return Result<>{};
}

/// Which channel it names, within its time.
Task<Result<std::string>> hear_channel(Desk& desk, Opening& opening, std::vector<std::byte> read_ahead) {
    const Instant patience = desk.executor.now() + Limits::first_message_timeout;
    Result<> heard = opening.conversation.receive(read_ahead, desk.executor.now());
    for (;;) {
        const Result<std::optional<std::string>> channel = next_channel(opening.conversation);
        if (!channel) {
            co_return std::unexpected(channel.error());
        }
        if (*channel) {
            co_return **channel;
        }
        const Result<> sent = heard ? co_await send(desk, opening, patience) : heard;
        if (!sent) {
            co_return std::unexpected(sent.error());
        }
        const Result<> ready = co_await readable(*opening.connection, desk.executor, patience);
        if (!ready) {
            co_return fail(ready.error().code, "the page named no channel");
        }
        const Result<std::size_t> count = opening.connection->try_read(desk.read_buffer);
        if (count) {
            heard =
                opening.conversation.receive(std::span{desk.read_buffer}.first(*count), desk.executor.now());
        } else if (count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
    }
}

Task<Result<hub::Joined>> join(Desk& desk, Caller& caller, const std::string& channel) {
    const std::string stream = stream_of(*desk.settings, channel);
    if (stream.empty()) {
        co_return fail(Errc::not_found, "http.wfs names no stream for this channel");
    }
    caller.petition.stream = stream;
    const Result<hub::Admitted> admitted =
        co_await hub::ask(desk.admission, std::move(caller.petition), desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (const Result<> room = desk.has_room(); !room) {
        co_return std::unexpected(room.error());
    }
    Answer<hub::Joined> joined{desk.executor};
    desk.mirrors.join(
        flavour_of(caller.dialect),
        {.protocol = name(caller.dialect), .stream = stream, .peer = caller.peer, .who = admitted->identity},
        joined.reply());
    co_return co_await joined.within(desk.executor.now() + Limits::join_deadline);
}

/// The last words: come again where nobody publishes now, else never so.
Task<> turn_away(Desk& desk, Opening opening, Error why) {
    const bool later = why.code == Errc::not_found || why.code == Errc::exhausted;
    opening.conversation.close(later ? ws::CloseCode::service_restart : ws::CloseCode::policy,
                               desk.executor.now());
    const Result<> sent = co_await send(desk, opening, desk.executor.now() + ws::Conversation::close_timeout);
    if (!sent) {
        co_return;
    }
}

Task<> serve(Desk& desk, Caller caller, Opening opening, std::vector<std::byte> read_ahead) {
    caller.petition.let_in = [&connection = *opening.connection] { connection.let_in(); };
    Result<std::string> channel = co_await hear_channel(desk, opening, std::move(read_ahead));
    Result<hub::Joined> joined = channel ? co_await join(desk, caller, *channel)
                                         : Result<hub::Joined>{std::unexpected(channel.error())};
    if (!joined) {
        log::info("play", "{} was refused: {}", caller.peer.text(), joined.error().what);
        note_refusal(desk, "http", caller.peer, joined.error());
        co_await turn_away(desk, std::move(opening), joined.error());
        co_return;
    }
    gather(opening);
    opening.out.insert(opening.out.end(), joined->lead.begin(), joined->lead.end());
    joined->seat->bind(*opening.connection);
    desk.fan_out.join(*joined->log, {.connection = std::move(opening.connection),
                                     .lead = Bytes{std::move(opening.out)},
                                     .back_channel = std::make_unique<ws::BackChannel>(),
                                     .seat = std::move(joined->seat)});
}

Task<web::Response> answer(Desk& desk, const web::Request& request) {
    const std::shared_ptr<const Settings> settings = desk.settings;
    const auto refuse = [&](Error why) {
        note_refusal(desk, "http", request.peer, why);
        return media_refusal(request, settings->origins, why);
    };
    if (request.method == "GET" && !ws::asks_for_upgrade(request)) {
        co_return websocket_wanted(request, settings->origins);
    }
    if (!may_open_websocket(request, settings->origins)) {
        co_return refuse({Errc::refused, "pages of this origin may not play from here (http.cors)"});
    }
    auto accepted = ws::accept(request, raw_h264_protocols);
    if (!accepted) {
        co_return std::move(accepted.error());
    }
    const bool binary = accepted->back().name == "Sec-WebSocket-Protocol";
    Caller caller{.petition = {}, .peer = request.peer, .dialect = binary ? RawH264::binary : RawH264::wfs};
    caller.petition = hub::petition_of(request, hub::Action::play, name(caller.dialect));
    web::Response response;
    response.takeover = [&desk, caller = std::move(caller), head = http::switching_head(*accepted)](
                            std::unique_ptr<Connection> connection,
                            std::vector<std::byte> read_ahead) mutable {
        Opening opening;
        opening.connection = std::move(connection);
        opening.out = std::move(head);
        return serve(desk, std::move(caller), std::move(opening), std::move(read_ahead));
    };
    co_return response;
}

}   // namespace

web::Route wfs_play(Desk& desk) {
    return {.methods = {"GET"},
            .matches = [](std::string_view asked) { return asked == path; },
            .answer = [&desk](const web::Request& request, Executor&) { return answer(desk, request); }};
}

}   // namespace millrace::session
