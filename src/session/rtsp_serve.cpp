#include "session/rtsp_serve.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "net/drive.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtsp/player_back_channel.hpp"
#include "session/rtsp_access.hpp"
#include "session/rtsp_datagrams.hpp"
#include "session/rtsp_play.hpp"
#include "session/rtsp_publisher.hpp"
#include "session/rtsp_tunnel.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr Duration congestion_pause = 5ms;
constexpr std::string_view one_way_only = "all tracks travel by TCP, or all by UDP";

using rtsp::Server;

/// One connection: the machine, and what has become of it so far. It drives like a machine, with the reports
/// that a publisher is sent beside the machine's answers.
class Talk {
public:
    using Event = Server::Event;

    Talk(Desk& desk, std::unique_ptr<Connection> connection)
        : desk_{desk},
          access_{desk, *connection},
          player_{.connection = std::move(connection),
                  .machine = std::make_unique<Server>(desk.random, desk.executor.now()),
                  .offer = {}},
          datagrams_{desk, *player_.connection, [this](unsigned track, bool control, ByteSpan packet) {
                         hear(track, control, packet);
                     }} {}

    /// From its first bytes until it ends, or the fan-out has it.
    Task<> run(std::vector<std::byte> first);

    Result<> receive(ByteSpan bytes, Instant now) { return machine().receive(bytes, now); }
    Result<> advance(Instant now);
    Instant deadline() const;
    std::optional<Event> next_event() { return player_.machine->next_event(); }
    std::vector<std::byte> next_output();

private:
    Server& machine() { return *player_.machine; }
    Connection& connection() { return *player_.connection; }
    bool handed_over() const { return player_.connection == nullptr; }

    void take(const Server::Packet& packet);
    void hear(unsigned track, bool control, ByteSpan packet);
    void hand_on_heard();
    void send_reports(std::vector<std::byte>& interleaved);
    void answer_ports(const Server::PortsWanted& wanted);
    void end_session();
    Task<> answer(Event event);
    Task<> answer(Server::PlayRequested request);
    Task<> answer(Server::PublishRequested request);
    Task<> answer(Server::PlayStarted request);
    Task<Result<>> publish(Server::PublishRequested request);
    Task<> hand_on();
    void end_publication(Error why);

    Desk& desk_;
    RtspAccess access_;
    RtspPlayer player_;
    std::optional<RtspPublisher> publisher_;
    bool recording_ = false;
    bool played_ = false;
    Alarm<Talk, &Talk::hand_on_heard> heard_{*this};
    RtspDatagrams datagrams_;   // its sink uses the others
};
static_assert(ProtocolMachine<Talk>);

Result<> Talk::advance(Instant now) {
    if (publisher_ && recording_) {
        publisher_->advance(now);
    }
    return machine().deadline() <= now ? machine().advance(now) : Result<>{};
}

Instant Talk::deadline() const {
    const Instant due = player_.machine->deadline();
    return publisher_ && recording_ && !heard_.armed() ? std::min(due, publisher_->deadline()) : due;
}

std::vector<std::byte> Talk::next_output() {
    std::vector<std::byte> out = machine().next_output();
    send_reports(out);
    return out;
}

/// Reports that are due: those for tracks over TCP are added to what leaves there.
void Talk::send_reports(std::vector<std::byte>& interleaved) {
    if (!publisher_ || !recording_) {
        return;
    }
    while (const std::optional<RtpIntake::Report> report = publisher_->next_report(desk_.executor.now())) {
        const auto setup = std::ranges::find(machine().tracks(), report->media, &rtsp::SetupTrack::track);
        if (setup != machine().tracks().end() && setup->transport.channels) {
            ByteWriter writer{interleaved};
            rtp::write_interleaved_head(writer, setup->transport.channels->rtcp, report->bytes.size());
            writer.bytes(report->bytes);
        } else {
            datagrams_.send_control(report->media, report->bytes);
        }
    }
}

