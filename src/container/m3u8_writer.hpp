#pragma once

#include "container/m3u8_playlist.hpp"

#include <string>
#include <string_view>

namespace millrace::hls {

/// How a media list is written.
struct WriteOptions {
    unsigned digits = 6;   ///< decimals of EXTINF, at most 9; 0: whole seconds, rounded, as before version 3
    std::string base;      ///< put before each address, "https://host/live/"; empty: addresses as they stand
    bool blank_line = false;   ///< between the head and the first segment
};

/// The text of a list: UTF-8 without BOM and control characters, lines end in LF, EXT-X-VERSION the lowest
/// that has the tags used (none for version 1). What may not stand in a list is percent-encoded in addresses
/// and left out of other texts.
std::string write(const MediaPlaylist& list, const WriteOptions& options = {});
std::string write(const MultivariantPlaylist& list);

/// RFC 8216 §7: the lowest protocol version that has the tags of this list.
std::uint64_t lowest_version(const MediaPlaylist& list, const WriteOptions& options = {});

/// A URI reference as RFC 3986 allows it: other bytes become escapes, escapes stay.
std::string percent_encoded(std::string_view uri);

/// RFC 3339 with milliseconds (rounded down), UTC: "2026-11-20T14:09:32.123Z". Years 0 to 9999.
std::string date_time(WallTime utc);

}   // namespace millrace::hls
