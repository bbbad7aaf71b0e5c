#include "base/log.hpp"
#include "session/relays.hpp"
#include "session/rtsp_talk.hpp"

#include <algorithm>

// What a connection of RTSP answers to those who play and publish.

namespace millrace::session {

namespace {

constexpr Duration lease_deadline = 5s;
constexpr std::string_view no_group = "a recording goes to one player: by TCP or UDP";
constexpr std::string_view one_way_only = "all tracks travel by TCP, all by UDP, or all by multicast";

using rtsp::Server;

}   // namespace

Result<Server::Granted> RtspTalk::ports_for(const Server::PortsWanted& wanted) {
    const rtsp::Transport::Lower lower =
        wanted.group ? rtsp::Transport::Lower::multicast : rtsp::Transport::Lower::udp;
    const bool mixed = std::ranges::any_of(machine().tracks(), [&](const rtsp::SetupTrack& one) {
        return one.track != wanted.track && one.transport.lower != lower;
    });
    return mixed                     ? fail(Errc::unsupported, one_way_only)
           : wanted.group && rewind_ ? fail(Errc::unsupported, no_group)
           : wanted.group            ? Result<Server::Granted>{}
                                     : datagrams_.grant(wanted);
}

Task<Result<Server::Granted>> RtspTalk::group_for(unsigned track) {
    if (group_ == nullptr) {
        Answer<MulticastLease> answer{desk_.executor};
        desk_.multicast->lease(desk_, player_.offer.stream, answer.reply());
        Result<MulticastLease> lease = co_await answer.within(desk_.executor.now() + lease_deadline);
        if (!lease) {
            co_return std::unexpected(lease.error());
        }
        group_ = std::make_unique<RtspGroupShare>(std::move(*lease), *player_.offer.log, desk_.executor,
                                                  connection());
    }
    const MulticastPlace& place = group_->lease.place();
    co_return Server::Granted{
        .server = place.ports(track), .group = place.group.endpoint().address, .hops = place.hops};
}

Task<> RtspTalk::answer(Server::PortsWanted wanted) {
    Result<Server::Granted> granted = ports_for(wanted);
    if (granted && wanted.group) {
        granted = co_await group_for(wanted.track);
    }
    if (granted) {
        machine().grant_ports(*granted);
    } else {
        machine().refuse(
            {.status = rtsp::unsupported_transport, .reason = granted.error().what, .challenges = {}});
    }
}

Task<Result<>> RtspTalk::offer_live(const Server::PlayRequested& request) {
    const Result<hub::Admitted> admitted =
        co_await access_.ask({hub::Action::play, request.address, request.caller});
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (const Result<Hops> asked = co_await hops_for(desk_, request.caller.hops, request.address.path);
        !asked) {
        co_return std::unexpected(asked.error());
    }
    Result<RtspOffer> offer = co_await offer_stream(desk_, {.protocol = rtsp_protocol,
                                                            .stream = request.address.path,
                                                            .peer = connection().peer(),
                                                            .who = admitted->identity});
    if (!offer) {
        co_return std::unexpected(offer.error());
    }
    Result<Hops> hops = co_await hops_for(desk_, request.caller.hops, request.address.path);
    if (!hops) {
        co_return std::unexpected(hops.error());
    }
    player_.offer = std::move(*offer);
    player_.offer.place->bind(connection());
    machine().offer(player_.offer.offer.description, std::move(*hops));
    co_return Result<>{};
}

Task<Result<>> RtspTalk::offer_recording(const Server::PlayRequested& request, RewindAddress wanted) {
    rtsp::StreamAddress of_stream = request.address;
    of_stream.path = wanted.stream;
    const Result<hub::Admitted> admitted =
        co_await access_.ask({hub::Action::archive, of_stream, request.caller});
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    Result<std::unique_ptr<RtspRewind>> opened =
        co_await RtspRewind::open(desk_, connection(), {std::move(wanted), admitted->identity});
    if (!opened) {
        co_return std::unexpected(opened.error());
    }
    rewind_ = std::move(*opened);
    machine().offer_recording(rewind_->description());
    co_return Result<>{};
}

Task<> RtspTalk::answer(Server::PlayRequested request) {
    group_.reset();
    rewind_.reset();
    player_.offer = {};
    const Result<std::optional<RewindAddress>> recording =
        desk_.keeper != nullptr ? rewind_address(request.address) : std::nullopt;
    Result<> offered = recording ? Result<>{} : std::unexpected(recording.error());
    if (recording && *recording) {
        offered = co_await offer_recording(request, **recording);
    } else if (recording) {
        offered = co_await offer_live(request);
    }
    if (!offered) {
        access_.refuse(machine(), offered.error());
    }
}

/// PLAY, once and again.
Task<> RtspTalk::play_recording(Server::PlayStarted request) {
    const bool by_udp = request.tracks.front().transport.lower == rtsp::Transport::Lower::udp;
    Result<RtspRewind::Started> started =
        co_await rewind_->play(std::move(request), by_udp ? &datagrams_ : nullptr);
    if (started) {
        played_ = true;
        access_.let_in();
        machine().start_play(started->starts, started->played);
    } else if (started.error().code == Errc::not_found) {
        machine().refuse({.status = rtsp::invalid_range, .reason = started.error().what, .challenges = {}});
    } else {
        access_.refuse(machine(), started.error());
    }
}

Task<> RtspTalk::answer(Server::PlayStarted request) {
    if (datagrams_.has_place()) {
        machine().start_play(datagrams_.play());
        co_return;
    }
    const rtsp::Transport::Lower lower = request.tracks.front().transport.lower;
    if (std::ranges::any_of(request.tracks, [&](const auto& one) { return one.transport.lower != lower; })) {
        machine().refuse({.status = rtsp::unsupported_transport, .reason = one_way_only, .challenges = {}});
        co_return;
    }
    if (rewind_) {
        co_await play_recording(std::move(request));
        co_return;
    }
    const Result<> played = co_await play(request.tracks);
    played_ = played_ || played;
    if (!played) {
        access_.refuse(machine(), played.error());
    }
}

Task<Result<>> RtspTalk::play(std::span<const rtsp::SetupTrack> tracks) {
    switch (tracks.front().transport.lower) {
        case rtsp::Transport::Lower::udp:
            co_return co_await rtsp_play_datagrams(
                desk_, player_, tracks, {datagrams_, [this](Error /*why*/) { connection().close(); }});
        case rtsp::Transport::Lower::multicast: co_return play_by_group();
        case rtsp::Transport::Lower::tcp: break;
    }
    co_return co_await rtsp_play(desk_, player_, tracks);
}

/// Packets go there already; its place before PLAY tells that it watches, and when the stream ends.
Result<> RtspTalk::play_by_group() {
    if (group_ == nullptr) {
        return fail(Errc::not_found, "this stream ended");
    }
    access_.let_in();
    machine().start_play({});
    desk_.directory.ask(player_.offer.stream, hub::AskKeyFrame{});
    return {};
}

Task<Result<>> RtspTalk::publish(Server::PublishRequested request) {
    const Result<hub::Admitted> admitted =
        co_await access_.ask({hub::Action::publish, request.address, request.caller});
    if (!admitted) {
        co_return std::unexpected(admitted.error());
    }
    if (const Result<> elsewhere = refuse_own(desk_, request.caller.hops); !elsewhere) {
        co_return elsewhere;
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
                                         .since = {},
                                         .who = admitted->identity,
                                         .hops = request.caller.hops},
                       std::move(lines));
    const Result<> begun = co_await publisher_->begin();
    if (!begun) {
        publisher_.reset();
    }
    co_return begun;
}

