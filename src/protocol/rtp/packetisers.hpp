#pragma once

#include "protocol/rtp/packetiser.hpp"

/// One maker a payload format; see packetiser_of().
namespace millrace::rtp {

std::unique_ptr<Packetiser> write_h264(const Format& format);
std::unique_ptr<Packetiser> write_h265();
std::unique_ptr<Packetiser> write_av1();
std::unique_ptr<Packetiser> write_jpeg();
std::unique_ptr<Packetiser> write_aac();
std::unique_ptr<Packetiser> write_mpeg_audio();
std::unique_ptr<Packetiser> write_klv();
/// Opus, G.711, G.722 and L16; samples are cut to what a packet holds.
std::unique_ptr<Packetiser> write_plain(const Format& format);

}   // namespace millrace::rtp
