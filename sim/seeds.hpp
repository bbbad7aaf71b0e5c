#pragma once

#include <cstdint>
#include <cstdlib>
#include <ranges>

namespace millrace::sim {

/// The seeds a scenario is run with: 1 to `count`, or those the environment says, for a long search
/// (MILLRACE_SIM_SEEDS=1000) or to see one again (MILLRACE_SIM_SEED=17 MILLRACE_SIM_SEEDS=1).
inline auto seeds(std::uint64_t count) {
    const auto from_environment = [](const char* name, std::uint64_t fallback) {
        const char* const text = std::getenv(name);
        return text == nullptr ? fallback : std::strtoull(text, nullptr, 10);
    };
    const std::uint64_t first = from_environment("MILLRACE_SIM_SEED", 1);
    return std::views::iota(first, first + from_environment("MILLRACE_SIM_SEEDS", count));
}

}   // namespace millrace::sim
