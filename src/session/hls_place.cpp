#include "session/hls_place.hpp"

#include <algorithm>

namespace millrace::session {

bool is_recording(const hls::MediaPlaylist& list) {
    // A live list that ended has lost its first segments by then, or numbers them by the time of day.
    return list.ended && (list.type != hls::PlaylistType::none || list.media_sequence <= 1);
}

std::deque<DueSegment> HlsPlace::take(const hls::MediaPlaylist& list) {
    const std::uint64_t end = list.media_sequence + list.segments.size();
    // A server that was started anew counts from the beginning; a few numbers less are an older version of
    // the list, as caches give it.
    if (next_ && end + list.segments.size() < *next_) {
        next_.reset();
        ++beginnings_;
    }
    const bool first = !next_;
    const std::uint64_t from = first ? list.media_sequence : std::max(*next_, list.media_sequence);
    next_ = std::max(end, next_.value_or(end));
    std::deque<DueSegment> due;
    std::uint64_t number = list.media_sequence;
    std::uint64_t clock = list.discontinuity_sequence;
    for (const hls::MediaSegment& segment : list.segments) {
        clock += segment.discontinuity ? 1 : 0;
        if (number++ >= from && !segment.gap) {
            // Numbers of a list that began anew are apart from those before.
            due.push_back({segment, (beginnings_ << 48U) + clock});
        }
    }
    if (!is_recording(list) && !due.empty() && (first || (!list.ended && due.size() > behind_max))) {
        due.erase(due.begin(), due.end() - 1);
    }
    return due;
}

}   // namespace millrace::session
