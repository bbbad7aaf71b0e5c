#pragma once

#include "media/track.hpp"

namespace millrace::media {

/// How long a raw audio frame lasts, in ticks of its track's timescale (AAC: samples of the core coder); 0
/// where the frame or its configuration does not say.
std::int64_t samples_in_frame(const TrackConfig& config, ByteSpan frame);

}   // namespace millrace::media
