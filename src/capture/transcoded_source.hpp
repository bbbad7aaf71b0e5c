#pragma once

#include "capture/encode_options.hpp"
#include "capture/source.hpp"

namespace millrace::capture {

/// Another source's units with the pictures decoded and encoded again: decoded on a thread of its own at that
/// source's pace, encoded on another (LiveSource), with a bounded queue between them, where the decoder
/// waits. Pictures keep their times; sound is passed on as it is, or left out where none is wanted.
std::unique_ptr<Source> transcoded(std::unique_ptr<Source> source, const EncodeOptions& options,
                                   Moment start);

}   // namespace millrace::capture
