#pragma once

#include "base/random.hpp"

namespace millrace::net {

/// The operating system's randomness (getrandom). Any thread.
class SystemRandom final : public Random {
public:
    void fill(std::span<std::byte> bytes) override;
};

}   // namespace millrace::net
