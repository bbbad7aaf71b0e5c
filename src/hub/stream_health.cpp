#include "base/log.hpp"
#include "base/web.hpp"
#include "hub/directory.hpp"
#include "hub/stream.hpp"

#include <algorithm>

// What a stream says of itself: its report, its verdicts, and what happens to it.

namespace millrace::hub {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

}   // namespace

std::string_view name(StreamState state) {
    switch (state) {
        case StreamState::live: return "live";
        case StreamState::waiting: return "waiting";
        case StreamState::stale: return "stale";
        case StreamState::offline: return "offline";
    }
    return "offline";
}

std::string_view name(SourceState state) {
    switch (state) {
        case SourceState::waiting: return "waiting";
        case SourceState::live: return "live";
        case SourceState::stale: return "stale";
    }
    return "waiting";
}

StreamReport Stream::report() const {
    const Instant now = handle_.home->now();
    StreamReport report;
    report.name = name_;
    report.state = state(now);
    report.run = publications_ > 0 ? run_name() : "";
    if (publisher_) {
        report.publisher = publisher_->facts;
    }
    for (const media::Track& track : tracks_) {
        report.tracks.push_back({.track = track});
    }
    meter_.fill(report, now);
    report.jumps = timeline_.jumps();
    report.camera = camera_;
    report.results = messages_;
    report.memory = feed_.bytes();
    report_outputs(report);
    if (recording_) {
        report.recording = recording_->report();
    } else if (publisher_ && publisher_->facts.sends_log) {
        report.recording.on = report.recording.under_way = settings_.record.now;
    }
    report.verdicts = verdicts_.list();
    report.capture_origin = capture_origin_;
    report.arrival_latency = arrival_latency_.report(handle_.home->clock().utc());
    return report;
}

void Stream::report_outputs(StreamReport& report) const {
    const WallTime utc = handle_.home->clock().utc();
    for (const auto& [key, derived] : derived_) {
        report.outputs.push_back({.form = std::string{key.form},
                                  .units_muxed = derived->muxed(),
                                  .memory = derived->memory(),
                                  .latency = derived->latency().report(utc)});
        report.memory += derived->memory();
    }
    for (const auto& [wish, pictures] : pictures_) {
        report.memory += pictures->feed().bytes();
    }
    for (const auto& [key, packaged] : packaged_) {
        report.outputs.push_back({.form = std::string{key.form},
                                  .units_muxed = packaged->units(),
                                  .segments = packaged->segments(),
                                  .memory = packaged->memory(),
                                  .latency = packaged->latency().report(utc)});
        report.memory += packaged->memory();
    }
}

WallTime Stream::publishers_time(WallTime ours) const {
    WallTime time = ours;
    // Where nobody said when units were captured, their times are those of their arrival, by our clock.
    const bool told = capture_origin_ != media::CaptureTime::Label::arrival;
    if (told && publisher_ && publisher_->facts.clock) {
        time.microseconds += publisher_->facts.clock->ahead / 1us;
    }
    return time;
}

void Stream::measure(const media::AccessUnit& unit, const Arrival& arrival) {
    // One track is enough, and pictures are what people look at. Sound may have less to say of its time.
    if (unit.kind() != media::Kind::video && has_video()) {
        return;
    }
    capture_origin_ = unit.capture.label;
    if (unit.capture.label != media::CaptureTime::Label::arrival) {
        arrival_latency_.count(unit.capture.utc, publishers_time(arrival.utc));
    }
    if (unit.discontinuity) {
        drift_.restart();
    }
    drift_.count(Duration{media::rescale(unit.dts, unit.config->timescale, nanoseconds_a_second)},
                 arrival.at);
}

