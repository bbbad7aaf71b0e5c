#pragma once

#include "container/m3u8_playlist.hpp"

#include <cstdint>
#include <deque>
#include <optional>

namespace millrace::session {

/// A segment that is to be read next.
struct DueSegment {
    hls::MediaSegment segment;
    std::uint64_t clock = 0;   ///< its times go on from others with the same number (discontinuity sequence)
};

/// Where one list is read: of each of its versions, the segments that are new. Pure; one owner.
class HlsPlace {
public:
    /// A reader that fell further behind a live list goes on at its newest segment.
    static constexpr std::size_t behind_max = 3;

    /// The first version of a live list gives its newest segment, that of a recording all of them; later ones
    /// what was not there before. Gaps are left out. A list that begins anew is read like a first one.
    std::deque<DueSegment> take(const hls::MediaPlaylist& list);

private:
    std::optional<std::uint64_t> next_;   // media sequence number
    std::uint64_t beginnings_ = 0;
};

/// Whether a list that has ended is one to be played from its beginning, not a stream that is over.
bool is_recording(const hls::MediaPlaylist& list);

}   // namespace millrace::session
