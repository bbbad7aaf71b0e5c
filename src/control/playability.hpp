#pragma once

#include "media/track.hpp"

#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::control {

/// Something that shows streams.
enum class Screen : std::uint8_t { chrome, firefox, safari, hls_ts, rtmp_players, mjpeg_img };
std::string_view name(Screen screen);

/// A track that does not play somewhere, or only sometimes.
struct Obstacle {
    Screen screen;
    media::Codec codec;
    bool sometimes = false;   ///< it depends on the machine
    std::string text;         ///< why, and what mends it
};

/// What of these tracks will not play where, in the order of the screens. Empty: all of it plays everywhere.
std::vector<Obstacle> obstacles(std::span<const media::Track> tracks);

}   // namespace millrace::control
