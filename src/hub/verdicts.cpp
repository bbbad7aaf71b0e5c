#include "hub/verdicts.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::hub {

namespace {

constexpr std::string_view key_frame_fix =
    "Set the encoder's key-frame interval to 2 s (OBS: Keyframe Interval 2 s; ffmpeg: -g 60 at 30 fps).";

std::string_view spoken(media::Codec codec) {
    switch (codec) {
        case media::Codec::h264: return "H.264";
        case media::Codec::h265: return "H.265";
        case media::Codec::av1: return "AV1";
        case media::Codec::aac: return "AAC";
        case media::Codec::opus: return "Opus";
        case media::Codec::mp3: return "MP3";
        case media::Codec::mjpeg: return "MJPEG";
        case media::Codec::pcma: return "G.711 A-law";
        case media::Codec::pcmu: return "G.711 µ-law";
        case media::Codec::g722: return "G.722";
        case media::Codec::l16: return "uncompressed sound";
    }
    return "this codec";
}

double seconds(Duration span) {
    return std::chrono::duration<double>(span).count();
}

/// The greatest of 1, 2, 5, 10, 20, 50, … that is not above it.
std::uint64_t step_below(double value) {
    std::uint64_t step = 1;
    for (;;) {
        for (const std::uint64_t factor : {2U, 5U, 10U}) {
            if (static_cast<double>(step * factor) > value) {
                return factor == 2 ? step : step * (factor == 5 ? 2 : 5);
            }
        }
        step *= 10;
    }
}

/// "9 frames", "over 20 frames".
std::string amount(std::uint64_t count, std::string_view one, std::string_view many) {
    if (count < 10) {
        return fmt::format("{} {}", count, count == 1 ? one : many);
    }
    return fmt::format("over {} {}", step_below(static_cast<double>(count)), many);
}

}   // namespace

std::string_view name(Weight weight) {
    return weight == Weight::note ? "note" : "warning";
}

std::uint64_t Verdicts::Spell::count(std::uint64_t total, Instant now) {
    if (total > last) {
        before = on ? before : last;
        on = true;
        grew = now;
    }
    last = total;
    on = on && now - grew < remembered;
    return on ? total - before : 0;
}

void Verdicts::judge_keys(const Health& health, Found& found) const {
    if (!health.since_key) {
        return;
    }
    if (*health.since_key > key_frame_after) {
        found.push_back(
            {"no_key_frame",
             Weight::warning,
             fmt::format("No key frame came for over {} s: newcomers see nothing until one does. {}",
                         step_below(seconds(*health.since_key)), key_frame_fix),
             {}});
    } else if (!health.cached) {
        found.push_back(
            {"joining_slow",
             Weight::warning,
             fmt::format("Joining is slow: the last key frame is over 8 MB back. {}", key_frame_fix),
             {}});
    }
    if (health.forced_cut_seconds > 0) {
        found.push_back({"segments_between_pictures",
                         Weight::warning,
                         fmt::format("HLS segments are cut between pictures, so players join and switch "
                                     "slowly: key frames are further apart than the {} s that a segment may "
                                     "last. {}",
                                     health.forced_cut_seconds, key_frame_fix),
                         {}});
    }
    // A publisher's clock may round, and a scene cut moves the key frames a little.
    const Duration far = std::min(health.segment + health.segment / 8, gop_max);
    if (health.gop > far) {
        found.push_back(
            {"key_frames_far",
             Weight::note,
             fmt::format("Key frames come every {:.0f} s: players join that much later, and an HLS "
                         "segment lasts as long instead of {:g} s. {}",
                         seconds(health.gop), seconds(health.segment), key_frame_fix),
             {}});
    }
}

void Verdicts::judge_clock(const Health& health, Found& found) {
    const double drift = health.drift_ms_per_minute.value_or(0);
    drifts_ = std::abs(drift) > (drifts_ ? drift_from * 3 / 4 : drift_from);
    if (!drifts_) {
        return;
    }
    // Over a percent is no crystal: it is a sender that keeps no time.
    constexpr double unpaced = 600;
    const std::string_view fix =
        std::abs(drift) > unpaced
            ? "It does not send at the pace of its own timestamps: ffmpeg needs -re before a file's -i, an "
              "encoder a faster machine or fewer frames."
            : "Let the sender's clock follow NTP, and take sound and picture from one device.";
    found.push_back({"clock_drift",
                     Weight::warning,
                     fmt::format("The publisher's clock runs {} by about {} ms in a minute. {}",
                                 drift > 0 ? "slow" : "fast", step_below(std::abs(drift)), fix),
                     {}});
}

void Verdicts::judge_qp(const Health& health, Instant now, Found& found) {
    const QpBand band = health.qp_band;
    int side = qp_side_;   // what is not known leaves all as it is
    if (health.slice_qp) {
        side = *health.slice_qp < band.low ? -1 : *health.slice_qp > band.high ? 1 : 0;
    }
    qp_since_ = side == qp_seen_ ? qp_since_ : now;
    qp_seen_ = side;
    qp_side_ = now - qp_since_ >= qp_after ? side : qp_side_;
    if (qp_side_ == 0) {
        return;
    }
    const std::string_view what =
        qp_side_ > 0 ? "above it pictures look coarse. Give the encoder more bits a second, smaller pictures "
                       "or more time (x264: a slower preset)."
                     : "below it bits are spent that hardly anybody sees. Give the encoder fewer bits a "
                       "second, or larger pictures.";
    found.push_back({qp_side_ > 0 ? "qp_high" : "qp_low",
                     Weight::note,
                     fmt::format("The QP of the pictures is {} the band of {} to {}: {}",
                                 qp_side_ > 0 ? "above" : "below", band.low, band.high, what),
                     {}});
}

