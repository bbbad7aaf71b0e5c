#pragma once

#include "base/result.hpp"
#include "media/track.hpp"

#include <cstddef>
#include <cstdint>

namespace millrace::media::jpeg {

/// One picture, from SOI to EOI.
inline constexpr std::size_t bytes_max = std::size_t{8} << 20U;
/// Of a picture's width and height.
inline constexpr std::uint32_t side_max = 16'384;
/// Marker segments before the first scan: tables, comments, application data.
inline constexpr std::size_t segments_max = 512;
inline constexpr std::size_t components_max = 4;

/// What the markers of a JPEG say.
struct Facts {
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    std::uint8_t components = 0;   ///< 1 grey, 3 colour, 4 CMYK
    bool progressive = false;      ///< several scans
    bool huffman_tables = false;   ///< false: the usual ones are meant, as in the pictures of an AVI
    std::size_t size = 0;          ///< bytes from SOI to EOI; what follows is padding and to be left out
};

/// Reads the markers of one picture up to its first scan, and finds its end. Nothing is decoded, but every
/// table has the length and every reference the target that it should have (case 89). Errc::malformed,
/// Errc::exhausted (bytes_max, segments_max), Errc::unsupported (lossless, hierarchical, arithmetic, 12 bits,
/// a height that is said later). Pure; safe for any bytes.
Result<Facts> read(ByteSpan bytes);

/// A track of such pictures. Give it the configuration before: it stays the same object while nothing
/// changed.
ConfigRef config_from(const Facts& facts, const ConfigRef& before = nullptr);

/// The same of a size that is known without a picture; Errc::malformed beyond side_max and for none.
Result<TrackConfig> config_of(std::uint32_t width, std::uint32_t height);

}   // namespace millrace::media::jpeg
