#pragma once

#include "container/ts_pes.hpp"
#include "media/picture_reader.hpp"
#include "media/timed_message.hpp"

#include <deque>
#include <memory>
#include <variant>

namespace millrace::ts {

/// The programme's tracks, whenever its map changed: with a kind, and a configuration where one is known.
struct Announced {
    std::vector<media::Track> tracks;
    bool klv = false;   ///< beside them there is KLV
};
/// A track's configuration, before its first unit that has it.
struct Configured {
    media::TrackId track = 0;
    media::ConfigRef config;
};
/// The programme's service ran and does not run any more (running_status in the SDT).
struct Stopped {};
using Item = std::variant<Announced, Configured, media::AccessUnit, Stopped, media::TimedMessage>;

/// What a reader met on its way.
struct ReaderCounters {
    std::uint64_t packets = 0;
    std::uint64_t sync_losses = 0;
    std::uint64_t packets_refused = 0;    ///< damaged, scrambled, or an adaptation field that does not fit
    std::uint64_t sections_refused = 0;   ///< another CRC, too long, nonsense
    std::uint64_t counter_jumps = 0;
    std::uint64_t units_damaged = 0;   ///< PES packets of which a part was missing, or too large
    std::uint64_t units_refused = 0;   ///< whole, but not to be read
    std::uint64_t units_skipped = 0;   ///< pictures between a damaged one and the next key frame
    std::uint64_t times_refused = 0;   ///< PTS before DTS, or more than pts_after_dts_max after it
};

/// A PTS further from its DTS is taken for broken and replaced by the DTS.
constexpr std::int64_t pts_after_dts_max = 10 * 90'000;
/// After so long without a key frame or recovery point, damaged pictures are better than none.
constexpr std::int64_t key_wait_max = 10 * 90'000;
/// Audio frames in one PES packet; the rest are dropped.
constexpr std::size_t frames_per_pes_max = 256;

/// What the streams of a programme share. Owned by the Reader.
struct ReaderShared {
    std::deque<Item> items;
    ReaderCounters counters;
    std::size_t held = 0;                    ///< bytes of all unfinished PES packets
    std::uint64_t discontinuities = 0;       ///< of the programme's clock, so far
    std::optional<std::int64_t> last_time;   ///< 90 kHz, unwrapped

    /// Of the ways around the 33-bit clock the one nearest to the last time.
    std::int64_t unwrap(std::int64_t time);
};

/// An elementary stream as the map says it.
struct Elementary {
    Pid pid = null_pid;
    media::Codec codec = media::Codec::h264;
    media::Track track;
};

/// Reads one elementary stream of a programme: packets in, configurations and access units out.
class ElementaryReader {
public:
    ElementaryReader(Elementary stream, ReaderShared& shared)
        : stream_{std::move(stream)}, shared_{shared}, gatherer_{shared.held} {}
    virtual ~ElementaryReader() = default;
    ElementaryReader(const ElementaryReader&) = delete;
    ElementaryReader& operator=(const ElementaryReader&) = delete;

    void take(const Packet& packet, bool carries_clock);
    /// Packets could not be found for a while.
    void lose();
    /// Nothing will follow: a PES packet of unknown length is whole.
    void flush();

    Pid pid() const { return stream_.pid; }
    media::Codec codec() const { return stream_.codec; }
    /// With the configuration that was said last.
    const media::Track& track() const { return stream_.track; }

protected:
    virtual void read(const Pes& pes) = 0;
    /// Says the configuration if it is news, then gives the unit.
    void give(media::AccessUnit unit);
    ReaderShared& shared() { return shared_; }

private:
    void count_damage();

    Elementary stream_;
    ReaderShared& shared_;
    PesGatherer gatherer_;
    std::uint64_t discontinuities_seen_ = 0;
};

/// Reads KLV (SMPTE 336M, MISB ST 1402) out of a PES stream, in cells with heads (stream_type 0x15,
/// ISO/IEC 13818-1 §2.12.4) or without (0x06): messages, one a PES packet or cell. What is larger than they
/// may be is left out and counted.
class KlvReader {
public:
    KlvReader(Pid pid, bool in_cells, ReaderShared& shared)
        : pid_{pid}, in_cells_{in_cells}, shared_{shared}, gatherer_{shared.held} {}

    void take(const Packet& packet);
    void lose() { gatherer_.damage(); }
    Pid pid() const { return pid_; }
    bool in_cells() const { return in_cells_; }

private:
    void read(const Pes& pes);
    void give(ByteSpan klv, std::optional<std::int64_t> pts);

    Pid pid_;
    bool in_cells_;
    ReaderShared& shared_;
    PesGatherer gatherer_;
};

std::unique_ptr<ElementaryReader> read_pictures(Elementary stream, ReaderShared& shared);
std::unique_ptr<ElementaryReader> read_frames(Elementary stream, ReaderShared& shared);

}   // namespace millrace::ts
