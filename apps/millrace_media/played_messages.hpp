#pragma once

#include "playback/player.hpp"
#include "protocol/media_link/picture.hpp"

namespace millrace::apps {

/// What a player gives and counts, as the link says it.
media_link::Picture message_of(const playback::GivenPicture& picture, Instant now);
media_link::Played message_of(const playback::PlayCounters& counters);

}   // namespace millrace::apps
