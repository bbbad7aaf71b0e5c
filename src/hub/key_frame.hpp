#pragma once

#include "media/access_unit.hpp"

#include <string>

namespace millrace::hub {

/// The newest picture of a stream that needs none before it. Any thread.
struct KeyFrame {
    media::AccessUnitRef unit;   ///< of video
    std::string run;             ///< with the unit's pts it names this picture among all others
};

/// What to do where a stream has shown none yet.
enum class KeyFrameAsk : std::uint8_t {
    at_hand,   ///< say so
    wait,      ///< call its source, ask its publisher for one, and wait for it
};

}   // namespace millrace::hub