std::vector<LeftOut> Stream::left_out() const {
    std::vector<LeftOut> left_out;
    const auto look = [&](const FlavourKey& key, const auto& output) {
        for (const media::Track& track : tracks_) {
            // What is left out, its viewers did not want.
            const bool chosen = key.only || key.pictures || key.plan != 0;
            if (track.config != nullptr && !chosen && !output.takes(track)) {
                left_out.push_back({key.form, track.config->codec});
            }
        }
    };
    for (const auto& [key, derived] : derived_) {
        look(key, *derived);
    }
    for (const auto& [key, packaged] : packaged_) {
        look(key, *packaged);
    }
    std::ranges::sort(left_out);
    left_out.erase(std::ranges::unique(left_out).begin(), left_out.end());
    return left_out;
}

Health Stream::health(Instant now) const {
    Health health{.silent = now - last_media_,
                  .segment = settings_.segment,
                  .forced_cut_seconds = cutter_.cuts_between_pictures() ? cutter_.target_duration() : 0,
                  .unusable = meter_.unusable(),
                  .jumps = timeline_.jumps(),
                  .chunks_different = meter_.chunks().different};
    if (has_video() && first_media_ != Instant::never()) {
        health.since_key = now - meter_.key_at().value_or(first_media_);
        health.cached = !meter_.key_at() || feed_.newest_entrance();
        health.gop = meter_.gop();
        health.reordering = meter_.reordering();
    }
    health.slice_qp = meter_.slice_qp(now);
    health.qp_band = settings_.qp_band;
    health.drift_ms_per_minute = drift_.milliseconds_per_minute();
    health.left_out = left_out();
    if (recording_) {
        const RecordingReport recorded = recording_->report();
        health.not_recorded = recorded.trouble;
        health.unrecorded = recorded.lost;
    }
    return health;
}

void Stream::judge() {
    if (!publisher_) {
        return;
    }
    const Instant now = handle_.home->now();
    tell(verdicts_.judge(health(now), now, handle_.home->clock().utc()));
    tell_state();
    refuse_late_key_waiters(now);
    settings_.record = directory_.settings_of(name_).record;
    tend_recording();
    rest_if_unwatched(now);
    handle_.home->timers().arm(second_, now + judged_every);
}

void Stream::tell(const std::vector<VerdictChange>& changes) {
    for (const auto& [what, verdict] : changes) {
        std::string_view word = "changes";
        if (what == VerdictChange::What::begins) {
            word = "begins";
            log::write(verdict.weight == Weight::note ? log::Level::info : log::Level::warning, "hub",
                       fmt::format("{}: {}", name_, verdict.text));
        } else if (what == VerdictChange::What::ends) {
            word = "ends";
            if (publisher_) {
                log::info("hub", "{}: no longer: {}", name_, verdict.text);
            }
        }
        directory_.tell({.kind = EventKind::verdict,
                         .stream = name_,
                         .text = verdict.text,
                         .members = fmt::format(R"("what":"{}","code":"{}","weight":"{}")", word,
                                                verdict.code, hub::name(verdict.weight))});
    }
}

void Stream::tell_state() {
    const StreamState now = state(handle_.home->now());
    if (told_ == now) {
        return;
    }
    directory_.tell({.kind = EventKind::stream,
                     .stream = name_,
                     .text = fmt::format("{} is {}", name_, hub::name(now)),
                     .members = fmt::format(R"("state":"{}")", hub::name(now))});
    told_ = now;
}

void Stream::tell_gone() {
    told_.reset();
    directory_.tell({.kind = EventKind::stream,
                     .stream = name_,
                     .text = fmt::format("{} ended", name_),
                     .members = R"("state":"gone")"});
}

void Stream::tell_publisher(std::string_view what, std::string_view words) {
    const SessionFacts& facts = publisher_->facts;
    directory_.tell(
        {.kind = EventKind::publisher,
         .stream = name_,
         .text = fmt::format("Publisher {} of {} {}", facts.peer.text(), name_, words),
         .members = fmt::format(R"("what":"{}","protocol":"{}","peer":{},"user":{})", what, facts.protocol,
                                web::json_quoted(facts.peer.text()), web::json_quoted(facts.who.name)),
         .open_text = fmt::format("The publisher of {} {}", name_, words),
         .open_members = fmt::format(R"("what":"{}","protocol":"{}")", what, facts.protocol)});
}

}   // namespace millrace::hub
