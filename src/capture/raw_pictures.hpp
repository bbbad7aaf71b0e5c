#pragma once

#include "capture/grabber.hpp"
#include "capture/source_options.hpp"
#include "capture/stdin_place.hpp"

#include <span>

namespace millrace::capture {

/// Raw pictures from a descriptor, one after the other: each was taken when its last byte came. The end of
/// the writing in the midst of a picture is a Fault. Where another read of it before us and was lost in the
/// midst of a picture, the rest of that is passed over.
class RawPictures final : public Grabber {
public:
    /// `descriptor` stays the caller's; `place` is where the place in it stands, if others read it too.
    RawPictures(int descriptor, const RawOptions& options, int place = -1)
        : descriptor_{descriptor}, options_{options}, place_{place} {}

    Outcome<std::vector<Grab>> next() override;

private:
    /// Of plane 0, 1 or 2.
    std::size_t row_size(unsigned plane) const;
    std::size_t rows(unsigned plane) const;
    unsigned planes() const;
    /// Reads until it is full. How much came before the end.
    Outcome<std::size_t> fill(std::span<std::uint8_t> bytes);
    /// False at the end.
    Outcome<bool> skip_begun_picture();

    int descriptor_;
    RawOptions options_;
    StdinPlace place_;
    bool begun_ = false;
};

}   // namespace millrace::capture
