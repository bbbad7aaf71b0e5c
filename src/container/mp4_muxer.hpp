#pragma once

#include "base/block_log.hpp"
#include "container/mp4_chunk.hpp"
#include "container/mp4_init.hpp"
#include "media/timed_message.hpp"

#include <optional>
#include <string_view>
#include <vector>

namespace millrace::mp4 {

/// What a changed configuration does to an endless MP4.
enum class Period : std::uint8_t {
    /// Plain HTTP: what players take in band (H.264 and H.265 parameter sets, so another picture size) goes
    /// on, with the new sets before each key frame; any other change ends the form. The sample entries are
    /// avc1 and hvc1 all the same: VLC 3 shows nothing of avc3 and hev1.
    ends,
    /// Media Source Extensions: each change writes a new init segment.
    restarts,
};

/// Writes one stream as fragmented MP4 into a log, one moof and mdat a frame, never waiting for the next: a
/// frame's duration is the last known one, and the next fragment's decode time tells the truth. Owned by a
/// derived feed, on its home worker; the log is the feed's.
class Muxer {
public:
    /// Between two producer reference times, on the run's timeline.
    static constexpr std::int64_t time_interval_ms = 1000;

    explicit Muxer(Period period = Period::ends) : period_{period} {}

    bool carries(const media::Track& track) const { return mp4::carries(track); }

    /// False where the period ends. In `restarts` every change after the first is written as one message.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// One message. A unit of another track is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// An event message box (emsg, ISO/IEC 23009-1 §5.10.3.3) at the time of its picture, of
    /// `message_scheme`.
    void message(const media::TimedMessage& message, BlockLog& log, Instant now);
    /// A segment type box that says that this was the last one, for now: another publisher's may follow.
    void unpublished(BlockLog& log, Instant now) { end(log, now); }
    void end(BlockLog& log, Instant now);

    /// What a newcomer gets first: ftyp and moov.
    Bytes lead(std::span<const media::Track> tracks) const;
    /// What stands before an entrance: in `restarts` the init segment in force there (a reader that skipped
    /// may have missed one, a newcomer's lead may be of a later period), else nothing.
    Bytes resume() const;

private:
    struct Told {
        media::Track track;
        bool changed = false;   // since the first viewers' moov: the sets stand in band too
        std::optional<std::int64_t> last_dts;
        std::int64_t duration = 0;   // the last known one
    };
    bool goes_on(std::span<const media::Track> tracks) const;
    std::int64_t duration_of(const media::AccessUnit& unit, Told& told) const;
    bool time_is_due(const media::AccessUnit& unit);

    Period period_;
    std::vector<Told> told_;
    Bytes init_;
    std::uint32_t fragments_ = 0;   // modulo 2^32
    std::uint32_t messages_ = 0;    // likewise
    std::optional<std::int64_t> time_said_ms_;
};

}   // namespace millrace::mp4
