#pragma once

#include "base/bytes.hpp"

#include <cstdint>

namespace millrace::ws {

/// Checks UTF-8 (RFC 3629) as it comes, cut anywhere: wrong as soon as no continuation could mend it.
class Utf8Check {
public:
    /// False at the first byte that cannot stand where it does.
    bool take(ByteSpan bytes);
    /// Whether a text may end here.
    bool complete() const { return missing_ == 0; }

private:
    bool begin(std::uint8_t byte);

    std::uint8_t missing_ = 0;   // bytes of the character under way
    std::uint8_t low_ = 0x80;    // what its next byte must lie between
    std::uint8_t high_ = 0xBF;
};

}   // namespace millrace::ws
