#pragma once

#include "hub/latency.hpp"
#include "hub/media_feed.hpp"
#include "hub/segment_log.hpp"
#include "hub/segment_meter.hpp"
#include "hub/segmenter.hpp"

#include <array>
#include <deque>
#include <optional>
#include <string>

namespace millrace::hub {

class Cutter;

/// Why a segmented form refuses a stream.
inline constexpr Error nothing_carried{Errc::unsupported, "this format carries none of the stream's tracks"};

/// What a stream shows of itself to what packages its segments. It outlives that.
struct SegmentSource {
    const MediaFeed& feed;
    const Cutter& cutter;
    const std::vector<media::Track>& tracks;
    std::size_t window;   ///< listed segments
    Duration wait;        ///< for the first segment
};

/// A stream's segments in one form: reads the feed from the last cut on, deals it out to segments, packages
/// each when it is complete, and keeps the log. Owned by Stream, home worker only; made by the first request,
/// dropped when nobody has asked for a while.
class Packaged {
public:
    /// Dropped so long after the last request, but not before what it listed may be forgotten.
    static constexpr Duration idle_max = 30s;

    Packaged() = default;
    Packaged(const Packaged&) = delete;
    Packaged& operator=(const Packaged&) = delete;
    virtual ~Packaged() = default;

    void begin(const SegmentSource& source, std::string run, Instant now);
    /// Whether it takes any of the stream's tracks.
    bool carries_any() const;
    /// Takes what the feed got since; `utc`, if given, counts how long it took until a segment is listed.
    void pump(Instant now, WallTime utc = {});
    virtual bool takes(const media::Track& track) const = 0;
    /// What is said of one of its pictures, for forms that have words for it. So many wait for their segment;
    /// what comes beyond pushes out the oldest.
    static constexpr std::size_t messages_max = 4096;
    static constexpr std::size_t message_bytes_max = 4U << 20U;
    void say(const media::TimedMessage& message);
    /// The publisher said its end: its last segment is listed as it is, with that word. Another may follow.
    void unpublished(Instant now);
    /// Units of the segments under way are not here: they are listed as gaps.
    void tear(Instant now);
    /// Nothing follows: the list ends.
    void end(Instant now);
    /// Another run follows what ended.
    void restart(std::string run, Instant now);

    void list(Reply<SegmentListRef> reply, Instant now);
    Result<media::SegmentPart> fetch(const std::string& name, Instant now);
    void refuse_parked(Error error) { log_->refuse_parked(error); }
    void advance(Instant now) { log_->advance(now); }
    Instant deadline() const { return log_->deadline(); }
    bool idle(Instant now) const { return now >= idle_at(); }
    Instant idle_at() const {
        return std::max(asked_, board()->read()) + std::max(idle_max, log_->keeps_for());
    }
    /// Where workers read the list by themselves.
    const SegmentBoardRef& board() const { return log_->board(); }

    std::size_t memory() const { return log_->bytes(); }
    std::uint64_t units() const { return units_; }         ///< packaged since it was made
    std::uint64_t segments() const { return segments_; }   ///< likewise
    const LatencyMeter& latency() const { return latency_; }

protected:
    virtual std::vector<media::SegmentPart> package(const media::SegmentUnits& units) = 0;
    virtual bool has_words() const = 0;

private:
    struct Taken {
        media::ConfigRef config;
        bool taken = false;
    };
    bool wants(const media::AccessUnit& unit);
    /// Those that wait and belong to this segment, or to one before it.
    std::vector<media::TimedMessage> take_messages(const media::SegmentUnits& units);
    /// `unpublished`: the last one of them says so.
    void add_complete(Instant now, bool unpublished = false);
    void count(const media::SegmentUnits& units);

    std::optional<SegmentSource> source_;
    std::optional<MediaFeed::Cursor> cursor_;
    std::optional<Segmenter> segmenter_;
    std::optional<SegmentLog> log_;
    SegmentMeter meter_;
    LatencyMeter latency_;
    WallTime utc_;
    std::array<Taken, Timeline::tracks_max> taken_;
    std::deque<media::TimedMessage> messages_;   // by their times
    std::size_t message_bytes_ = 0;
    Instant asked_;
    std::uint64_t units_ = 0;
    std::uint64_t segments_ = 0;
};

}   // namespace millrace::hub
