#pragma once

#include "base/time.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::hub {

/// note: it works, at a price. warning: somebody sees or hears that something is wrong.
enum class Weight : std::uint8_t { note, warning };
std::string_view name(Weight weight);

/// What is wrong with a stream and how to mend it: the same sentence wherever it is shown. Numbers that grow
/// are said in steps, so that a sentence stays as it is for a while.
struct Verdict {
    std::string_view code;   ///< a literal: "key_frames_far"
    Weight weight = Weight::warning;
    std::string text;
    WallTime since;
};

/// The QP between which pictures are fine enough and not wastefully fine.
struct QpBand {
    static constexpr int most = 51;
    int low = 20;
    int high = 25;
    auto operator<=>(const QpBand&) const = default;
};

/// A form that carries a stream without one of its tracks.
struct LeftOut {
    std::string_view form;   ///< a literal: "ts"
    media::Codec codec;
    auto operator<=>(const LeftOut&) const = default;
};

/// What a stream knows of itself; what its verdicts are made of.
struct Health {
    Duration silent{};                   ///< since media came from a publisher that is still there
    std::optional<Duration> since_key;   ///< since its last key frame, or its first media; nothing: no video
    bool cached = true;                  ///< newcomers find a key frame to begin with
    Duration gop{};                      ///< between the last two key frames; 0: not known
    Duration segment = 2s;               ///< what one should last
    std::int64_t forced_cut_seconds =
        0;                   ///< segments are cut between pictures after so long; 0: they are not
    Duration reordering{};   ///< how long pictures wait for those that are shown before them
    std::optional<double> drift_ms_per_minute;
    std::optional<double> slice_qp;   ///< average of the last second; nothing: not known
    QpBand qp_band;
    std::uint64_t unusable = 0;   ///< units that came and were of no use, so far
    std::uint64_t jumps = 0;      ///< of timestamps, so far
    std::vector<LeftOut> left_out;
    std::string not_recorded;   ///< why a stream that is to be recorded is not; empty: it is, or need not be
    std::uint64_t unrecorded = 0;         ///< units that the disk was too slow for, so far
    std::uint64_t chunks_different = 0;   ///< whose hash is not the one that the sender gave, so far
};

/// A verdict that begins, says something else, or ends.
struct VerdictChange {
    enum class What : std::uint8_t { begins, changes, ends };
    What what;
    Verdict verdict;
};

/// Judges a stream once a second. Owned by Stream, home worker only.
class Verdicts {
public:
    static constexpr Duration silent_after = 2s;
    static constexpr Duration key_frame_after = 10s;
    static constexpr Duration gop_max = 4s;
    static constexpr double drift_from = 20;   ///< milliseconds a minute; it ends below three quarters of it
    static constexpr Duration qp_after =
        10s;   ///< out of its band, or in it again, for so long without a break
    static constexpr Duration remembered = 60s;   ///< a loss or a jump is spoken of for so long

    std::vector<VerdictChange> judge(const Health& health, Instant now, WallTime utc);
    /// Nobody publishes: everything said so far ends.
    std::vector<VerdictChange> end();
    const std::vector<Verdict>& list() const { return verdicts_; }

private:
    /// Something that is counted, and spoken of while it goes on.
    struct Spell {
        std::uint64_t last = 0;
        std::uint64_t before = 0;   // when the spell began
        Instant grew;
        bool on = false;
        /// How many since the spell began; 0: it is over.
        std::uint64_t count(std::uint64_t total, Instant now);
    };
    using Found = std::vector<Verdict>;
    void judge_keys(const Health& health, Found& found) const;
    void judge_clock(const Health& health, Found& found);
    void judge_recording(const Health& health, Instant now, Found& found);
    void judge_chunks(const Health& health, Instant now, Found& found);
    void judge_qp(const Health& health, Instant now, Found& found);
    /// What is new, other or over against the last time.
    std::vector<VerdictChange> settle(Found found, WallTime utc);

    std::vector<Verdict> verdicts_;
    Spell unusable_;
    Spell jumps_;
    Spell unrecorded_;
    Spell different_;
    bool drifts_ = false;
    int qp_side_ = 0;    // of the band: below, in it or above, as it was told last
    int qp_seen_ = 0;    // of late
    Instant qp_since_;   // when that was seen first
};

}   // namespace millrace::hub
