#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace millrace::mp4 {

/// The language of an mdhd (§8.4.2): three letters of ISO 639-2/T, five bits each. From BCP 47; what has no
/// letters there, or is not known here, is "und", and the elng box says it in full.
std::uint16_t packed_language(std::string_view bcp_47);

/// "eng"; empty for "und" and for what are no letters.
std::string unpacked_language(std::uint16_t packed);

}   // namespace millrace::mp4
