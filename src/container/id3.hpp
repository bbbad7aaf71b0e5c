#pragma once

#include "base/bytes.hpp"

#include <cstddef>
#include <string_view>
#include <vector>

namespace millrace::id3 {

/// What a result's text frame is called.
inline constexpr std::string_view result_name = "result";
/// A text with its tag around it.
inline constexpr std::size_t text_bytes_max = 16U << 10U;

/// An ID3v2.4 tag (id3.org, §3) of one user-defined text frame (TXXX) in UTF-8.
std::vector<std::byte> text_tag(std::string_view name, std::string_view text);

}   // namespace millrace::id3
