#include "sim/faults.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace millrace::sim {

namespace {

struct Shape {
    const char* name;
    bool of_a_machine;
    Duration length_min;
    Duration length_max;
};
constexpr std::array<Shape, static_cast<std::size_t>(Fault::Kind::count)> shapes{{
    {"a bad path", false, 1s, 30s},
    {"a narrow link", false, 2s, 30s},
    {"a partition", false, 500ms, 30s},
    {"bursts of loss", false, 2s, 20s},
    {"a flapping link", false, 10s, 25s},
    {"kill -9", true, 0ms, 10s},
    {"a power cut", true, 0ms, 10s},
    {"a restart", true, 0ms, 3s},
    {"a failing call of the disk", true, 1s, 10s},
    {"a broken disk", true, 100ms, 10s},
    {"a full disk", true, 1s, 20s},
    {"a read-only disk", true, 1s, 10s},
    {"a slow disk", true, 1s, 20s},
    {"a stalled disk", true, 1s, 6s},
    {"a jump of the clock", true, 0ms, 0ms},
    {"a drifting clock", true, 0ms, 0ms},
}};

Duration between(Random& chance, Duration least, Duration most) {
    return least +
           std::chrono::microseconds{chance.below(static_cast<std::uint32_t>((most - least) / 1us) + 1)};
}

}   // namespace

std::string Fault::text() const {
    const Shape& shape = shapes.at(static_cast<std::size_t>(kind));
    return fmt::format("{:.3f} s: {}{}, {:.3f} s", std::chrono::duration<double>{at}.count(), shape.name,
                       !shape.of_a_machine ? ""
                       : machine == 0      ? " of the server"
                                           : " of the edge",
                       std::chrono::duration<double>{length}.count());
}

std::vector<Fault> draw_faults(Random& chance, Duration span) {
    constexpr std::uint32_t count_max = 10;
    std::vector<Fault> faults(1 + chance.below(count_max));
    for (Fault& fault : faults) {
        fault.kind = static_cast<Fault::Kind>(chance.below(static_cast<std::uint32_t>(shapes.size())));
        const Shape& shape = shapes.at(static_cast<std::size_t>(fault.kind));
        fault.machine = chance.below(2);
        fault.at = between(chance, 0ms, span);
        fault.length = between(chance, shape.length_min, shape.length_max);
        fault.dice = chance.next_u32();
    }
    std::ranges::sort(faults, {}, &Fault::at);
    return faults;
}

}   // namespace millrace::sim
