#pragma once

#include "capture/source.hpp"
#include "playback/sound.hpp"

#include <functional>
#include <memory>
#include <span>
#include <string>

namespace millrace::playback {

/// What makes samples heard: a sound card, or what stands for one. One thread; its calls do not wait for
/// long.
class SoundDevice {
public:
    virtual ~SoundDevice() = default;
    /// Takes whole frames, as many as it has room for; their number. A Fault: the device is lost.
    virtual capture::Outcome<std::size_t> write(std::span<const std::int16_t> samples) = 0;
    /// What it was given and is not heard yet; nothing: it ran dry, or it does not know.
    virtual Duration held() = 0;
};

/// Opens one; it may wait for a sound server.
using OpenSoundDevice = std::move_only_function<capture::Outcome<std::unique_ptr<SoundDevice>>()>;

/// A card by its ALSA name ("default", "hw:1,0", as `aplay -L` lists them). A Fault in one sentence where
/// there is none of that name, or another program has it.
capture::Outcome<std::unique_ptr<SoundDevice>> open_sound_card(const std::string& name);

}   // namespace millrace::playback
