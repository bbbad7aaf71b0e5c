#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

#include <memory>
#include <string>

namespace millrace::session {

/// One picture of a stream as it is answered, immutable. Any thread.
struct Still {
    Bytes jpeg;
    std::string tag;   ///< a strong ETag with its quotes: the same picture in the same width has the same
    WallTime taken;    ///< when it was captured
};
using StillRef = std::shared_ptr<const Still>;

/// Which picture: of which stream, and how wide.
struct StillKey {
    std::string stream;
    std::uint32_t width = 0;   ///< 0: as the source

    auto operator<=>(const StillKey&) const = default;
};

}   // namespace millrace::session
