#include "net/system_random.hpp"

#include "base/check.hpp"

#include <sys/random.h>

#include <algorithm>

namespace millrace::net {

void SystemRandom::fill(std::span<std::byte> bytes) {
    // getrandom(2): requests of up to 256 bytes are never cut short once the pool is ready.
    constexpr std::size_t whole = 256;
    while (!bytes.empty()) {
        const std::size_t count = std::min(bytes.size(), whole);
        check(getrandom(bytes.data(), count, 0) == static_cast<ssize_t>(count),
              "the kernel gives randomness");
        bytes = bytes.subspan(count);
    }
}

}   // namespace millrace::net