/// A packet by UDP. What comes of those of one wake is handed on together.
void Talk::hear(unsigned track, bool control, ByteSpan packet) {
    const Instant now = desk_.executor.now();
    machine().keep_alive(now);
    if (publisher_ && recording_ && !publisher_->congested()) {
        publisher_->take(track, control, packet, now);
        desk_.executor.timers().arm(heard_, now);
    } else if (control && datagrams_.has_place() && rtsp::asks_for_key_frame(packet)) {
        desk_.directory.ask(player_.offer.stream, hub::AskKeyFrame{});
    }
}

void Talk::hand_on_heard() {
    if (!publisher_ || !recording_) {
        return;
    }
    publisher_->advance(desk_.executor.now());
    publisher_->flush();
    std::vector<std::byte> interleaved;   // none: all is UDP, or the next turn has it
    send_reports(interleaved);
    desk_.executor.timers().arm(heard_, publisher_->deadline());
}

void Talk::answer_ports(const Server::PortsWanted& wanted) {
    const bool mixed = std::ranges::any_of(machine().tracks(), [&](const rtsp::SetupTrack& one) {
        return one.track != wanted.track && one.transport.lower != rtsp::Transport::Lower::udp;
    });
    const Result<Server::Granted> granted =
        mixed ? fail(Errc::unsupported, one_way_only) : datagrams_.grant(wanted);
    if (granted) {
        machine().grant_ports(*granted);
    } else {
        machine().refuse(
            {.status = rtsp::unsupported_transport, .reason = granted.error().what, .challenges = {}});
    }
}

Task<> Talk::answer(Server::PlayRequested request) {
    const Result<hub::Admitted> admitted =
        co_await access_.ask({hub::Action::play, request.address, request.caller});
    if (!admitted) {
        access_.refuse(machine(), admitted.error());
        co_return;
    }
    player_.offer = {};
    Result<RtspOffer> offer = co_await offer_stream(desk_, {.protocol = rtsp_protocol,
                                                            .stream = request.address.path,
                                                            .peer = connection().peer(),
                                                            .who = admitted->identity});
    if (!offer) {
        access_.refuse(machine(), offer.error());
        co_return;
    }
    player_.offer = std::move(*offer);
    player_.offer.place->bind(connection());
    machine().offer(player_.offer.offer.description);
}

Task<> Talk::answer(Server::PlayStarted request) {
    if (datagrams_.has_place()) {
        datagrams_.play();
        machine().start_play({});   // after a pause, it goes on where the stream is now
        co_return;
    }
    const rtsp::Transport::Lower lower = request.tracks.front().transport.lower;
    if (std::ranges::any_of(request.tracks, [&](const auto& one) { return one.transport.lower != lower; })) {
        machine().refuse({.status = rtsp::unsupported_transport, .reason = one_way_only, .challenges = {}});
        co_return;
    }
    const bool datagrams = lower == rtsp::Transport::Lower::udp;
    const Result<> played = datagrams ? co_await rtsp_play_datagrams(
                                            desk_, player_, request.tracks,
                                            {datagrams_, [this](Error /*why*/) { connection().close(); }})
                                      : co_await rtsp_play(desk_, player_, request.tracks);
    played_ = played_ || played;
    if (!played) {
        access_.refuse(machine(), played.error());
    }
}

Task<Result<>> Talk::publish(Server::PublishRequested request) {
    const Result<hub::Admitted> admitted =
        co_await access_.ask({hub::Action::publish, request.address, request.caller});
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    std::vector<std::string> remarks;
    std::vector<RtpIntake::Line> lines = RtpIntake::usable_lines(request.description, remarks);
    for (const std::string& remark : remarks) {
        log::warning(rtsp_protocol, "{} from {}: {}", request.address.path, connection().peer().text(),
                     remark);
    }
    if (lines.empty()) {
        co_return fail(Errc::unsupported, "none of the tracks it announces can be used here");
    }
    publisher_.emplace(desk_, connection(),
                       hub::SessionFacts{.kind = hub::SessionKind::publisher,
                                         .protocol = rtsp_protocol,
                                         .stream = request.address.path,
                                         .peer = connection().peer(),
                                         .who = admitted->identity},
                       std::move(lines));
    const Result<> begun = co_await publisher_->begin();
    if (!begun) {
        publisher_.reset();
    }
    co_return begun;
}

