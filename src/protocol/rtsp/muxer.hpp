#pragma once

#include "base/block_log.hpp"
#include "base/random.hpp"
#include "media/timed_message.hpp"
#include "protocol/rtp/packetiser.hpp"
#include "protocol/rtsp/transport.hpp"

#include <array>
#include <memory>
#include <span>
#include <vector>

namespace millrace::rtsp {

/// On which channels the tracks of a stream travel: viewers with equal plans share every byte.
class ChannelPlan {
public:
    /// Of the stream: those with a smaller id.
    static constexpr media::TrackId tracks_max = 7;
    /// The id that KLV has here, which is a track for RTP alone.
    static constexpr media::TrackId klv = tracks_max;

    void set(media::TrackId track, std::uint8_t rtp_channel) { channels_[track] = rtp_channel + 1U; }
    std::optional<std::uint8_t> of(media::TrackId track) const {
        return track < channels_.size() && channels_[track] != 0
                   ? std::optional{static_cast<std::uint8_t>(channels_[track] - 1)}
                   : std::nullopt;
    }
    /// The whole plan as a number, for the key of a flavour.
    std::uint64_t packed() const;
    bool operator==(const ChannelPlan&) const = default;

private:
    std::array<std::uint16_t, tracks_max + 1> channels_{};   // of RTP, plus one; 0 = not taken
};

/// KLV as a track, for descriptions.
media::Track klv_track();

/// The time of day along a stream's own time, for sender reports. All tracks lie on one line, which follows
/// the units' capture times by slew_permille, so that no unit that came late pulls sound and picture apart.
class ReportClock {
public:
    static constexpr std::int64_t slew_permille = 1;
    static constexpr Duration step_min = 2s;   ///< what is further off begins anew

    /// Of a unit, which comes in the stream's order; nothing while no unit has said when it was captured.
    std::optional<WallTime> at(const media::AccessUnit& unit);

private:
    std::optional<std::int64_t> offset_;   // time of day minus stream time, in microseconds
    std::int64_t newest_ = 0;              // stream time, in microseconds
};

/// Whether players who were told one format can read the other: parameter sets come in band.
bool same_format(const rtp::Format& a, const rtp::Format& b);

/// Writes one stream as interleaved frames into a log: one message an access unit, and once a second a sender
/// report of each track after it; the first before a track's first unit, in its message. SSRC, sequence
/// numbers and times are the log's own, the same for all its viewers. Owned by a derived feed, on its home
/// worker; the log is the feed's.
class Muxer {
public:
    /// `seed` chooses where numbers begin (RFC 3550 §5.1).
    Muxer(ChannelPlan plan, std::uint64_t seed) : plan_{plan}, random_{seed} {}

    bool carries(const media::Track& track) const;
    /// False where a track's payload format is now another: a player was told the old one.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// KLV goes as packets of its own track; RTP has no words for results.
    void message(const media::TimedMessage& message, BlockLog& log, Instant now);
    /// A packet of our own for each track: BYE would end a player that may go on with the next publisher.
    void unpublished(BlockLog& log, Instant now);
    /// BYE of each track (RFC 3550 §6.6).
    void end(BlockLog& log, Instant now);

    Bytes lead(std::span<const media::Track>) const { return {}; }
    /// A sender report of each track, so that a newcomer knows at once how they lie together. Parameter sets
    /// stand before each key frame.
    Bytes resume() const;

private:
    struct Stream {
        media::TrackId track = 0;
        std::unique_ptr<rtp::Sender> sender;
        Instant reported;
        bool has_reported = false;
    };
    bool configure_one(const media::Track& track);
    void send(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// A receiver report of no one's with this behind it, for each track: compounds begin with a report.
    void log_each(void (*write)(std::vector<std::byte>&, std::uint32_t), BlockLog& log, Instant now) const;
    /// Of a track; empty while none is due.
    static std::vector<std::byte> report_due(Stream& stream, Instant now);

    ChannelPlan plan_;
    SeededRandom random_;
    ReportClock clock_;
    std::vector<Stream> streams_;
    media::ConfigRef klv_;   // of its units; null where the plan has none
};

/// The first RTP packet on a channel, for RTP-Info.
struct FirstPacket {
    std::uint8_t channel = 0;
    std::uint16_t sequence = 0;
    std::uint32_t timestamp = 0;
};
/// From the bytes of a log behind a message end: the first packet on each channel of RTP. Frames that are cut
/// at the end are not looked at.
std::vector<FirstPacket> first_packets(ByteSpan frames);

}   // namespace millrace::rtsp
