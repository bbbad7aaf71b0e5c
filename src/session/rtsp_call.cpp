#include "session/rtsp_call.hpp"

#include "base/log.hpp"
#include "base/secret.hpp"
#include "net/drive.hpp"
#include "session/relays.hpp"

namespace millrace::session {

namespace {

constexpr std::string_view who = "source";

}   // namespace

RtspCall::RtspCall(const Means& means, RtspTarget target, SourceTransport by)
    : desk_{means.desk},
      connector_{means.connector},
      publisher_{means.publisher},
      target_{std::move(target)},
      by_udp_{by == SourceTransport::udp},
      readable_{means.desk.executor} {
    if (by == SourceTransport::http) {
        tunnel_.emplace(target_.url, means.desk.random);
    }
}

Task<RtspCallEnding> RtspCall::run() {
    Result<> ended = co_await connect();
    if (ended) {
        ended = co_await converse();
        say_farewell();
    }
    publisher_.use(nullptr);
    publisher_.finish(intake_.unpublished());
    co_return RtspCallEnding{.error = ended.error(),
                             .words = words_of(ended.error()),
                             .elsewhere = std::move(elsewhere_),
                             .udp_failed = udp_failed_,
                             .delivered = packets_ != 0};
}

Task<Result<std::unique_ptr<Connection>>> RtspCall::open(Instant deadline) {
    Dial dial{target_.url.endpoint(), target_.secure(), deadline};
    if (tunnel_) {
        TunnelDig dig{desk_, connector_, std::move(dial),
                      [this](Connection* connection) { publisher_.use(connection); }};
        co_return co_await dig_tunnel(std::move(dig), *tunnel_);
    }
    Answer<std::unique_ptr<Connection>> answer{desk_.executor};
    connector_.connect(desk_.executor, std::move(dial), answer.reply());
    co_return co_await answer.within(deadline);
}

Task<Result<>> RtspCall::connect() {
    Result<std::unique_ptr<Connection>> opened = co_await open(desk_.executor.now() + rtsp_connect_deadline);
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    if (publisher_.is_over()) {
        co_return fail(Errc::cancelled, "the source was stopped");
    }
    connection_ = std::move(*opened);
    client_.emplace(rtsp::ClientOptions{.url = target_.text,
                                        .user = target_.url.user,
                                        .password = target_.url.password,
                                        .announce = {},
                                        .hops = hops_of_pull(desk_, publisher_.facts().stream)},
                    desk_.random, desk_.executor.now());
    farewell_.emplace(*connection_, [this] { say_farewell(); });
    readable_.add(*connection_);
    const std::optional<PeerAddress> server = PeerAddress::parse(connection_->peer());
    ports_.emplace(server.value_or(PeerAddress{}));
    publisher_.use(&*farewell_);
    publisher_.on_key_frame_wanted = [this] { intake_.ask_key_frame(); };
    co_return Result<>{};
}

void RtspCall::say_farewell() {
    client_->tear_down();
    net::send_last_words(*connection_, *client_);
}

Task<Result<>> RtspCall::converse() {
    for (;;) {
        const Result<> events = co_await take_events();
        if (!events) {
            co_return events;
        }
        intake_.advance(desk_.executor.now());
        const Result<> handed = co_await hand_over();
        if (!handed) {
            co_return handed;
        }
        report();
        const Result<> patient = check_patience();
        if (!patient) {
            co_return patient;
        }
        for (const rtsp::SetupTrack& setup : client_->tracks()) {
            ports_->reach(setup);
        }
        const Result<> flushed = co_await net::flush(*connection_, *client_, desk_.executor);
        if (!flushed) {
            co_return flushed;
        }
        co_await readable_.any(deadline());
        const Result<> got = read();
        if (!got) {
            co_return got;
        }
    }
}

Instant RtspCall::deadline() const {
    Instant due = std::min(client_->deadline(), intake_.deadline());
    if (client_->started()) {
        due = std::min(due, newest_ + (by_udp_ && packets_ == 0 ? rtsp_udp_patience : rtsp_patience));
    }
    return due;
}

/// What came on the connection and on the ports.
Result<> RtspCall::read() {
    if (publisher_.is_over()) {
        return fail(Errc::cancelled, "the source was stopped");
    }
    ports_->drain(readable_, 1, desk_.read_buffer, [this](unsigned media, bool control, ByteSpan packet) {
        take_packet(media, control, packet);
    });
    if (readable_.take(0)) {
        const Result<std::size_t> count = connection_->try_read(desk_.read_buffer);
        if (!count && count.error().code != Errc::would_block) {
            return std::unexpected(count.error());
        }
        const ByteSpan bytes = std::span{desk_.read_buffer}.first(count.value_or(0));
        if (const Result<> taken = client_->receive(bytes, desk_.executor.now()); !taken) {
            // A camera that does not know UDP says so in one way or another when it is asked for it.
            udp_failed_ = by_udp_ && chosen_ && !client_->started() &&
                          (client_->status() != 0 || taken.error().code == Errc::unsupported);
            return taken;
        }
    }
    const Instant now = desk_.executor.now();
    return client_->deadline() <= now ? client_->advance(now) : Result<>{};
}

Task<Result<>> RtspCall::take_events() {
    while (std::optional<rtsp::Client::Event> event = client_->next_event()) {
        if (const auto* described = std::get_if<rtsp::Client::Described>(&*event)) {
            const Result<> elsewhere = refuse_own(desk_, described->hops);
            publisher_.came_through(described->hops);
            const Result<> chose = elsewhere ? co_await choose(described->description) : elsewhere;
            if (!chose) {
                co_return chose;
            }
        } else if (const auto* packet = std::get_if<rtsp::Client::Packet>(&*event)) {
            take_packet(packet->track, packet->control, packet->payload);
        } else if (const auto* started = std::get_if<rtsp::Client::Started>(&*event)) {
            take_start(*started);
        } else if (const auto* redirected = std::get_if<rtsp::Client::Redirected>(&*event)) {
            elsewhere_ = redirected->url;
            co_return fail(Errc::refused, "the camera sends us elsewhere");
        }
    }
    co_return Result<>{};
}

Task<Result<>> RtspCall::choose(const sdp::Description& description) {
    std::vector<std::string> remarks = description.remarks;
    const std::vector<RtpIntake::Line> lines = RtpIntake::usable_lines(description, remarks);
    for (const std::string& remark : remarks) {
        log::info(who, "{}: of the camera's description: {}", publisher_.facts().stream, remark);
    }
    if (lines.empty()) {
        nothing_usable_ = remarks.empty() ? "it is empty" : remarks.back();
        co_return fail(Errc::unsupported, "the camera offers no track that can be read here");
    }
    chosen_ = true;
    std::vector<rtsp::Client::Choice> choices;
    for (const RtpIntake::Line& line : lines) {
        rtsp::Client::Choice choice{.track = line.media, .ports = {}};
        if (by_udp_) {
            const Result<rtsp::Ports> ports = co_await ports_->open(desk_.executor, connector_, line.media);
            if (!ports) {
                udp_failed_ = true;
                co_return std::unexpected(ports.error());
            }
            choice.ports = *ports;
        }
        choices.push_back(choice);
    }
    ports_->add_to(readable_);
    intake_ = RtpIntake{lines,
                        {.reorder_wait = by_udp_ ? rtp::Receiver::reorder_wait_udp : Duration{0},
                         .own_ssrc = desk_.random.next_u32()}};
    co_return client_->choose(choices, desk_.executor.now());
}

void RtspCall::take_start(const rtsp::Client::Started& started) {
    newest_ = desk_.executor.now();
    if (client_->server_miscounts()) {
        log::info(who, "{}: the camera's answers have other numbers (CSeq) than the requests",
                  publisher_.facts().stream);
    }
    std::vector<RtpIntake::Start> starts;
    for (const rtsp::Server::TrackStart& start : started.starts) {
        starts.push_back({start.track, start.timestamp});
    }
    intake_.begin_at(starts);
}

void RtspCall::take_packet(unsigned media, bool control, ByteSpan packet) {
    received_ += packet.size();
    const Instant now = desk_.executor.now();
    // Some send both kinds on one port or channel (RFC 5761).
    if (control || rtp::is_control(packet)) {
        intake_.receive_control(media, packet, now);
    } else {
        intake_.receive(media, packet, now);
    }
}

Task<Result<>> RtspCall::hand_over() {
    const Instant now = desk_.executor.now();
    while (std::optional<media::AccessUnit> unit = intake_.next(now)) {
        if (!publisher_.began()) {
            const Result<> begun = co_await publisher_.begin();
            if (!begun) {
                co_return begun;
            }
            for (media::Track& track : intake_.tracks()) {
                publisher_.publication().announce(std::move(track));
            }
            if (intake_.has_klv()) {
                publisher_.publication().say({.kind = media::TimedMessage::Kind::klv, .body = {}});
            }
        }
        publisher_.write(std::move(*unit));
    }
    std::vector<media::TimedMessage> messages = intake_.take_messages();
    if (publisher_.began() && received_ != 0) {
        for (media::TimedMessage& message : messages) {
            publisher_.publication().say(std::move(message));
        }
        publisher_.publication().count_received(std::exchange(received_, 0));
        publisher_.publication().count_packets(intake_.take_packet_loss());
        for (std::uint64_t dropped = intake_.take_dropped(); dropped > 0; --dropped) {
            publisher_.publication().count_dropped();
        }
        co_await publisher_.flush();
    }
    co_return Result<>{};
}

void RtspCall::report() {
    while (const std::optional<RtpIntake::Report> due = intake_.next_report(desk_.executor.now())) {
        by_udp_ ? ports_->send_control(due->media, due->bytes)
                : client_->send_control(due->media, due->bytes);
    }
}

Result<> RtspCall::check_patience() {
    const Instant now = desk_.executor.now();
    if (intake_.packets() != packets_) {
        packets_ = intake_.packets();
        newest_ = now;
    }
    if (!client_->started()) {
        return {};
    }
    publisher_.say(packets_ != 0 && intake_.waits_for_key_frame() ? "connected; no key frame has come yet"
                                                                  : "");
    if (by_udp_ && packets_ == 0 && now >= newest_ + rtsp_udp_patience) {
        udp_failed_ = true;
        return fail(Errc::timed_out, "no packet came by UDP");
    }
    if (now >= newest_ + rtsp_patience) {
        return fail(Errc::timed_out, "the camera sent nothing for 10 s");
    }
    if (intake_.unpublished()) {
        return fail(Errc::closed, "the server's publisher ended");
    }
    return intake_.ended() ? Result<>{fail(Errc::closed, "the camera ended its stream")} : Result<>{};
}

std::string RtspCall::words_of(const Error& error) const {
    if (!nothing_usable_.empty()) {
        return fmt::format("{}: {}", error.what, nothing_usable_);
    }
    if (!client_ && tunnel_ && tunnel_->status() != 0 && tunnel_->status() != 200) {
        return fmt::format("the camera answers {}: {}", tunnel_->status(), error.what);
    }
    const bool asks_who = error.code == Errc::unauthenticated && client_ && client_->status() == 0;
    if (asks_who) {
        return target_.url.has_user ? "the camera answers 401: another user or password"
                                    : "the camera answers 401: it wants a user and a password";
    }
    if (client_ && client_->status() == rtsp::not_found) {
        return "the camera answers 404: it has no such stream";
    }
    if (client_ && client_->status() != 0) {
        return fmt::format("the camera answers {} {}", client_->status(),
                           masked(log::escaped(client_->reason(), 128)));
    }
    return publisher_.began() || packets_ == 0 || !intake_.waits_for_key_frame()
               ? std::string{}
               : fmt::format("{}; no key frame came", error.what);
}

}   // namespace millrace::session
