#pragma once

#include "capture/ffmpeg.hpp"
#include "capture/frame_rate.hpp"

#include <functional>
#include <optional>
#include <variant>

namespace millrace::capture {

/// A picture that came so that nothing can be made of it: it is counted.
struct Broken {};

/// One thing that a grabber got: a picture or sound to be encoded, or a unit that is coded already and has
/// its place on the stream's line.
struct Grab {
    /// Of a picture, on the stream's line of 90 kHz; the duration is 0 where it is not known.
    struct Place {
        std::int64_t pts = 0;
        std::int64_t duration = 0;
    };
    std::variant<ffmpeg::Frame, media::AccessUnit, Broken> what;
    Moment at;                  ///< when it was taken
    FrameRate rate;             ///< of pictures: what the device promises
    std::uint32_t number = 0;   ///< of a picture, from the first: a steady device counts, else its receiver
    bool steady = false;        ///< a picture of exactly that rate, whose place follows from its number
    bool late = false;          ///< a picture that the device was late with
    /// Where that is known; else it is where it was taken.
    std::optional<Place> place = {};
};

/// What a device, a pipe or a program gives, one thing after the other. Its calls block, on a thread of their
/// own.
class Grabber {
public:
    virtual ~Grabber() = default;
    /// Waits for what comes next; nothing at its end.
    virtual Outcome<std::vector<Grab>> next() = 0;
};

/// Opens one, on that thread.
using OpenGrabber = std::move_only_function<Outcome<std::unique_ptr<Grabber>>()>;

}   // namespace millrace::capture
