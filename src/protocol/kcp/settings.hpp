#pragma once

#include "base/result.hpp"
#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace millrace::kcp {

/// How a sender finds out what was lost.
enum class RecoveryKind : std::uint8_t {
    classic,    ///< by counts of later acknowledgements, and a timer for each segment
    by_order,   ///< by the order of transmissions, and one timer for the tail
};

enum class CongestionKind : std::uint8_t {
    off,
    classic,   ///< slow start, halving at a loss: what the reference does unless it is told not to
    paced,     ///< sends at the rate that long trains arrive with; random loss does not slow it down
};

/// All that one end of a conversation may choose; only `conv` and `first_sn` need agreement.
struct Settings {
    static constexpr std::size_t mtu_min = 50;
    static constexpr std::size_t mtu_max = 1'500;
    static constexpr std::uint16_t window_max = 32'768;   ///< segments; larger ones of a peer are cut to it
    static constexpr std::size_t fragments_max = 127;     ///< of a message: more the reference does not send
    static constexpr std::size_t waiting_max = 1U << 16U;   ///< segments a conversation keeps for sending

    std::uint32_t conv = 0;
    std::size_t mtu = 1'400;      ///< of a datagram, without IP and UDP
    bool stream = false;          ///< bytes instead of messages: small pieces are joined
    std::uint32_t first_sn = 0;   ///< of both ends; the reference knows only 0
    std::uint16_t send_window = 256;
    std::uint16_t receive_window = 256;
    bool plain_peer = false;   ///< says each acknowledgement once: a resend is never doubled
    RecoveryKind recovery = RecoveryKind::by_order;
    CongestionKind congestion = CongestionKind::paced;

    // Classic recovery, under the reference's names.
    unsigned nodelay = 0;
    Duration interval = 0ms;   ///< everything leaves on its ticks; 0: at once
    unsigned resend = 0;       ///< later acknowledgements that make a segment lost; 0: none do
    Duration rto_min = 100ms;
    unsigned fast_resends_max = 5;

    // Acknowledgements.
    bool compact_acks = true;    ///< in order only the newest; out of order each, and each twice
    Duration ack_delay = 2ms;    ///< waits so long for others, or for data to ride with
    Duration ack_repeat = 8ms;   ///< said once more after so long a silence; 0: not

    // What is sent before anything is known to be lost.
    unsigned rides = 0;        ///< further datagrams that carry a small segment, in case the first is lost
    unsigned copies_max = 3;   ///< of a resend
    Duration copies_apart = 8ms;   ///< between them where losses come in bursts; else they leave at once
    Duration fec_wait = 0ms;       ///< before a gap counts as a loss, so that another layer may fill it

    std::size_t segment_max() const;
    /// The same for a peer that is somebody else's.
    Settings for_plain_peer() const;
};

/// The reference's modes: default, normal, fast, turbo, fastest. Ours: video, video_fec, messages.
std::optional<Settings> named_mode(std::string_view name);

/// Whether a conversation can be had with them.
Result<> validate(const Settings& settings);

}   // namespace millrace::kcp
