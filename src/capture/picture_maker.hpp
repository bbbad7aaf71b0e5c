#pragma once

#include "capture/source.hpp"

#include <memory>
#include <string_view>
#include <vector>

namespace millrace::capture {

/// Makes JPEG pictures of the access units that the server sends: what "jpeg:" and "stills:" start. One
/// thread.
class PictureMaker {
public:
    virtual ~PictureMaker() = default;

    /// What can be made of this unit: pictures of its track, MJPEG, with the times of those that they show.
    /// A Fault is of this unit; the next may do.
    virtual Outcome<std::vector<media::AccessUnit>> take(const media::AccessUnit& unit) = 0;
    /// Pictures from now on are so wide, or as the source where that is smaller; 0: as the source.
    virtual void set_width(std::uint32_t width) = 0;

    /// `frames`: pictures given; `skipped`: units that gave none because they are broken.
    const Counters& counters() const { return counters_; }

protected:
    Counters counters_;
};

/// Whether a source's text asks for one of these.
bool is_picture_maker(std::string_view text);

/// "jpeg:?width=640&height=360&fps=10&quality=80": all pictures of a stream, in order, decoded from the first
/// key frame on. "stills:?quality=80": each key frame on its own gives its picture, of any stream, or a
/// Fault.
Outcome<std::unique_ptr<PictureMaker>> open_picture_maker(std::string_view text);

}   // namespace millrace::capture
