#include "session/rtsp_talk.hpp"

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "net/drive.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtsp/player_back_channel.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

constexpr Duration congestion_pause = 5ms;

using rtsp::Server;

}   // namespace

void tell_left(Desk& desk, const Endpoint& peer, const Error& why) {
    log::info(rtsp_protocol, "{} left before it published or played: {}", peer.text(), why.what);
    desk.tally.count(rtsp_protocol, why.code);
}

Result<> RtspTalk::advance(Instant now) {
    if (publisher_ && recording_) {
        publisher_->advance(now);
    }
    return machine().deadline() <= now ? machine().advance(now) : Result<>{};
}

Instant RtspTalk::deadline() const {
    const Instant due =
        std::min(player_.machine->deadline(), rewind_ ? rewind_->deadline() : Instant::never());
    return publisher_ && recording_ && !heard_.armed() ? std::min(due, publisher_->deadline()) : due;
}

std::vector<std::byte> RtspTalk::next_output() {
    std::vector<std::byte> out = machine().next_output();
    if (rewind_) {
        const std::vector<std::byte> frames = rewind_->take_frames();
        out.insert(out.end(), frames.begin(), frames.end());
    }
    send_reports(out);
    return out;
}

/// Reports that are due: those for tracks over TCP are added to what leaves there.
void RtspTalk::send_reports(std::vector<std::byte>& interleaved) {
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
            static_cast<void>(datagrams_.send(report->media, true, report->bytes));
        }
    }
}

/// A packet by UDP. What comes of those of one wake is handed on together.
void RtspTalk::hear(unsigned track, bool control, ByteSpan packet) {
    const Instant now = desk_.executor.now();
    machine().keep_alive(now);
    if (publisher_ && recording_ && !publisher_->congested()) {
        publisher_->take(track, control, packet, now);
        desk_.executor.timers().arm(heard_, now);
    } else if (control && datagrams_.has_place() && rtsp::asks_for_key_frame(packet)) {
        desk_.directory.ask(player_.offer.stream, hub::AskKeyFrame{});
    }
}

void RtspTalk::hand_on_heard() {
    if (!publisher_ || !recording_) {
        return;
    }
    publisher_->advance(desk_.executor.now());
    publisher_->flush();
    std::vector<std::byte> interleaved;   // none: all is UDP, or the next turn has it
    send_reports(interleaved);
    desk_.executor.timers().arm(heard_, publisher_->deadline());
}

void RtspTalk::take(const Server::Packet& packet) {
    if (publisher_ && recording_) {
        publisher_->take(packet.track, packet.control, packet.payload, desk_.executor.now());
    }
}

/// TEARDOWN. The connection stays, for another.
void RtspTalk::end_session() {
    if (publisher_) {
        publisher_->finish();
        end_publication({Errc::closed, "it said that it ends"});
    }
    datagrams_.end();
    group_.reset();
    rewind_.reset();
    player_.offer = {};
}

void RtspTalk::end_publication(Error why) {
    if (publisher_) {
        log::info(rtsp_protocol, "publisher {} of {} left: {}", publisher_->facts().peer.text(),
                  publisher_->facts().stream, publisher_->reason(why).what);
    }
    recording_ = false;
    publisher_.reset();
}

Task<> RtspTalk::hand_on() {
    if (!publisher_ || !recording_) {
        co_return;
    }
    publisher_->flush();
    while (publisher_->congested()) {
        co_await sleep_until(desk_.executor, desk_.executor.now() + congestion_pause);
    }
}

Task<> RtspTalk::run(std::vector<std::byte> first) {
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
        if (rewind_) {
            co_await rewind_->step();
        }
        turn = co_await net::drive(connection(), *this, desk_.executor, desk_.read_buffer);
    }
    if (publisher_ || played_) {
        end_publication(turn.error());
        co_return;
    }
    tell_left(desk_, connection().peer(), turn.error());
}

}   // namespace millrace::session