void Verdicts::judge_recording(const Health& health, Instant now, Found& found) {
    if (!health.not_recorded.empty()) {
        const std::string_view fix =
            health.not_recorded == "disk full"
                ? "Make room on the disk of storage.path, or let storage.keep say less; this node's log says "
                  "whether bytes, files or a quota are used up."
                : "Look at the disk of storage.path, and at this node's log.";
        found.push_back({"not_recorded",
                         Weight::warning,
                         fmt::format("Nothing of this stream is recorded now ({}). {} It goes on by itself.",
                                     health.not_recorded, fix),
                         {}});
    }
    if (const std::uint64_t count = unrecorded_.count(health.unrecorded, now); count > 0) {
        found.push_back(
            {"disk_slow",
             Weight::warning,
             fmt::format("The disk of storage.path is too slow: {} were not recorded. Record fewer "
                         "streams, or give the archive a faster disk.",
                         amount(count, "frame", "frames")),
             {}});
    }
}

void Verdicts::judge_chunks(const Health& health, Instant now, Found& found) {
    if (const std::uint64_t count = different_.count(health.chunks_different, now); count > 0) {
        found.push_back(
            {"chunks_differ",
             Weight::warning,
             fmt::format("{} came out other than at the sender, whose hash says so: the two nodes do not "
                         "keep the same bytes. Run the same version of Millrace at both ends.",
                         amount(count, "chunk", "chunks")),
             {}});
    }
}

std::vector<VerdictChange> Verdicts::judge(const Health& health, Instant now, WallTime utc) {
    Found found;
    if (health.silent > silent_after) {
        found.push_back({"silent",
                         Weight::warning,
                         "The publisher is connected but sends nothing. Look at the encoder, and at the link "
                         "from it to this node.",
                         {}});
    } else {
        judge_keys(health, found);
    }
    judge_clock(health, found);
    judge_qp(health, now, found);
    judge_recording(health, now, found);
    judge_chunks(health, now, found);
    if (const std::uint64_t count = unusable_.count(health.unusable, now); count > 0) {
        found.push_back(
            {"frames_lost",
             Weight::warning,
             fmt::format("On the way in {} came broken or unreadable and were left out. Look at the "
                         "encoder and at the link from it to this node.",
                         amount(count, "frame", "frames")),
             {}});
    }
    if (const std::uint64_t count = jumps_.count(health.jumps, now); count > 0) {
        found.push_back(
            {"timestamps_jump",
             Weight::warning,
             fmt::format("The publisher's timestamps jumped {}: viewers see a hiccup each time. Let "
                         "the encoder write steady timestamps.",
                         amount(count, "time", "times")),
             {}});
    }
    if (health.reordering > 0ns) {
        found.push_back({"b_frames",
                         Weight::note,
                         fmt::format("B-frames keep every picture {:.0f} ms back at each viewer. For less "
                                     "latency switch them off (OBS: Max B-frames 0; ffmpeg: -bf 0).",
                                     seconds(health.reordering) * 1000),
                         {}});
    }
    for (const LeftOut& one : health.left_out) {
        found.push_back({"track_left_out",
                         Weight::warning,
                         fmt::format("The form {} cannot carry {}, and goes out without that track. Play "
                                     "another form, or let the encoder send {}.",
                                     one.form, spoken(one.codec),
                                     media::kind_of(one.codec) == media::Kind::video ? "H.264" : "AAC"),
                         {}});
    }
    return settle(std::move(found), utc);
}

std::vector<VerdictChange> Verdicts::end() {
    unusable_ = {};
    jumps_ = {};
    unrecorded_ = {};
    different_ = {};
    drifts_ = false;
    qp_side_ = qp_seen_ = 0;
    return settle({}, {});
}

std::vector<VerdictChange> Verdicts::settle(Found found, WallTime utc) {
    using What = VerdictChange::What;
    std::vector<VerdictChange> changes;
    const auto same_matter = [](const Verdict& a, const Verdict& b) {
        return a.code == b.code && (a.code != "track_left_out" || a.text == b.text);
    };
    for (Verdict& verdict : found) {
        const auto known =
            std::ranges::find_if(verdicts_, [&](const Verdict& one) { return same_matter(one, verdict); });
        verdict.since = known == verdicts_.end() ? utc : known->since;
        if (known == verdicts_.end()) {
            changes.push_back({What::begins, verdict});
        } else if (known->text != verdict.text) {
            changes.push_back({What::changes, verdict});
        }
    }
    for (const Verdict& verdict : verdicts_) {
        if (std::ranges::none_of(found, [&](const Verdict& one) { return same_matter(one, verdict); })) {
            changes.push_back({What::ends, verdict});
        }
    }
    verdicts_ = std::move(found);
    return changes;
}

}   // namespace millrace::hub
