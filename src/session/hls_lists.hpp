#pragma once

#include "base/result.hpp"
#include "hub/segment_list.hpp"

#include <string>
#include <string_view>

namespace millrace::session {

/// How the addresses in a list are written.
struct ListAddresses {
    std::string folder;   ///< before each, with its slash: "segments/"; empty: beside the list
    std::string query;    ///< behind each, without '?': what proves who may have it; empty: none
};

/// The media list of one rendition ("v0", "a1", "ts"). Segments in which it has nothing are gaps. Durations
/// are rounded on the run's timeline, so that their sum does not drift. Errc::not_found: no such rendition.
/// Any thread.
Result<std::string> media_list(const hub::SegmentList& list, std::string_view rendition,
                               const ListAddresses& addresses);

/// The multivariant list of one track a media list: a variant for each video track and coding of audio, or
/// for each audio track where there is no video.
std::string multivariant_list(const hub::SegmentList& list, const ListAddresses& addresses);

}   // namespace millrace::session
