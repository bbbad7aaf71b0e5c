#include "sim/trial.hpp"

#include <fmt/format.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <span>
#include <string_view>

// The simulated world, seed by seed: see tools/simulate.

namespace {

using namespace millrace;

struct Options {
    std::uint64_t from = 1;
    std::uint64_t seeds = 100;
    sim::Plant plant = sim::Plant::none;
    std::string_view plant_name = "none";
    bool quiet = false;
    bool log = false;
};

[[noreturn]] void explain() {
    fmt::print(stderr,
               "usage: tools/simulate [--seeds N] [--from K] [--plant early|lost_syncs] [--quiet] [--log]\n");
    std::exit(2);
}

std::uint64_t number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || value == 0) {
        explain();
    }
    return value;
}

Options read_options(std::span<char* const> arguments) {
    Options options;
    for (std::size_t i = 0; i < arguments.size(); ++i) {
        const std::string_view key{arguments[i]};
        if (key == "--quiet") {
            options.quiet = true;
            continue;
        }
        if (key == "--log") {
            options.log = true;
            continue;
        }
        if (i + 1 == arguments.size()) {
            explain();
        }
        const std::string_view value{arguments[++i]};
        if (key == "--seeds") {
            options.seeds = number(value);
        } else if (key == "--from") {
            options.from = number(value);
        } else if (const auto plant = sim::plant_named(value); key == "--plant" && plant) {
            options.plant = *plant;
            options.plant_name = value;
        } else {
            explain();
        }
    }
    return options;
}

double seconds(Duration span) {
    return std::chrono::duration<double>{span}.count();
}

/// Whether the laws held.
bool run(const Options& options, std::uint64_t seed, Duration& simulated) {
    const sim::Outcome outcome = sim::run_trial({.seed = seed, .plant = options.plant, .log = options.log});
    simulated += outcome.simulated;
    if (!options.quiet || !outcome.broken.empty()) {
        fmt::print("seed {}: trace {:016x}, {:.0f} s simulated, {} units, {} faults{}\n", seed, outcome.trace,
                   seconds(outcome.simulated), outcome.written, outcome.faults.size(),
                   outcome.broken.empty() ? "" : ", BROKEN");
    }
    if (!outcome.broken.empty()) {
        for (const std::string& fault : outcome.faults) {
            fmt::print("    {}\n", fault);
        }
        for (const std::string& law : outcome.broken) {
            fmt::print("  {}\n", law);
        }
        fmt::print("  again: tools/simulate --seeds 1 --from {} --plant {}\n", seed, options.plant_name);
    }
    std::fflush(stdout);
    return outcome.broken.empty();
}

}   // namespace

int main(int argc, char** argv) {
    const Options options = read_options(std::span{argv, static_cast<std::size_t>(argc)}.subspan(1));
    Duration simulated{};
    std::uint64_t broken = 0;
    for (std::uint64_t seed = options.from; seed < options.from + options.seeds; ++seed) {
        broken += run(options, seed, simulated) ? 0 : 1;
        if (broken > 0 && options.plant != sim::Plant::none) {
            fmt::print("the planted bug was found by seed {}, the {}th\n", seed, seed - options.from + 1);
            return 0;
        }
    }
    fmt::print("{} seeds, {:.2f} hours simulated, {} broken\n", options.seeds, seconds(simulated) / 3600,
               broken);
    return broken == 0 && options.plant == sim::Plant::none ? 0 : 1;
}
