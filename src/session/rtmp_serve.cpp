#include "session/rtmp_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "hub/name.hpp"
#include "hub/publication.hpp"
#include "net/drive.hpp"
#include "protocol/rtmp/muxer.hpp"
#include "protocol/rtmp/server.hpp"
#include "protocol/rtmp/server_back_channel.hpp"
#include "session/media_reader.hpp"
#include "session/refused.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "rtmp";
constexpr Duration decision_deadline = 10s;
constexpr Duration congestion_pause = 5ms;

using Refusal = rtmp::Server::Refusal;

Refusal refusal_of(Errc code) {
    switch (code) {
        case Errc::not_found: return Refusal::not_found;
        case Errc::exists: return Refusal::exists;
        case Errc::unsupported: return Refusal::unsupported;
        default: return Refusal::denied;
    }
}

/// The publisher of a stream, as the registry and the hub reach it.
class Publisher final : public hub::Sessions::Entry {
public:
    Publisher(Desk& desk, Connection& connection, hub::SessionFacts facts)
        : Entry{desk.sessions, std::move(facts)}, desk_{desk}, connection_{connection} {}

    void begin(hub::Grant grant) { publication_.emplace(desk_.directory, desk_.executor, ref(), grant); }
    hub::Publication& publication() { return *publication_; }
    void take(rtmp::Media media);
    /// `total`: all that the conversation brought so far.
    void count_received(std::uint64_t total) {
        publication_->count_received(static_cast<std::size_t>(total - std::exchange(bytes_, total)));
    }

    void end(Error reason) override {
        ended_by_ = reason;
        connection_.close();
    }
    void on_taken(std::size_t bytes) override {
        if (publication_) {
            publication_->taken(bytes);
        }
    }
    hub::SessionReport report() const override { return {id(), facts(), bytes_, 0, 0, 0}; }
    /// Why it ends: our reason if we ended it.
    Error reason(Error seen) const { return ended_by_.value_or(seen); }

private:
    Desk& desk_;
    Connection& connection_;
    std::optional<hub::Publication> publication_;
    flv::TagReader reader_;
    ReadMedia read_;
    std::uint64_t bytes_ = 0;
    std::optional<Error> ended_by_;
};

void Publisher::take(rtmp::Media media) {
    const Result<> read = read_tag(reader_, rtmp::tag_of(std::move(media)), read_);
    if (!read) {
        publication_->count_dropped();
        log::debug(protocol, "{} from {}: a message was dropped: {}", facts().stream, facts().peer.text(),
                   read.error().what);
    }
    for (hub::PublishedItem& item : read_.items) {
        publication_->take(std::move(item));
    }
    read_.clear();
}

hub::Petition petition(Connection& connection, hub::Action action, std::string stream, std::string query) {
    return {.action = action,
            .stream = std::move(stream),
            .protocol = protocol,
            .peer = connection.peer(),
            .encrypted = connection.encrypted(),
            .query = std::move(query),
            .let_in = [&connection] { connection.let_in(); }};
}

/// Says why not, in the protocol's words and in the log.
Task<> refuse(Desk& desk, Connection& connection, rtmp::Server& machine, Error error) {
    log::info(protocol, "{} was refused: {}", connection.peer().text(), error.what);
    note_refusal(desk, protocol, connection.peer(), error);
    machine.refuse(refusal_of(error.code), error.what);
    [[maybe_unused]] const Result<> sent = co_await net::flush(connection, machine, desk.executor);
}

/// Reads on after a said end until the peer closes, or the machine's patience is over: closing first would
/// tell some publishers that something broke.
Task<Error> part(Desk& desk, Connection& connection, rtmp::Server& machine) {
    for (;;) {
        while (machine.next_event()) {
        }
        const Result<> turn = co_await net::drive(connection, machine, desk.executor, desk.read_buffer);
        if (!turn) {
            co_return Error{Errc::closed, "it said that it ends"};
        }
    }
}

/// Carries media from the connection to the stream until either ends.
Task<Error> carry(Desk& desk, Connection& connection, rtmp::Server& machine, Publisher& publisher) {
    for (;;) {
        while (std::optional<rtmp::Server::Event> event = machine.next_event()) {
            if (auto* media = std::get_if<rtmp::Media>(&*event)) {
                publisher.take(std::move(*media));
            } else if (std::holds_alternative<rtmp::Server::PublishEnded>(*event)) {
                publisher.publication().finish();
                co_return co_await part(desk, connection, machine);
            }
        }
        publisher.count_received(machine.link_counters().bytes_in);
        publisher.publication().flush();
        while (publisher.publication().congested()) {
            co_await sleep_until(desk.executor, desk.executor.now() + congestion_pause);
        }
        const Result<> turn = co_await net::drive(connection, machine, desk.executor, desk.read_buffer);
        if (!turn) {
            co_return turn.error();
        }
    }
}

