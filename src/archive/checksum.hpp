#pragma once

#include "base/bytes.hpp"

#include <array>
#include <cstdint>

namespace millrace::archive {

/// CRC-32C (RFC 3720 §12.1, polynomial 1EDC6F41 reflected), eight bytes a step. `before`: of what stands in
/// front, to go on from.
std::uint32_t checksum(ByteSpan bytes, std::uint32_t before = 0);

}   // namespace millrace::archive
