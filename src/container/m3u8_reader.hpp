#pragma once

#include "base/result.hpp"
#include "container/m3u8_playlist.hpp"

#include <string_view>

namespace millrace::hls {

/// Reads a list of either kind, within PlaylistLimits. Errors say what is wrong with it: Errc::malformed,
/// Errc::exhausted for a limit, Errc::unsupported for encrypted media and versions nobody knows. Unknown
/// tags are passed over, and so is an EXTINF without an address. Addresses come out percent-encoded, byte
/// ranges with their offsets.
Result<Playlist> read_playlist(std::string_view text);

}   // namespace millrace::hls
