#pragma once

#include "base/result.hpp"
#include "container/m3u8_playlist.hpp"

#include <string>
#include <string_view>

namespace millrace::hls {

/// An address as it stands in a list, percent-encoded; within PlaylistLimits::uri_size_max.
Result<std::string> read_uri(std::string_view text);

/// The value of an EXT-X-MEDIA tag (RFC 8216 §4.3.4.1).
Result<Rendition> read_rendition(std::string_view value);

/// The value of an EXT-X-STREAM-INF tag (RFC 8216 §4.3.4.2); its address is the next line.
Result<Variant> read_variant(std::string_view value);

}   // namespace millrace::hls
