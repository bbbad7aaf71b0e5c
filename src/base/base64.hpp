#pragma once

#include "base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// RFC 4648 §4, with padding.
std::string encode_base64(ByteSpan bytes);

/// What others wrote in base64: padding may lack, spaces and line ends between are passed over, both
/// alphabets of RFC 4648 are read. Nothing for any other character, for what follows padding, or for a lone
/// last sign.
std::optional<std::vector<std::byte>> decode_base64_loosely(std::string_view text);

}   // namespace millrace
