#pragma once

#include "hub/publication.hpp"
#include "protocol/rtp/alignment.hpp"
#include "protocol/rtp/receiver.hpp"
#include "protocol/sdp/description.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace millrace::session {

/// The RTP streams of one conversation on their way in: packets of any track go in, units of the hub's tracks
/// come out on one timeline. Owned by its session, own thread only; it reads no clock and never fails.
class RtpIntake {
public:
    static constexpr std::size_t tracks_max = 8;

    /// A media line of a description that can be read here.
    struct Line {
        unsigned media = 0;   ///< its place in the description
        rtp::Format format;
        std::uint8_t capture_time_id = 0;
        bool full_intra = false;   ///< of rtp::Receiver::Options
    };
    /// Those of a description, at most tracks_max. Why others are left out is added to `remarks`, in words.
    static std::vector<Line> usable_lines(const sdp::Description& description,
                                          std::vector<std::string>& remarks);

    struct Options {
        Duration reorder_wait{0};   ///< of rtp::Receiver
        std::uint32_t own_ssrc = 0;
    };
    RtpIntake() = default;
    RtpIntake(std::span<const Line> lines, const Options& options);

    /// What the hub is to be told before the first unit.
    std::vector<media::Track> tracks() const;
    /// RTP-Info: where the tracks lie against each other. Heeded only where it speaks of them all.
    struct Start {
        unsigned media = 0;
        std::uint32_t timestamp = 0;
    };
    void begin_at(std::span<const Start> starts);

    void receive(unsigned media, ByteSpan packet, Instant now);
    void receive_control(unsigned media, ByteSpan packet, Instant now);
    /// Call when now >= deadline(), then take what next() gives.
    void advance(Instant now);
    Instant deadline() const;
    std::optional<media::AccessUnit> next(Instant now);
    /// Whether there is a track of KLV, which is none of the hub's: it comes as messages. Take them behind
    /// the units; those beyond hub::Publication::messages_max are left out.
    bool has_klv() const;
    std::vector<media::TimedMessage> take_messages() { return std::exchange(messages_, {}); }

    /// The stream wants a key frame: those who send pictures are asked with their next report, at most one
    /// in rtp::Receiver::key_frame_request_interval.
    void ask_key_frame();

    /// RTCP of ours that is due now: a compound for a media line's sender.
    struct Report {
        unsigned media = 0;
        std::vector<std::byte> bytes;
    };
    std::optional<Report> next_report(Instant now);

    std::uint64_t packets() const;
    /// Units that were left out since this was asked last: broken, refused or not to be decoded. Those before
    /// a track's first are nobody's loss.
    std::uint64_t take_dropped();
    /// Packets that never came or came too late, since this was asked last.
    hub::PacketLoss take_packet_loss();
    /// Pictures come, and none of them can begin a stream.
    bool waits_for_key_frame() const;
    /// Each of them said BYE.
    bool ended() const;
    /// Their publisher said its end, there; another may follow.
    bool unpublished() const;

private:
    struct Stream {
        unsigned media;
        media::TrackId track;
        rtp::Receiver receiver;
        std::optional<std::uint64_t> left_out_early{};   // before the first unit; nothing: there was none yet
    };
    Stream* of(unsigned media);
    static bool is_klv(const Stream& stream) {
        return stream.receiver.format().encoding == rtp::Encoding::klv;
    }
    /// Those of pictures and sound.
    template <class Is>
    bool all_media(Is is) const {
        const auto media = [&](const Stream& one) { return !is_klv(one); };
        return std::ranges::any_of(streams_, media) && std::ranges::all_of(streams_, [&](const Stream& one) {
                   return !media(one) || is(one.receiver);
               });
    }
    void take_klv(std::size_t index, media::AccessUnit unit, Instant now);
    static std::uint64_t left_out(const Stream& stream);

    std::vector<Stream> streams_;
    rtp::Alignment alignment_;
    bool begun_ = false;   // with a unit that is not KLV
    std::vector<media::TimedMessage> messages_;
    std::uint64_t dropped_told_ = 0;
    hub::PacketLoss loss_told_;
};

}   // namespace millrace::session
