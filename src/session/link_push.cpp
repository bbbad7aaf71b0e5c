#include "session/link_push.hpp"

#include "base/log.hpp"
#include "net/drive.hpp"
#include "protocol/link/muxer.hpp"
#include "session/link_address.hpp"
#include "session/link_back_channel.hpp"
#include "session/link_dial.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view form = "kcp-push";
/// What waits here longer is skipped up to the newest key frame.
constexpr Duration lag_max = 1s;

std::string words_of(const std::string& words) {
    return fmt::format("the server refuses: {}", log::escaped(words));
}

hub::Flavour push_flavour() {
    return hub::flavour<Pushed<link::Muxer>>({.form = form, .only = {}, .pushed = 1});
}

/// Until the server takes media; nothing then.
Task<std::optional<ForwardEnding>> begin(Desk& desk, Connection& connection, link::Talk& talk) {
    for (;;) {
        while (const std::optional<link::Talk::Event> event = talk.next_event()) {
            if (std::holds_alternative<link::Welcome>(*event)) {
                co_return std::nullopt;
            }
            if (const auto* const refusal = std::get_if<link::Refusal>(&*event)) {
                co_return ForwardEnding{.error = {refusal->code, "the server refuses"},
                                        .words = words_of(refusal->words)};
            }
        }
        const Result<> turn = co_await net::drive(connection, talk, desk.executor, desk.read_buffer);
        if (!turn) {
            co_return ForwardEnding{.error = turn.error(), .words = {}};
        }
    }
}

/// The run that a server is to follow, so that its lists are the edge's; nothing where the stream ended.
Task<Bytes> run_of(ForwardCourse& course) {
    const Result<hub::StreamReport> report = co_await course.look();
    std::vector<std::byte> said;
    if (report) {
        [[maybe_unused]] const Result<> fits = link::write(said, link::Run{report->run});
    }
    co_return Bytes{std::move(said)};
}

void ask(Desk& desk, const std::string& stream, const link::Wish& wish) {
    if (wish.what == link::Wish::What::key_frame) {
        desk.directory.ask(stream, hub::AskKeyFrame{});
    } else {
        desk.directory.ask(stream, hub::AskBitrate{wish.value});
    }
}

void hear(Desk& desk, const std::string& stream, const Bytes& json) {
    if (const Result<Bytes> message = media::one_line(as_text(json))) {
        desk.directory.hear(stream, *message);
    }
}

}   // namespace

Task<ForwardEnding> link_push(Desk& desk, const ForwardMeans& means, ForwardCourse& course) {
    const std::string& stream = course.rule().stream;
    const Result<LinkAddress> address = link_address(course.rule().to, *desk.settings);
    if (!address) {
        co_return ForwardEnding{.error = address.error(), .words = {}, .lasting = true};
    }
    std::string words;
    LinkCall call = address->call(desk.executor.now() + forward_setup_max);
    call.words = &words;
    call.memo = &course.leash().memo();
    call.ending = &desk.links_ending;
    Result<std::unique_ptr<LinkConnection>> connection =
        co_await link_dial(desk.executor, means.connector, desk.random, std::move(call));
    if (!connection) {
        co_return ForwardEnding{.error = connection.error(), .words = std::move(words)};
    }
    if (course.is_stopped()) {
        co_return ForwardEnding{.error = {Errc::cancelled, "the destination is not wanted any more"},
                                .words = {}};
    }
    course.leash().hold(connection->get());
    Hops hops = co_await hops_of_push(desk, stream);
    link::Talk talk{{.direction = course.rule().uplink ? link::Direction::uplink : link::Direction::publish,
                     .name = address->name,
                     .query = address->query,
                     .hops = std::move(hops)},
                    desk.executor.now()};
    std::optional<ForwardEnding> refused = co_await begin(desk, **connection, talk);
    if (refused) {
        co_return std::move(*refused);
    }
    Result<hub::Joined> joined = co_await course.join(push_flavour(), form, (*connection)->peer());
    if (!joined) {
        co_return ForwardEnding{.error = joined.error(), .words = {}};
    }
    auto back_channel = std::make_unique<LinkBackChannel>(
        std::move(talk), [&desk, stream](const link::Wish& wish) { ask(desk, stream, wish); },
        [&words](const std::string& said) { words = words_of(said); },
        [&desk, stream](const Bytes& json) { hear(desk, stream, json); });
    (*connection)->hold_little();
    joined->seat->lag_max = course.rule().uplink ? desk.settings->uplink_deadline : lag_max;
    // Asked now: a stream that goes on in another run ends this form first.
    Bytes run;
    if (course.rule().uplink) {
        run = co_await run_of(course);
    }
    ForwardLink link{.connection = std::move(*connection),
                     .lead = std::move(run),
                     .back_channel = std::move(back_channel)};
    ForwardEnding ending = co_await course.serve(std::move(*joined), std::move(link));
    ending.words = std::move(words);
    co_return ending;
}

}   // namespace millrace::session
