#include "protocol/ws/utf8_check.hpp"

namespace millrace::ws {

bool Utf8Check::take(ByteSpan bytes) {
    for (const std::byte each : bytes) {
        const auto byte = static_cast<std::uint8_t>(each);
        if (missing_ == 0) {
            if (!begin(byte)) {
                return false;
            }
            continue;
        }
        if (byte < low_ || byte > high_) {
            return false;
        }
        --missing_;
        low_ = 0x80;
        high_ = 0xBF;
    }
    return true;
}

// RFC 3629 §4: no overlong forms, no surrogates, nothing beyond U+10FFFF.
bool Utf8Check::begin(std::uint8_t byte) {
    if (byte < 0x80) {
        return true;
    }
    if (byte < 0xC2 || byte > 0xF4) {
        return false;
    }
    missing_ = byte < 0xE0 ? 1 : byte < 0xF0 ? 2 : 3;
    switch (byte) {
        case 0xE0: low_ = 0xA0; break;
        case 0xED: high_ = 0x9F; break;
        case 0xF0: low_ = 0x90; break;
        case 0xF4: high_ = 0x8F; break;
        default: break;
    }
    return true;
}

}   // namespace millrace::ws
