#include "session/link_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "hub/name.hpp"
#include "net/drive.hpp"
#include "protocol/link/muxer.hpp"
#include "session/link_back_channel.hpp"
#include "session/link_checks.hpp"
#include "session/link_enrol.hpp"
#include "session/refused.hpp"
#include "session/relays.hpp"
#include "session/uplink_serve.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view protocol = "kcp";
constexpr Duration decision_deadline = 10s;
constexpr Duration congestion_pause = 5ms;

/// The publisher of a stream, as the registry and the hub reach it.
class Publisher final : public hub::Sessions::Entry {
public:
    Publisher(Desk& desk, LinkConnection& connection, link::Talk& talk, hub::SessionFacts facts)
        : Entry{desk.sessions, std::move(facts)}, desk_{desk}, connection_{connection}, talk_{talk} {}

    void begin(hub::Grant grant) {
        publication_.emplace(desk_.directory, desk_.executor, ref(), grant);
        if (Entry::facts().sends_log && desk_.uplink_hall != nullptr) {
            live_.emplace(*desk_.uplink_hall, Entry::facts().stream);
        }
    }
    void take(media::AccessUnit unit) {
        if (live_) {
            live_->take(unit);
        }
        publication_->take(std::move(unit));
    }
    void take(media::TimedMessage message) {
        if (live_) {
            live_->take(message);
        }
        publication_->say(std::move(message));
    }
    hub::Publication& publication() { return *publication_; }
    /// What applications said since the last turn goes out with this one.
    void hand_notes() {
        for (Bytes& note : std::exchange(notes_, {})) {
            talk_.note(std::move(note));
        }
    }
    void count() {
        publication_->count_received(
            static_cast<std::size_t>(talk_.received() - std::exchange(bytes_, talk_.received())));
        publication_->count_chunks(new_checks(talk_, checked_));
    }

    void end(Error reason) override {
        ended_by_ = reason;
        talk_.refuse(reason.code, std::string{reason.what});
        net::send_last_words(connection_, talk_);
        connection_.close();
    }
    void on_ask(hub::Ask ask) override {
        if (std::holds_alternative<hub::AskKeyFrame>(ask)) {
            talk_.wish({.what = link::Wish::What::key_frame});
        } else if (const auto* const rate = std::get_if<hub::AskBitrate>(&ask)) {
            talk_.wish({.what = link::Wish::What::bitrate, .value = rate->bits_per_second});
        } else if (auto* const message = std::get_if<hub::AskMessage>(&ask)) {
            // It may be longer than one write: it goes with the next turn, which waits for all of them.
            if (notes_.size() < notes_max) {
                notes_.push_back(std::move(message->json));
            }
            return;
        }
        net::send_last_words(connection_, talk_);
    }
    void on_taken(std::size_t bytes) override {
        if (publication_) {
            publication_->taken(bytes);
        }
    }
    hub::SessionReport report() const override {
        hub::SessionReport report{id(), facts(), bytes_, 0, 0, 0};
        report.link = connection_.link_report();
        return report;
    }
    /// Why it ends: our reason if we ended it.
    Error reason(Error seen) const { return ended_by_.value_or(seen); }

private:
    Desk& desk_;
    LinkConnection& connection_;
    link::Talk& talk_;
    std::optional<hub::Publication> publication_;
    std::optional<hub::UplinkHall::Live> live_;   // of an uplink
    std::uint64_t bytes_ = 0;
    hub::ChunkChecks checked_;
    static constexpr std::size_t notes_max = 64;
    std::vector<Bytes> notes_;
    std::optional<Error> ended_by_;
};

/// One who came by a link, and what was found out about it.
struct Guest {
    Desk& desk;
    std::unique_ptr<LinkConnection> connection;
    link::Talk talk;
    link::Hello hello{};
    std::string stream{};   ///< a valid name, once it was let in
    hub::Identity who{};    ///< likewise
};

/// Says why not, in words at the other end and in the log.
Task<> refuse(Guest& guest, Error error) {
    const Endpoint& peer = guest.connection->peer();
    log::info(protocol, "{} was refused: {}", peer.text(), error.what);
    note_refusal(guest.desk, protocol, peer, error);
    guest.talk.refuse(error.code, std::string{error.what});
    [[maybe_unused]] const Result<> sent =
        co_await net::flush(*guest.connection, guest.talk, guest.desk.executor);
}

