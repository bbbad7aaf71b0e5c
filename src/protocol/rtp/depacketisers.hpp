#pragma once

#include "protocol/rtp/depacketiser.hpp"

/// One maker a payload format; see depacketiser_of().
namespace millrace::rtp {

using DepacketiserMade = Result<std::unique_ptr<Depacketiser>>;

DepacketiserMade read_h264(const Format& format);
DepacketiserMade read_h265(const Format& format);
DepacketiserMade read_av1(const Format& format);
DepacketiserMade read_jpeg(const Format& format);
DepacketiserMade read_aac(const Format& format);
DepacketiserMade read_latm(const Format& format);
DepacketiserMade read_mpeg_audio(const Format& format);
DepacketiserMade read_mpeg_ts(const Format& format);
/// KLV: a unit is a message of at most media::TimedMessage::bytes_max.
DepacketiserMade read_klv(const Format& format);
/// Opus, G.711, G.722 and L16: a payload is a unit.
DepacketiserMade read_plain(const Format& format);

}   // namespace millrace::rtp
