#pragma once

#include "container/ts_packet.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <array>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace millrace::ts {

constexpr std::string_view provider_name = "Millrace";
/// Tracks in one programme; those beyond are left out.
constexpr std::size_t tracks_max = 16;

/// The run's time in ticks of 90 kHz becomes that of the transport stream by this, so that neither the clock
/// nor a picture that is decoded a little before the run began is below zero.
constexpr std::int64_t time_offset = clock_rate;
/// The clock (PCR) runs so far ahead of a unit's decoding time: 300 ms. That is longer than a large key frame
/// takes on a link of twice the stream's rate, and than sane publishers have audio and video apart; players
/// that follow the clock hear it as delay, so it is less than the 700 ms made for links of constant rate.
constexpr std::int64_t clock_lead = 300 * clock_rate / 1000;
/// Between two clock values; DVB wants 40 ms (ETSI TR 101 290 §5.2.2, 2.3b).
constexpr std::int64_t clock_interval_max = 40 * clock_rate / 1000;
/// A longer silence is not filled with clock values but marked as a discontinuity.
constexpr std::int64_t clock_fill_max = 10 * clock_rate;
/// Tables come at each video key frame, and at least so often (§5.2.1 there: 500 ms).
constexpr std::int64_t tables_interval = 250 * clock_rate / 1000;

/// Turns the access units of one programme into packets: PAT, PMT and SDT, PES packets, the clock. It goes on
/// for as long as its owner (an endless answer or a packager of segments) does: counters, table versions and
/// clock run on. One thread.
class Multiplexer {
public:
    /// The name stands in the SDT; what does not fit there is cut off.
    explicit Multiplexer(std::string_view service_name);

    /// Takes the carried tracks. If they or their configurations changed, the PMT has another version, and
    /// the tables come before the next unit.
    void configure(std::span<const media::Track> tracks);
    /// Appends the SDT, if it is news, that says that the service does not run (running_status): its
    /// publisher said its end. With the next unit it runs again, and the tables say so.
    void stop(std::vector<std::byte>& out);
    /// The tables come before the next unit, and no clock values before them.
    void begin_segment() { tables_due_ = true; }
    /// Appends the packets of a unit: what is due before it, then itself. Units of other tracks, and of
    /// another kind than their track was configured with, are left out.
    void write(std::vector<std::byte>& out, const media::AccessUnit& unit);
    /// A stream of such messages stands in the PMT from now on: of ID3 tags for results, or of KLV.
    void expect_messages(media::TimedMessage::Kind kind);
    void expect(std::span<const media::TimedMessage> messages);
    /// Appends the packets of a message; the first of its kind brings its stream into the PMT. Nothing before
    /// the first unit.
    void write(std::vector<std::byte>& out, const media::TimedMessage& message);
    /// Appends the clock values due before a unit at `dts` (of the track that carries the clock) follows.
    void run_on(std::vector<std::byte>& out, std::int64_t dts, std::int64_t timescale);

    bool has_video() const { return !streams_.empty() && streams_.front().kind == media::Kind::video; }
    /// The track whose packets carry the clock: the first video, else the first audio.
    std::optional<media::TrackId> clock_track() const;
    bool tables_due() const { return tables_due_; }
    /// The tables as they were written last; empty before.
    ByteSpan last_tables() const { return last_tables_; }

private:
    struct Stream {
        media::TrackId id = 0;
        media::Kind kind = media::Kind::video;
        media::ConfigRef config;
        media::ConfigRef said;   // the configuration whose parameter sets went before a picture
        Pid pid = 0;
    };
    void change_tables();
    void rebuild_tables();
    std::vector<std::byte> service_table(bool running) const;
    void count_packets(std::span<std::byte> packets);
    void write_tables(std::vector<std::byte>& out);
    void write_tables_if_old(std::vector<std::byte>& out);
    void write_clock(std::vector<std::byte>& out, std::int64_t value, bool jump);
    void fill(std::vector<std::byte>& out, std::int64_t to);
    UnitHead approach(std::vector<std::byte>& out, const Stream& stream, const media::AccessUnit& unit);

    std::string service_name_;
    std::vector<Stream> streams_;     // the one with the clock first
    std::vector<std::byte> tables_;   // packets, their counters not yet set
    std::vector<std::byte> last_tables_;
    std::vector<std::byte> prefix_;   // of the unit being written
    bool with_messages_ = false;
    bool with_klv_ = false;
    std::uint8_t message_counter_ = 0;
    std::uint8_t klv_counter_ = 0;
    std::array<std::uint8_t, 256> track_counters_{};
    std::array<std::uint8_t, 3> table_counters_{};
    std::uint8_t version_ = 31;   // of the PMT and SDT; the first is 0
    bool tables_due_ = true;
    bool stopped_ = false;                // and said so, since the last unit
    std::int64_t tables_at_ = 0;          // the clock then
    std::optional<std::int64_t> clock_;   // the last value said, before it wraps
    std::int64_t patience_;               // how much later other tracks' units move the clock
};

}   // namespace millrace::ts