/// An uplink's key is one box's. The second one is refused, and once it is sure that there are two, somebody
/// has to know.
Result<hub::UplinkHall::Hold> hold_box(Guest& guest) {
    const std::string& identity = guest.connection->psk_identity();
    hub::UplinkHall* const hall = guest.desk.uplink_hall;
    const link::Direction direction = guest.hello.direction;
    if (hall == nullptr || (direction != link::Direction::uplink && direction != link::Direction::log)) {
        return hub::UplinkHall::Hold{};
    }
    const Instant now = guest.desk.executor.now();
    Result<hub::UplinkHall::Hold> hold = hall->enter(identity, guest.hello.hops, now);
    if (!hold && hall->alarms(identity, now)) {
        log::error(protocol,
                   "{}: two boxes use the key of \"{}\" at once: one of them stole it. {} is refused; take "
                   "the key away and enroll the box anew",
                   guest.stream, log::escaped(identity), guest.connection->peer().text());
    }
    return hold;
}

/// Whether it may do what it wants, and who it is.
Task<Result<>> let_in(Guest& guest) {
    const Result<hub::StreamName> name = hub::StreamName::parse(guest.hello.name);
    if (!name) {
        co_return std::unexpected(name.error());
    }
    if (const Result<> room = guest.desk.has_room(); !room) {
        co_return room;
    }
    const bool publishes = guest.hello.direction != link::Direction::play;
    LinkConnection& connection = *guest.connection;
    hub::Petition petition{.action = publishes ? hub::Action::publish : hub::Action::play,
                           .stream = name->text(),
                           .protocol = protocol,
                           .peer = connection.peer(),
                           .encrypted = true,
                           .query = guest.hello.query,
                           .proven_user = connection.psk_identity(),
                           .let_in = [&connection] { connection.let_in(); }};
    const Result<hub::Admitted> admitted =
        co_await hub::ask(guest.desk.admission, std::move(petition), guest.desk.executor);
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    guest.stream = name->text();
    guest.who = admitted->identity;
    co_return Result<>{};
}

/// Passes on what an edge says of its run and where its segments begin; false for anything else.
bool follow(const link::Talk::Event& event, hub::Publication& publication) {
    if (const auto* const run = std::get_if<link::Run>(&event)) {
        if (const auto id = hub::RunId::parse(run->id)) {
            publication.take(*id);
        }
    } else if (const auto* const cut = std::get_if<link::SegmentCut>(&event)) {
        publication.take(hub::GivenCut{cut->cut, cut->whole});
    } else {
        return false;
    }
    return true;
}

/// Carries media from the link to the stream until either ends.
Task<Error> carry(Guest& guest, Publisher& publisher) {
    Executor& executor = guest.desk.executor;
    for (;;) {
        while (std::optional<link::Talk::Event> event = guest.talk.next_event()) {
            if (auto* const unit = std::get_if<media::AccessUnit>(&*event)) {
                publisher.take(std::move(*unit));
            } else if (auto* const track = std::get_if<media::Track>(&*event)) {
                publisher.publication().take(std::move(*track));
            } else if (auto* const message = std::get_if<media::TimedMessage>(&*event)) {
                publisher.take(std::move(*message));
            } else if (follow(*event, publisher.publication())) {
                continue;
            } else if (std::holds_alternative<link::End>(*event)) {
                publisher.count();
                publisher.publication().finish();
                co_return Error{Errc::closed, "it said that it ends"};
            } else {
                co_return Error{Errc::closed, "it broke off"};
            }
        }
        publisher.count();
        publisher.publication().flush();
        while (publisher.publication().congested()) {
            co_await sleep_until(executor, executor.now() + congestion_pause);
        }
        publisher.hand_notes();
        const Result<> turn =
            co_await net::drive(*guest.connection, guest.talk, executor, guest.desk.read_buffer);
        if (!turn) {
            co_return turn.error();
        }
    }
}

Task<> publish(Guest& guest) {
    const Result<hub::UplinkHall::Hold> box = hold_box(guest);
    if (!box) {
        co_return co_await refuse(guest, box.error());
    }
    if (const Result<> elsewhere = refuse_own(guest.desk, guest.hello.hops); !elsewhere) {
        co_return co_await refuse(guest, elsewhere.error());
    }
    Publisher publisher{guest.desk,
                        *guest.connection,
                        guest.talk,
                        {.kind = hub::SessionKind::publisher,
                         .protocol = protocol,
                         .stream = guest.stream,
                         .peer = guest.connection->peer(),
                         .since = {},
                         .who = guest.who,
                         .hops = guest.hello.hops,
                         .sends_log = guest.hello.direction == link::Direction::uplink,
                         .hears = true}};
    Answer<hub::Grant> answer{guest.desk.executor};
    guest.desk.directory.publish(publisher.facts(), publisher.ref(), answer.reply());
    // No deadline: a grant that nobody waits for would keep the name; the hub answers within seconds.
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    if (!grant) {
        co_return co_await refuse(guest, grant.error());
    }
    publisher.begin(*grant);
    guest.talk.welcome({});
    const Error seen = co_await carry(guest, publisher);
    log::info(protocol, "publisher {} of {} left: {}", guest.connection->peer().text(), guest.stream,
              publisher.reason(seen).what);
}

