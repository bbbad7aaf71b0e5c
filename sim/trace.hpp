#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"

#include <cstdint>

namespace millrace::sim {

/// A hash of bytes, the same on every machine and run. Not for enemies.
std::uint64_t hash_of(ByteSpan bytes, std::uint64_t start = 0x9E3779B97F4A7C15U);

/// A running hash over what was delivered to whom and when: two runs of a seed must agree.
class Trace {
public:
    void note(Instant at, std::uint64_t who, ByteSpan delivered);
    std::uint64_t value() const { return value_; }
    std::uint64_t bytes() const { return bytes_; }

private:
    void mix(std::uint64_t word);

    std::uint64_t value_ = 1;
    std::uint64_t bytes_ = 0;
};

}   // namespace millrace::sim
