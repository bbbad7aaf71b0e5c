#pragma once

#include "hub/flicks.hpp"
#include "hub/timeline.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <cstdint>
#include <optional>

namespace millrace::hub {

/// Whether a track goes on at this unit otherwise than it was: another configuration, or a step in time. A
/// small step of audio is none: its frames are placed by their own times. `end`: of the unit before.
bool breaks_off(const media::AccessUnit& unit, const media::ConfigRef& before, std::int64_t end);

/// Says where the segments of a stream begin, and numbers them: a pure function of the units in the order in
/// which they enter. Owned by Stream, asked of every unit, watched or not; home worker only.
///
/// A segment begins at the first key frame `segment` or more after the last cut (within a picture: a
/// publisher's clock may round down), or at an earlier one behind which a group as long as usual would not
/// fit in; without video at the first audio frame so far behind. At a discontinuity, a changed configuration
/// or a new track it begins with the next picture. One that would outgrow the target duration ends between
/// pictures. Where pictures stay away and audio goes on, it is cut by time.
class Cutter {
public:
    /// A segment may last so long while the target duration is not fixed.
    static constexpr Duration first_max = 10s;
    /// And over the target duration so long: it must round to it (RFC 8216 §4.3.3.1), with an audio frame
    /// more.
    static constexpr Duration over_target = 400ms;
    /// Audio may run ahead of pictures that are on their way.
    static constexpr Duration tracks_apart = 1s;
    static constexpr Duration utc_slack = 100ms;
    /// EXT-X-DISCONTINUITY-SEQUENCE begins at the run's start too, but in steps of ten minutes since the year
    /// 2026: hls.js keeps and copies an array as long as that number, and seconds would stop its page.
    static constexpr std::int64_t discontinuity_epoch = 1'767'225'600;   ///< Unix seconds
    static constexpr std::int64_t discontinuity_step = 600;              ///< seconds

    explicit Cutter(Duration segment) : segment_{segment} {}

    /// Another run: the first after a start, or after the list of the one before has ended. Its numbers begin
    /// at its start in Unix seconds, or go on where that would fall back.
    void open_run(std::int64_t started);
    /// Before the first cut of a run: its numbers begin behind `last`, the newest that is known of the
    /// stream, where the clock has been set back since; a few more are left out for those that nobody kept.
    void begin_behind(std::uint64_t last);
    static constexpr std::uint64_t unknown_numbers = 600;
    /// Whether the run has no cut yet.
    bool is_new() const { return !last_; }
    /// Another publisher in the same run: its first picture begins a segment.
    void change_publisher();
    /// Nothing follows in this run.
    void close();

    /// The cut that begins with this unit, or null. `lead`: the kind of track that cuts; nothing while it is
    /// not known whether the stream has pictures.
    media::CutRef consider(const media::AccessUnit& unit, std::optional<media::Kind> lead);

    /// A cut of this run that another node made begins with this unit: it is as it was, and the next of our
    /// own would follow it. `whole`: all of the segment before it is here. Null where it cannot be: numbers
    /// and times fall back, or it lies elsewhere than the unit.
    media::CutRef adopt(const media::AccessUnit& unit, const media::Cut& given, bool whole);
    /// A given cut lies at most so far from its unit, and counts at most so many more discontinuities.
    static constexpr Duration given_apart = 60s;
    static constexpr std::uint64_t given_discontinuities = 100'000;

    /// Whole seconds. Fixed when the first segment is complete, for good; until then 0.
    std::int64_t target_duration() const { return target_; }
    /// Segments are cut between pictures, since key frames are too far apart.
    bool cuts_between_pictures() const { return between_ || between_since_key_; }

private:
    struct Seen {
        media::ConfigRef config;   // null: no unit since this publisher came
        std::int64_t end = 0;      // of the newest unit, in its track's ticks
        Flicks newest = 0;         // pts of the newest unit
        bool in_segment = false;   // has a unit in the segment under way
        int held = 0;              // times it broke off since: each waits for a cut of its own
    };
    struct Begin {
        Flicks time = 0;   // as Cut::time
        Flicks dts = 0;    // where the segment's length counts from
        bool discontinuity = false;
        bool independent = true;
    };

    void count_from_number();
    bool leads(const media::AccessUnit& unit, std::optional<media::Kind> lead) const;
    media::CutRef follow(const media::AccessUnit& unit, bool broken);
    media::CutRef lead_on(const media::AccessUnit& unit, bool broken);
    media::CutRef bridge_hole(const media::AccessUnit& unit);
    media::CutRef cut(const media::AccessUnit& unit, const Begin& begin);
    void note(const media::AccessUnit& unit);
    void measure_picture(Flicks dts);
    void measure_group(Flicks dts);
    void fix_target(Flicks duration);
    Flicks longest() const;
    WallTime utc_at(const media::AccessUnit& unit, Flicks time);

    Duration segment_;
    std::int64_t target_ = 0;
    std::uint64_t next_number_ = 0;
    std::uint64_t discontinuities_ = 0;
    std::optional<Begin> last_;         // of this run
    bool newcomer_ = false;             // the publisher has no segment yet
    bool opening_ = false;              // the segment under way is its first
    bool pending_ = false;              // the next leading unit begins a segment at a discontinuity
    std::optional<Flicks> broken_at_;   // pts of the first unit after what made it pending
    std::optional<media::TrackId> lead_;
    std::array<Seen, Timeline::tracks_max> tracks_;
    std::optional<Flicks> picture_at_;   // dts of the newest leading unit
    Flicks picture_ = 0;                 // the longest time between such, of late
    std::optional<Flicks> key_at_;       // dts of the newest key frame
    Flicks group_ = 0;                   // the longest group of pictures, of late
    bool between_ = false;
    bool between_since_key_ = false;
    std::optional<std::int64_t>
        utc_offset_;   // microseconds: UTC minus run time, of units without a better word
};

}   // namespace millrace::hub