Task<> play(Guest& guest) {
    Desk& desk = guest.desk;
    const Endpoint peer = guest.connection->peer();
    if (const Result<Hops> asked = co_await hops_for(desk, guest.hello.hops, guest.stream); !asked) {
        co_return co_await refuse(guest, asked.error());
    }
    Answer<hub::Joined> answer{desk.executor};
    desk.mirrors.join(hub::flavour<link::Muxer>({.form = protocol, .only = {}}),
                      {.protocol = protocol, .stream = guest.stream, .peer = peer, .who = guest.who},
                      answer.reply());
    Result<hub::Joined> joined = co_await answer.within(desk.executor.now() + decision_deadline);
    if (!joined) {
        co_return co_await refuse(guest, joined.error());
    }
    Result<Hops> hops = co_await hops_for(desk, guest.hello.hops, guest.stream);
    if (!hops) {
        co_return co_await refuse(guest, hops.error());
    }
    guest.talk.welcome(std::move(*hops));
    joined->seat->bind(*guest.connection);
    joined->seat->keep_close(link_lag_max);
    Bytes lead{guest.talk.next_output()};
    auto back_channel = std::make_unique<LinkBackChannel>(std::move(guest.talk), nullptr, nullptr);
    desk.fan_out.join(*joined->log, {.connection = std::move(guest.connection),
                                     .lead = std::move(lead),
                                     .back_channel = std::move(back_channel),
                                     .seat = std::move(joined->seat)});
}

/// Takes what an edge recorded, where this node keeps recordings of the stream.
Task<> take_log(Guest& guest) {
    Desk& desk = guest.desk;
    if (desk.keeper == nullptr || !desk.directory.settings_of(guest.stream).record.now) {
        co_return co_await refuse(
            guest, {Errc::refused, "this node does not record this stream: its streams need record: true"});
    }
    const Result<hub::UplinkHall::Hold> box = hold_box(guest);
    if (!box) {
        co_return co_await refuse(guest, box.error());
    }
    guest.talk.welcome({});
    const Result<> said = co_await net::flush(*guest.connection, guest.talk, desk.executor);
    if (!said) {
        co_return;
    }
    UplinkGuest edge{.connection = std::move(guest.connection), .stream = guest.stream, .who = guest.who};
    co_await uplink_serve(desk, std::move(edge));
}

/// The first word: nothing where it left, or refused, before it said one.
Task<std::optional<link::Hello>> greet(Guest& guest) {
    for (;;) {
        if (std::optional<link::Talk::Event> event = guest.talk.next_event()) {
            auto* const hello = std::get_if<link::Hello>(&*event);
            co_return hello == nullptr ? std::nullopt : std::optional{std::move(*hello)};
        }
        const Result<> turn =
            co_await net::drive(*guest.connection, guest.talk, guest.desk.executor, guest.desk.read_buffer);
        if (!turn) {
            log::info(protocol, "{} left before it published or played: {}", guest.connection->peer().text(),
                      turn.error().what);
            guest.desk.tally.count(protocol, turn.error().code);
            co_return std::nullopt;
        }
    }
}

}   // namespace

Task<> link_serve(Desk& desk, std::unique_ptr<LinkConnection> connection) {
    Guest guest{.desk = desk, .connection = std::move(connection), .talk = link::Talk{desk.executor.now()}};
    std::optional<link::Hello> hello = co_await greet(guest);
    if (!hello) {
        co_return;
    }
    guest.hello = std::move(*hello);
    if (guest.connection->psk_identity().starts_with(hub::enrolment_prefix)) {
        co_return co_await enrol_guest(desk, *guest.connection, guest.hello.query, guest.talk);
    }
    if (const Result<> may = co_await let_in(guest); !may) {
        co_return co_await refuse(guest, may.error());
    }
    auto wanted = guest.hello.direction == link::Direction::play  ? play(guest)
                  : guest.hello.direction == link::Direction::log ? take_log(guest)
                                                                  : publish(guest);
    co_await wanted;
}

}   // namespace millrace::session
