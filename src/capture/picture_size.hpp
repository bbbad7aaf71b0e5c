#pragma once

#include <cstdint>

namespace millrace::capture {

/// In samples.
struct PictureSize {
    std::uint32_t width = 0;
    std::uint32_t height = 0;

    bool operator==(const PictureSize&) const = default;
};

}   // namespace millrace::capture
