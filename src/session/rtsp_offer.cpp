#include "session/rtsp_offer.hpp"

#include "hub/derived_feed.hpp"
#include "protocol/rtsp/muxer.hpp"

#include <algorithm>
#include <utility>

namespace millrace::session {

namespace {

constexpr Duration tracks_deadline = 10s;
constexpr Duration report_deadline = 5s;

bool has_payload(const media::Track& track) {
    return track.config != nullptr && track.kind != media::Kind::data &&
           rtp::format_of(*track.config, rtsp::payload_type_of(track.id)).has_value();
}

/// Where a player waits that has not said yet how packets are to travel: nothing is written for it, but the
/// stream is watched. Owned by the stream.
class Antechamber final : public hub::Derived {
public:
    Result<> begin(const hub::MediaFeed& /*feed*/, std::span<const media::Track> tracks,
                   Instant /*now*/) override {
        return std::ranges::any_of(tracks, has_payload)
                   ? Result<>{}
                   : fail(Errc::unsupported, "RTP carries none of the stream's tracks");
    }
    void renew(std::span<const media::Track> /*tracks*/, Instant /*now*/) override {
        offline_ = false;
        log_.request_flush();
        tell();
    }
    bool takes(const media::Track& track) const override { return has_payload(track); }
    void expect_messages(media::TimedMessage::Kind kind) override {
        klv_ = klv_ || kind == media::TimedMessage::Kind::klv;
    }

private:
    void write_new(Instant /*now*/) override {}
    void say_message(const media::TimedMessage& message, Instant /*now*/) override {
        if (message.kind == media::TimedMessage::Kind::klv && !std::exchange(klv_, true)) {
            log_.request_flush();
            tell();
        }
    }
    /// Whether the stream has KLV.
    Bytes lead() const override { return klv_ ? Bytes::copy("klv") : Bytes{}; }

    bool klv_ = false;
};

hub::Flavour antechamber() {
    return {{.form = "sdp", .only = {}}, [](Executor& /*home*/) { return std::make_unique<Antechamber>(); }};
}

Task<Result<std::vector<media::Track>>> tracks_of(Desk& desk, const std::string& stream) {
    Answer<std::vector<hub::StreamReport>> answer{desk.executor};
    desk.directory.report(stream, answer.reply());
    const auto reports = co_await answer.within(desk.executor.now() + report_deadline);
    if (!reports) {
        co_return std::unexpected(reports.error());
    }
    if (reports->empty()) {
        co_return fail(Errc::not_found, "this stream ended");
    }
    // A channel plan has room for the first few (rtsp::ChannelPlan).
    std::vector<media::Track> tracks;
    for (const hub::TrackReport& report : reports->front().tracks) {
        if (report.track.id < rtsp::ChannelPlan::tracks_max && report.track.kind != media::Kind::data) {
            tracks.push_back(report.track);
        }
    }
    co_return tracks;
}

}   // namespace

Task<Result<RtspOffer>> offer_stream(Desk& desk, hub::SessionFacts player) {
    RtspOffer made{.stream = player.stream, .who = player.who, .offer = {}, .place = nullptr};
    player.kind = hub::SessionKind::observer;
    Answer<hub::Joined> answer{desk.executor};
    desk.mirrors.join(antechamber(), std::move(player), answer.reply());
    Result<hub::Joined> joined = co_await answer.within(desk.executor.now() + tracks_deadline);
    if (!joined) {
        co_return std::unexpected(joined.error());
    }
    made.place = std::move(joined->seat);
    made.log = joined->log;
    Result<std::vector<media::Track>> tracks = co_await tracks_of(desk, made.stream);
    if (!tracks) {
        co_return std::unexpected(tracks.error());
    }
    if (!joined->lead.empty() && !tracks->empty()) {
        tracks->push_back(rtsp::klv_track());
    }
    made.offer = rtsp::offer_of(*tracks, made.stream);
    const bool any = std::ranges::any_of(
        made.offer.tracks, [](media::TrackId id) { return id < rtsp::ChannelPlan::tracks_max; });
    if (!any) {
        co_return fail(Errc::unsupported, "RTP carries none of the stream's tracks");
    }
    co_return made;
}

}   // namespace millrace::session
