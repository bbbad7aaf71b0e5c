#pragma once

#include "media/access_unit.hpp"
#include "media/timed_message.hpp"
#include "protocol/rtp/format.hpp"

// KLV (SMPTE 336M) over RTP, RFC 6597. Beside the frames it is a message; in here it is a unit, as anything
// that has packets of its own.

namespace millrace::rtp {

/// In which it leaves.
Format klv_format(std::uint8_t payload_type);
/// Of its units: it says their timescale and nothing else. None of media's codecs is KLV; it goes as sound
/// does, for which nobody waits.
media::ConfigRef klv_config(std::uint32_t clock_rate);
/// The unit of a message; `config` is one of klv_config().
media::AccessUnit klv_unit(const media::TimedMessage& message, media::ConfigRef config);
/// And back, with the unit's time as the publisher's.
media::TimedMessage klv_message(const media::AccessUnit& unit);

}   // namespace millrace::rtp
