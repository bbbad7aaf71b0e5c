#pragma once

#include "protocol/rtp/depacketiser.hpp"
#include "protocol/rtp/reorder_buffer.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtp/sender_clock.hpp"

#include <memory>
#include <optional>

namespace millrace::rtp {

/// One RTP stream in: packets in any order, access units out. Over UDP it waits for what is late; what never
/// comes breaks the unit it belonged to. Another SSRC, or sequence numbers that jump, begin anew: the next
/// unit is marked as a discontinuity. Owned by a session, one thread; it reads no clock and never fails.
class Receiver {
public:
    struct Options {
        Duration reorder_wait = 0ns;   ///< 0 over TCP
        std::uint32_t own_ssrc = 0;    ///< who reports
        /// The id of abs-capture-time among the header extensions (a=extmap); 0 = there is none.
        std::uint8_t capture_time_id = 0;
        /// The sender knows FIR (RFC 5104) and not PLI (RFC 4585).
        bool full_intra = false;
    };
    static constexpr Duration reorder_wait_udp = 150ms;
    /// Reports of ours, at most so often; the first soon after the first packet.
    static constexpr Duration report_interval = 5s;
    /// Reports of theirs that are read in one such interval; a flood of them is passed over.
    static constexpr unsigned reports_max = 50;
    /// Between two ways of asking for a key frame.
    static constexpr Duration key_frame_request_interval = 1s;

    struct Counters {
        std::uint64_t packets = 0;
        std::uint64_t bytes = 0;
        std::uint64_t packets_refused = 0;   ///< no RTP, another payload type, nothing in it
        std::uint64_t control_refused = 0;   ///< broken, a stranger's, or too many
        std::uint64_t sources = 0;           ///< changes of SSRC
        std::uint64_t leaps = 0;             ///< of the timestamps, beyond timestamp_leap
    };
    /// Timestamps that step so far from one packet to the next begin anew.
    static constexpr Duration timestamp_leap = 10s;

    static Result<Receiver> make(const Format& format, const Options& options);

    /// A packet of the stream's port or channel. Drain next() after it.
    void receive(ByteSpan packet, Instant now);
    void receive_control(ByteSpan compound, Instant now);
    /// Time went by: gives up on what is missing.
    void advance(Instant now);
    /// When advance() or append_report() have something to do.
    Instant deadline() const { return std::min(buffer_.deadline(), report_due_); }
    /// Units with RTP times, in ticks of their configuration; `capture` is set where the sender says it.
    std::optional<media::AccessUnit> next();

    /// Somebody wants a key frame: the sender is asked with the next report, which is then due.
    void ask_key_frame() { key_frame_wanted_ = true; }
    /// A compound of RR and SDES, and of PLI or FIR where a key frame is wanted; nothing while none is due.
    void append_report(std::vector<std::byte>& out, std::string_view cname, Instant now);

    /// The sender's time of day at a unit's presentation, in microseconds, for laying tracks side by side.
    std::optional<std::int64_t> sender_time(const media::AccessUnit& unit) const;
    const SenderClock& clock() const { return clock_; }
    bool waiting() const { return depacketiser_->waiting(); }
    /// The source said BYE.
    bool ended() const { return ended_; }
    /// Or that it is not published for now.
    bool unpublished() const { return unpublished_; }
    const Format& format() const { return format_; }
    const Counters& counters() const { return counters_; }
    const ReorderBuffer::Counters& loss() const { return buffer_.counters(); }
    const DepacketiserCounters& depacketiser() const { return depacketiser_->counters(); }
    media::ConfigRef config() const { return depacketiser_->config(); }
    std::optional<std::uint32_t> ssrc() const { return ssrc_; }

private:
    Receiver(const Format& format, const Options& options, std::unique_ptr<Depacketiser> depacketiser);
    bool take_source(std::uint32_t ssrc);
    void drain(Instant now);
    void take_in_order(const ReorderBuffer::Place& place, const Packet& packet);
    void count_jitter(std::uint32_t timestamp, Instant arrival);
    void note_capture(const Packet& packet, std::int64_t timestamp);
    ReportBlock block(Instant now);
    bool asks_key_frame(Instant now) const;
    void append_key_frame_request(std::vector<std::byte>& out, Instant now);

    Format format_;
    Options options_;
    std::unique_ptr<Depacketiser> depacketiser_;
    ReorderBuffer buffer_;
    SenderClock clock_;
    TimestampUnwrapper times_;
    std::optional<std::uint32_t> ssrc_;
    std::optional<std::uint32_t> candidate_;   // another SSRC that came once
    bool discontinuity_ = false;
    bool lost_ = false;   // packets, since one was handed on
    bool ended_ = false;
    bool unpublished_ = false;
    struct Captured {
        std::int64_t timestamp;
        WallTime utc;
    };
    std::optional<Captured> captured_;   // the newest abs-capture-time
    struct EarlyReport {
        std::uint32_t ssrc;
        NtpTime ntp;
        std::uint32_t timestamp;
    };
    std::optional<EarlyReport> early_;   // came before the first packet, which tells how to unwrap it
    Counters counters_;
    // What reports are made of, RFC 3550 §A.3 and §A.8
    double jitter_ = 0;
    std::optional<std::int64_t> transit_;
    std::optional<std::int64_t> first_sequence_;
    std::uint64_t expected_before_ = 0;
    std::uint64_t lost_before_ = 0;
    std::uint32_t last_report_ = 0;
    Instant last_report_at_;
    unsigned reports_read_ = 0;
    Instant report_due_ = Instant::never();
    bool key_frame_wanted_ = false;
    std::optional<Instant> key_frame_asked_;
    std::uint8_t key_frame_requests_ = 0;   // modulo 256
};

}   // namespace millrace::rtp
