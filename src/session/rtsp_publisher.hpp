#pragma once

#include "hub/publication.hpp"
#include "protocol/rtsp/server.hpp"
#include "session/desk.hpp"
#include "session/rtp_intake.hpp"

#include <optional>
#include <string>
#include <vector>

namespace millrace::session {

/// A publisher by RTSP, as the registry and the hub reach it: packets of its tracks become the stream's
/// units. Owned by its conversation, own thread only.
class RtspPublisher final : public hub::Sessions::Entry {
public:
    /// Units that wait for a home on another worker beyond Publication's limit: over UDP nobody can be
    /// slowed.
    RtspPublisher(Desk& desk, Connection& connection, hub::SessionFacts facts,
                  std::vector<RtpIntake::Line> lines);

    /// Becomes the stream's publisher. Once; nothing else is called before.
    Task<Result<>> begin();
    /// RECORD: these were set up. Those that are not announced are passed over.
    void record(std::span<const rtsp::SetupTrack> tracks);
    /// A packet of a media line. It counts and is understood; `flush` hands on what came of it.
    void take(unsigned track, bool control, ByteSpan packet, Instant now);
    void advance(Instant now);
    Instant deadline() const { return intake_.deadline(); }
    void flush();
    bool congested() const { return publication_->congested(); }
    /// Ends the stream in words.
    void finish();

    /// A report of ours that is due.
    std::optional<RtpIntake::Report> next_report(Instant now) { return intake_.next_report(now); }

    void end(Error reason) override;
    void on_ask(hub::Ask ask) override;
    void on_taken(std::size_t bytes) override;
    hub::SessionReport report() const override { return {id(), facts(), bytes_, 0, 0, 0}; }
    /// Why it ends: our reason if we ended it.
    Error reason(Error seen) const { return ended_by_.value_or(seen); }

private:
    void hand_on(Instant now);

    Desk& desk_;
    Connection& connection_;
    std::vector<RtpIntake::Line> lines_;
    bool recorded_ = false;
    RtpIntake intake_;
    std::optional<hub::Publication> publication_;
    std::uint64_t bytes_ = 0;
    std::optional<Error> ended_by_;
};

}   // namespace millrace::session
