#pragma once

#include "base/bytes.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace millrace {

/// Two lower-case hexadecimal digits a byte.
std::string hex_text(ByteSpan bytes);
/// Either case. Nothing where a character is no digit, or one is left over.
std::optional<std::vector<std::byte>> hex_bytes(std::string_view text);

}   // namespace millrace