Task<> Talk::answer(Server::PublishRequested request) {
    publisher_.reset();
    const Result<> begun = co_await publish(std::move(request));
    if (begun) {
        machine().accept_publish();
    } else {
        access_.refuse(machine(), begun.error());
    }
}

void Talk::take(const Server::Packet& packet) {
    if (publisher_ && recording_) {
        publisher_->take(packet.track, packet.control, packet.payload, desk_.executor.now());
    }
}

Task<> Talk::answer(Event event) {
    if (auto* play = std::get_if<Server::PlayRequested>(&event)) {
        co_await answer(std::move(*play));
    } else if (auto* announced = std::get_if<Server::PublishRequested>(&event)) {
        co_await answer(std::move(*announced));
    } else if (const auto* ports = std::get_if<Server::PortsWanted>(&event)) {
        answer_ports(*ports);
    } else if (auto* started = std::get_if<Server::PlayStarted>(&event)) {
        co_await answer(std::move(*started));
    } else if (const auto* recorded = std::get_if<Server::RecordStarted>(&event)) {
        access_.let_in();
        publisher_->record(recorded->tracks);
        recording_ = true;
    } else if (std::holds_alternative<Server::Paused>(event)) {
        recording_ = false;
        datagrams_.pause();
    } else if (std::holds_alternative<Server::Ended>(event)) {
        end_session();
    }
}

/// TEARDOWN. The connection stays, for another.
void Talk::end_session() {
    if (publisher_) {
        publisher_->finish();
        end_publication({Errc::closed, "it said that it ends"});
    }
    datagrams_.end();
    player_.offer = {};
}

void Talk::end_publication(Error why) {
    if (publisher_) {
        log::info(rtsp_protocol, "publisher {} of {} left: {}", publisher_->facts().peer.text(),
                  publisher_->facts().stream, publisher_->reason(why).what);
    }
    recording_ = false;
    publisher_.reset();
}

Task<> Talk::hand_on() {
    if (!publisher_ || !recording_) {
        co_return;
    }
    publisher_->flush();
    while (publisher_->congested()) {
        co_await sleep_until(desk_.executor, desk_.executor.now() + congestion_pause);
    }
}

Task<> Talk::run(std::vector<std::byte> first) {
    Result<> turn = receive(first, desk_.executor.now());
    if (!turn) {
        net::send_last_words(connection(), *this);
    }
    while (turn) {
        while (std::optional<Event> event = next_event()) {
            if (const auto* packet = std::get_if<Server::Packet>(&*event)) {
                take(*packet);
                continue;
            }
            co_await answer(std::move(*event));
            if (handed_over()) {
                co_return;
            }
        }
        co_await hand_on();
        turn = co_await net::drive(connection(), *this, desk_.executor, desk_.read_buffer);
    }
    if (publisher_ || played_) {
        end_publication(turn.error());
        co_return;
    }
    log::info(rtsp_protocol, "{} left before it published or played: {}", connection().peer().text(),
              turn.error().what);
    desk_.tally.count(rtsp_protocol, turn.error().code);
}

}   // namespace

Task<> rtsp_serve(Desk& desk, std::unique_ptr<Connection> connection) {
    const Endpoint peer = connection->peer();
    Result<RtspOpening> opening = co_await read_opening(desk, *connection);
    Result<> begun = opening ? Result<>{} : std::unexpected(opening.error());
    if (opening && opening->http) {
        begun = co_await join_tunnel(desk, connection, std::exchange(*opening, {}));
    }
    if (!begun) {
        log::info(rtsp_protocol, "{} left before it published or played: {}", peer.text(),
                  begun.error().what);
        desk.tally.count(rtsp_protocol, begun.error().code);
    } else if (connection != nullptr) {
        Talk talk{desk, std::move(connection)};
        co_await talk.run(std::move(opening->bytes));
    }
}

}   // namespace millrace::session
