#include "session/rtsp_publisher.hpp"

#include "protocol/rtp/rtcp.hpp"

#include <algorithm>

namespace millrace::session {

RtspPublisher::RtspPublisher(Desk& desk, Connection& connection, hub::SessionFacts facts,
                             std::vector<RtpIntake::Line> lines)
    : Entry{desk.sessions, std::move(facts)}, desk_{desk}, connection_{connection}, lines_{std::move(lines)} {
}

Task<Result<>> RtspPublisher::begin() {
    Answer<hub::Grant> answer{desk_.executor};
    desk_.directory.publish(facts(), ref(), answer.reply());
    // No deadline: a grant that nobody waits for would keep the name; the hub answers within seconds.
    const Result<hub::Grant> grant = co_await answer.within(Instant::never());
    if (!grant) {
        co_return std::unexpected(grant.error());
    }
    publication_.emplace(desk_.directory, desk_.executor, ref(), *grant);
    co_return Result<>{};
}

void RtspPublisher::record(std::span<const rtsp::SetupTrack> tracks) {
    if (std::exchange(recorded_, true)) {
        return;   // after a pause: the same packets go on
    }
    const auto is_set_up = [&](const RtpIntake::Line& line) {
        return std::ranges::find(tracks, line.media, &rtsp::SetupTrack::track) != tracks.end();
    };
    std::erase_if(lines_, [&](const RtpIntake::Line& line) { return !is_set_up(line); });
    const bool datagrams = std::ranges::any_of(tracks, [](const rtsp::SetupTrack& one) {
        return one.transport.lower == rtsp::Transport::Lower::udp;
    });
    intake_ = RtpIntake{lines_,
                        {.reorder_wait = datagrams ? rtp::Receiver::reorder_wait_udp : Duration{0},
                         .own_ssrc = desk_.random.next_u32()}};
    for (media::Track& track : intake_.tracks()) {
        publication_->announce(std::move(track));
    }
    if (intake_.has_klv()) {
        publication_->say({.kind = media::TimedMessage::Kind::klv, .body = {}});
    }
}

void RtspPublisher::take(unsigned track, bool control, ByteSpan packet, Instant now) {
    const std::size_t size = packet.size() + rtp::interleaved_head_size;
    bytes_ += size;
    publication_->count_received(size);
    if (control) {
        intake_.receive_control(track, packet, now);
    } else {
        intake_.receive(track, packet, now);
    }
    hand_on(now);
}

void RtspPublisher::advance(Instant now) {
    intake_.advance(now);
    hand_on(now);
}

void RtspPublisher::hand_on(Instant now) {
    while (std::optional<media::AccessUnit> unit = intake_.next(now)) {
        publication_->write(std::move(*unit));
    }
    for (media::TimedMessage& message : intake_.take_messages()) {
        publication_->say(std::move(message));
    }
}

void RtspPublisher::flush() {
    publication_->count_packets(intake_.take_packet_loss());
    for (std::uint64_t dropped = intake_.take_dropped(); dropped > 0; --dropped) {
        publication_->count_dropped();
    }
    publication_->flush();
}

void RtspPublisher::finish() {
    flush();
    publication_->finish();
}

void RtspPublisher::end(Error reason) {
    ended_by_ = reason;
    connection_.close();
}

void RtspPublisher::on_ask(hub::Ask ask) {
    if (std::holds_alternative<hub::AskKeyFrame>(ask)) {
        intake_.ask_key_frame();   // the next packet of it takes the request along
    }
}

void RtspPublisher::on_taken(std::size_t bytes) {
    if (publication_) {
        publication_->taken(bytes);
    }
}

}   // namespace millrace::session
