#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace millrace {

/// The seam to chance. The real one is the operating system's; a simulation's comes from its seed.
class Random {
public:
    virtual ~Random() = default;
    virtual void fill(std::span<std::byte> bytes) = 0;

    std::uint32_t next_u32() {
        std::uint32_t value = 0;
        fill(std::as_writable_bytes(std::span{&value, 1}));
        return value;
    }
    /// Uniform enough for jitter and choices, in [0, bound); bound must not be 0.
    std::uint32_t below(std::uint32_t bound) {
        return static_cast<std::uint32_t>((std::uint64_t{next_u32()} * bound) >> 32U);
    }
};

/// Chance from a seed (xorshift64*): the same seed gives the same bytes everywhere.
class SeededRandom final : public Random {
public:
    explicit SeededRandom(std::uint64_t seed) : state_{seed * 2 + 0x9E3779B97F4A7C15U} {}
    void fill(std::span<std::byte> bytes) override {
        for (auto& byte : bytes) {
            state_ ^= state_ >> 12U;
            state_ ^= state_ << 25U;
            state_ ^= state_ >> 27U;
            byte = static_cast<std::byte>((state_ * 0x2545F4914F6CDD1DU) >> 56U);
        }
    }

private:
    std::uint64_t state_;
};

}   // namespace millrace