Task<> publish(Desk& desk, Connection& connection, rtmp::Server& machine,
               rtmp::Server::PublishRequested request) {
    const Result<hub::StreamName> name = hub::StreamName::parse(request.name);
    if (!name) {
        co_return co_await refuse(desk, connection, machine, name.error());
    }
    if (const Result<> room = desk.has_room(); !room) {
        co_return co_await refuse(desk, connection, machine, room.error());
    }
    const Result<hub::Admitted> admitted = co_await hub::ask(
        desk.admission, petition(connection, hub::Action::publish, name->text(), std::move(request.query)),
        desk.executor);
    if (!admitted) {
        co_return co_await refuse(desk, connection, machine, admitted.error());
    }
    if (const Result<> elsewhere = refuse_own(desk, request.hops); !elsewhere) {
        co_return co_await refuse(desk, connection, machine, elsewhere.error());
    }
    Publisher publisher{desk,
                        connection,
                        {.kind = hub::SessionKind::publisher,
                         .protocol = protocol,
                         .stream = name->text(),
                         .peer = connection.peer(),
                         .since = {},
                         .who = admitted->identity,
                         .hops = std::move(request.hops)}};
    Answer<hub::Grant> answer{desk.executor};
    desk.directory.publish(publisher.facts(), publisher.ref(), answer.reply());
    // No deadline: a grant that nobody waits for would keep the name; the hub answers within seconds.
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    if (!grant) {
        co_return co_await refuse(desk, connection, machine, grant.error());
    }
    publisher.begin(*grant);
    machine.accept_publish();
    connection.be_patient();
    const Error seen = co_await carry(desk, connection, machine, publisher);
    log::info(protocol, "publisher {} of {} left: {}", connection.peer().text(), name->text(),
              publisher.reason(seen).what);
}

Task<> play(Desk& desk, std::unique_ptr<Connection> connection, rtmp::Server machine,
            rtmp::Server::PlayRequested request) {
    const Result<hub::StreamName> name = hub::StreamName::parse(request.name);
    if (!name) {
        co_return co_await refuse(desk, *connection, machine, name.error());
    }
    if (const Result<> room = desk.has_room(); !room) {
        co_return co_await refuse(desk, *connection, machine, room.error());
    }
    const Result<hub::Admitted> admitted = co_await hub::ask(
        desk.admission, petition(*connection, hub::Action::play, name->text(), std::move(request.query)),
        desk.executor);
    if (!admitted) {
        co_return co_await refuse(desk, *connection, machine, admitted.error());
    }
    if (const Result<Hops> asked = co_await hops_for(desk, request.hops, name->text()); !asked) {
        co_return co_await refuse(desk, *connection, machine, asked.error());
    }
    Answer<hub::Joined> answer{desk.executor};
    desk.mirrors.join(
        hub::flavour<rtmp::Muxer>({.form = protocol, .only = {}}),
        {.protocol = protocol, .stream = name->text(), .peer = connection->peer(), .who = admitted->identity},
        answer.reply());
    Result<hub::Joined> joined = co_await answer.within(desk.executor.now() + decision_deadline);
    if (!joined) {
        co_return co_await refuse(desk, *connection, machine, joined.error());
    }
    const Result<Hops> hops = co_await hops_for(desk, std::move(request.hops), name->text());
    if (!hops) {
        co_return co_await refuse(desk, *connection, machine, hops.error());
    }
    machine.accept_play(*hops);
    joined->seat->bind(*connection);
    Bytes lead{machine.next_output()};
    std::unique_ptr<BackChannel> back_channel = rtmp::into_back_channel(std::move(machine), {});
    desk.fan_out.join(*joined->log, {.connection = std::move(connection),
                                     .lead = std::move(lead),
                                     .back_channel = std::move(back_channel),
                                     .seat = std::move(joined->seat)});
}

}   // namespace

Task<> rtmp_serve(Desk& desk, std::unique_ptr<Connection> connection) {
    rtmp::Server machine{desk.random, desk.executor.now()};
    for (;;) {
        while (std::optional<rtmp::Server::Event> event = machine.next_event()) {
            if (auto* request = std::get_if<rtmp::Server::PublishRequested>(&*event)) {
                co_return co_await publish(desk, *connection, machine, std::move(*request));
            }
            if (auto* request = std::get_if<rtmp::Server::PlayRequested>(&*event)) {
                co_return co_await play(desk, std::move(connection), std::move(machine), std::move(*request));
            }
        }
        const Result<> turn = co_await net::drive(*connection, machine, desk.executor, desk.read_buffer);
        if (!turn) {
            log::info(protocol, "{} left before it published or played: {}", connection->peer().text(),
                      turn.error().what);
            desk.tally.count(protocol, turn.error().code);
            co_return;
        }
    }
}

}   // namespace millrace::session
