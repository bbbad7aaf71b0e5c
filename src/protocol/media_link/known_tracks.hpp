#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <array>

namespace millrace::media_link {

/// Track ids of a link are below this.
constexpr std::size_t tracks_max = 8;

/// The tracks that one end of a link was told of: a unit travels without its configuration, which stands in
/// the track before it. One owner.
class KnownTracks {
public:
    /// One that is said again keeps its configuration, the same object. Errc::exhausted: beyond the last.
    Result<> take(media::Track& track);
    /// Gives the unit its configuration. Errc::malformed: there is none, or the payload is nothing of its
    /// codec.
    Result<> take(media::AccessUnit& unit) const;

private:
    std::array<media::ConfigRef, tracks_max> configs_;   // by track
};

}   // namespace millrace::media_link
