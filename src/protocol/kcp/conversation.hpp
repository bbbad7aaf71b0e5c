#pragma once

#include "base/bytes.hpp"
#include "base/result.hpp"
#include "protocol/kcp/acknowledgements.hpp"
#include "protocol/kcp/congestion.hpp"
#include "protocol/kcp/receive_window.hpp"
#include "protocol/kcp/recovery.hpp"
#include "protocol/kcp/send_window.hpp"

#include <deque>
#include <memory>
#include <optional>

namespace millrace::kcp {

/// A datagram to send.
struct Outgoing {
    std::vector<std::byte> bytes;
    bool fresh = false;   ///< carries data for the first time: what is worth parity
};

/// One end of a KCP conversation: messages or bytes, whole and in order, over datagrams that get lost. The
/// contract is that of `protocol/machine.hpp` but for datagrams: after each receive(), send(), advance() or
/// read message, drain next_output(); call advance() at deadline(). Several calls in a row before draining
/// share datagrams. One owner, one thread. It believes whoever it is fed: authenticate outside.
class Conversation {
public:
    /// IP and UDP headers, for whoever counts bytes on the wire.
    static constexpr std::size_t wire_overhead = 28;
    /// A peer that stays without room for so long is asked, then after half as long again each time.
    static constexpr Duration ask_first = 500ms;
    static constexpr Duration ask_longest = 120s;
    /// Room that was told is told again so often, until something comes: telling is not acknowledged.
    static constexpr unsigned tell_times = 3;
    static constexpr Duration tell_again = 60ms;
    /// The reference calls a conversation dead after so many copies of one segment; so do we, in words.
    static constexpr std::uint32_t rounds_of_the_dead = 20;
    /// A smaller segment may ride in later datagrams, each so much later; below that loss it is waste.
    static constexpr std::size_t ride_size_max = 200;
    static constexpr Duration ride_spacing = 3ms;
    static constexpr double ride_loss_min = 0.004;

    struct Counters {
        std::uint64_t datagrams_sent = 0;
        std::uint64_t bytes_sent = 0;   ///< without IP and UDP
        std::uint64_t datagrams_received = 0;
        std::uint64_t datagrams_refused = 0;
        std::uint64_t segments = 0;   ///< sent for the first time
        std::uint64_t resends_by_gap = 0;
        std::uint64_t resends_by_timer = 0;
        std::uint64_t further_copies = 0;   ///< of resends, sent along
        std::uint64_t rides = 0;
        std::uint64_t repeats = 0;      ///< datagrams that looked for more room
        std::uint64_t duplicates = 0;   ///< received
        std::uint64_t beyond = 0;       ///< received outside the window
    };
    /// What it found out about the path.
    struct Path {
        Duration round_trip;
        Duration round_trip_min;
        Duration round_trip_of_late;   ///< the least of it
        Duration reorder_window;
        double loss;
        double rate;   ///< bytes a second; 0: not limited
    };
    enum class Origin : std::uint8_t {
        wire,
        recovered,   ///< made up from others by another layer: says nothing of delays
    };

    /// `settings` must be valid.
    Conversation(const Settings& settings, Instant now);

    /// A message, or bytes of a stream. Errc::exhausted: more fragments than can be sent or than the peer's
    /// window holds, or too much waits already.
    Result<> send(const Bytes& message, Instant now);
    /// A datagram of the peer. Errc::malformed and nothing happened, unless broken() afterwards.
    Result<> receive(ByteSpan datagram, Instant now, Origin origin = Origin::wire);
    void advance(Instant now);
    Instant deadline() const;
    std::optional<Outgoing> next_output();
    std::optional<std::vector<std::byte>> next_message();

    /// Whether parity is sent along now: then a gap waits for it, as long as the settings say.
    void expect_parity(bool sent) { recovery_->leave_gaps(sent ? settings_.fec_wait : 0ns); }

    /// Whether the application would send more than it does, but for path().rate: then a paced control looks
    /// for room that nothing uses, with repeats of what was sent.
    void seek_more(bool more);

    /// Segments that wait or are on their way.
    std::size_t waiting() const { return window_.queued() + window_.in_flight(); }
    std::size_t in_flight() const { return window_.in_flight(); }
    std::size_t in_flight_bytes() const { return window_.in_flight_bytes(); }
    /// Bytes that wait and were not sent yet: over path().rate they are the time until the newest leaves.
    std::size_t waiting_bytes() const { return window_.queued_bytes(); }
    /// The peer's messages can never be read.
    bool broken() const { return broken_; }
    /// A segment was sent 20 times for nothing.
    bool dead() const { return dead_; }
    const Counters& counters() const { return counters_; }
    Path path() const;
    const Settings& settings() const { return settings_; }

private:
    /// Further copies of a resend, of which the next is due at a time; not of another round.
    struct Copies {
        std::uint32_t sn;
        std::uint32_t round;
        unsigned left;
        Instant due;
    };

    /// What was sent last for the first time; empty unless more is sought.
    struct Newest {
        std::uint32_t sn = 0;
        std::uint8_t frg = 0;
        Bytes payload;
    };

    Result<> take_pushes(Origin origin);
    void take_acks();
    void take_window(std::uint16_t window);
    void examine();
    bool pending() const;
    std::size_t room() const;
    bool may_send_new() const;

    void flush();
    void write_acks();
    void write_window_words();
    void write_resends();
    void write_copies();
    /// Whether it was of use still. Queues the next one.
    bool write_copy(Copies copies);
    Duration copies_apart() const;
    void write_new();
    bool repeats() const;
    void write_repeats();
    void put_data(Outstanding& segment, bool new_round);
    void add_rides();
    void put(const Segment& segment);
    void close_datagram();
    Segment head(Command command) const;

    Settings settings_;
    Instant now_;
    SendWindow window_;
    ReceiveWindow received_;
    Acknowledgements acks_;
    std::unique_ptr<Recovery> recovery_;
    std::unique_ptr<Congestion> congestion_;

    std::vector<Segment> parsed_;
    std::vector<Echo> echoes_;
    std::deque<Outgoing> out_;
    Outgoing datagram_;   // the one being written
    bool has_data_ = false;
    bool seeks_ = false;
    Newest newest_;
    std::uint64_t order_ = 0;
    std::deque<Copies> copies_;   // by their time; as many as the window, at most

    bool dirty_ = false;
    bool resends_wait_ = false;
    bool broken_ = false;
    bool dead_ = false;
    Instant tick_ = Instant::never();
    std::uint16_t peer_window_ = 128;   // until it says its own
    std::uint16_t peer_window_largest_ = 128;
    bool peer_heard_ = false;
    Instant ask_at_ = Instant::never();
    Duration ask_wait_ = ask_first;
    bool ask_ = false;
    unsigned tells_ = 0;
    Instant tell_at_ = Instant::never();
    Counters counters_;
};

}   // namespace millrace::kcp
