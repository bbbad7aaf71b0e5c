#pragma once

#include "media/cut.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace millrace::hub {

/// One unbroken timeline of a stream: UTC second of its start and 32 random bits, as text
/// "1763646000-1a2b3c4d".
struct RunId {
    std::int64_t started = 0;
    std::uint32_t random = 0;

    std::string text() const;
    /// Nothing for what is none, or not of this century.
    static std::optional<RunId> parse(std::string_view text);
    bool operator==(const RunId&) const = default;
};

/// A segment of a run that another node opened begins with the next unit.
struct GivenCut {
    media::Cut cut;
    bool whole = false;   ///< every unit since the cut before is here
};

}   // namespace millrace::hub
