#pragma once

#include "base/picture_ring.hpp"
#include "media/access_unit.hpp"

#include <cstdint>

namespace millrace::playback {

/// A picture as it was put into a slot.
struct RingPicture {
    std::uint8_t slot = 0;
    picture_ring::Layout layout;
    picture_ring::Colours colours;
};

/// A picture in its slot, at its moment.
struct GivenPicture {
    RingPicture where;
    bool late = false;
    std::uint64_t number = 0;   ///< from 0 on, without gaps
    std::int64_t pts = 0;       ///< of its unit
    media::CaptureTime capture;
};

}   // namespace millrace::playback
