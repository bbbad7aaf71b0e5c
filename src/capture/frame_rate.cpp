#include "capture/frame_rate.hpp"

#include "media/time.hpp"

namespace millrace::capture {

namespace {

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;

}   // namespace

Duration FrameRate::at(std::int64_t number) const {
    return Duration{media::rescale(number * seconds, frames, nanoseconds_a_second)};
}

std::int64_t FrameRate::due_by(Duration since_first) const {
    if (since_first < Duration{0}) {
        return 0;
    }
    // at() rounds down, so a frame is due up to a nanosecond before its true moment. Rounded up here.
    return -media::rescale(-(since_first.count() + 1), nanoseconds_a_second * seconds, frames);
}

}   // namespace millrace::capture