Task<> RtspTalk::answer(Server::PublishRequested request) {
    publisher_.reset();
    const Result<> begun = co_await publish(std::move(request));
    if (begun) {
        machine().accept_publish();
    } else {
        access_.refuse(machine(), begun.error());
    }
}

Task<> RtspTalk::answer(Event event) {
    if (auto* play = std::get_if<Server::PlayRequested>(&event)) {
        co_await answer(std::move(*play));
    } else if (auto* announced = std::get_if<Server::PublishRequested>(&event)) {
        co_await answer(std::move(*announced));
    } else if (const auto* ports = std::get_if<Server::PortsWanted>(&event)) {
        co_await answer(*ports);
    } else if (auto* started = std::get_if<Server::PlayStarted>(&event)) {
        co_await answer(std::move(*started));
    } else if (const auto* recorded = std::get_if<Server::RecordStarted>(&event)) {
        access_.let_in();
        publisher_->record(recorded->tracks);
        recording_ = true;
        connection().be_patient();
    } else if (std::holds_alternative<Server::Paused>(event)) {
        recording_ = false;
        datagrams_.pause();
        if (rewind_) {
            rewind_->pause();
        }
    } else if (std::holds_alternative<Server::Ended>(event)) {
        end_session();
    }
}

}   // namespace millrace::session
