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

const rtsp::SetupTrack* RtspPublisher::setup_of(unsigned media) const {
    const auto setup = std::ranges::find(setups_, media, &rtsp::SetupTrack::track);
    return setup == setups_.end() ? nullptr : &*setup;
}

void RtspPublisher::record(std::span<const rtsp::SetupTrack> tracks) {
    const bool again = !setups_.empty();
    setups_.assign(tracks.begin(), tracks.end());
    if (again) {
        return;   // after a pause: the same packets go on
    }
    std::erase_if(lines_, [this](const RtpIntake::Line& line) { return setup_of(line.media) == nullptr; });
    intake_ = RtpIntake{lines_, {.reorder_wait = Duration{0}, .own_ssrc = desk_.random.next_u32()}};
    for (media::Track& track : intake_.tracks()) {
        publication_->announce(std::move(track));
    }
}

void RtspPublisher::take(const rtsp::Server::Packet& packet, Instant now) {
    const std::size_t size = packet.payload.size() + rtp::interleaved_head_size;
    bytes_ += size;
    publication_->count_received(size);
    if (packet.control) {
        intake_.receive_control(packet.track, packet.payload, now);
    } else {
        intake_.receive(packet.track, packet.payload, now);
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
    for (std::uint64_t dropped = intake_.take_dropped(); dropped > 0; --dropped) {
        publication_->count_dropped();
    }
}

std::vector<std::byte> RtspPublisher::next_reports(Instant now) {
    std::vector<std::byte> out;
    while (const std::optional<RtpIntake::Report> report = intake_.next_report(now)) {
        const rtsp::SetupTrack* const setup = setup_of(report->media);
        if (setup != nullptr && setup->transport.channels) {
            ByteWriter writer{out};
            rtp::write_interleaved_head(writer, setup->transport.channels->rtcp, report->bytes.size());
            writer.bytes(report->bytes);
        }
    }
    return out;
}

void RtspPublisher::end(Error reason) {
    ended_by_ = reason;
    connection_.close();
}

void RtspPublisher::on_ask(hub::Ask ask) {
    static_cast<void>(ask);
}

void RtspPublisher::on_taken(std::size_t bytes) {
    if (publication_) {
        publication_->taken(bytes);
    }
}

}   // namespace millrace::session
