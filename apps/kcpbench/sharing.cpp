#include "apps/kcpbench/sharing.hpp"

#include "protocol/kcp/rows_for_tests.hpp"
#include "session/sharing_for_tests.hpp"

#include <fmt/core.h>

#include <string>

namespace millrace::session {

namespace {

struct Others {
    const char* name;
    unsigned tcps;
    kcp::Tcp::Kind kind;
    double most;
};

std::string cell(const SharedPath& path, std::size_t seeds) {
    const auto all = kcp::of_seeds(seeds, [&path](std::uint64_t seed) { return Sharing{path, seed}.run(); });
    std::vector<double> link;
    for (const SharedFigures& one : all) {
        link.push_back(100 * one.link);
    }
    std::ranges::sort(link);
    return fmt::format(" {:.0f}, **{:.0f}**, {:.0f}; {:.0f} |", kcp::quantile(link, 0.1),
                       kcp::quantile(link, 0.5), kcp::quantile(link, 0.9),
                       100 * kcp::spread(all, &SharedFigures::tcp).median);
}

}   // namespace

void print_shares(std::size_t seeds) {
    using enum kcp::Tcp::Kind;
    constexpr std::array others{Others{"CUBIC", 1, cubic, 1.5}, Others{"CUBIC", 1, cubic, 4},
                                Others{"Reno", 1, reno, 4}, Others{"two of CUBIC", 2, cubic, 4}};
    fmt::print(
        "| Mbit/s | beside | camera | queue | RTT 20 ms | 50 ms | 100 ms |\n|---|---|---|---|---|---|---|\n");
    for (const double rate : {2e6, 4e6, 8e6, 20e6}) {
        for (const Others& beside : others) {
            for (const double queue : {0.5, 1.0, 2.0}) {
                std::string row;
                for (const Duration round_trip : {20ms, 50ms, 100ms}) {
                    row += cell({.rate = rate,
                                 .queue = queue,
                                 .round_trip = round_trip,
                                 .tcps = beside.tcps,
                                 .kind = beside.kind,
                                 .most = beside.most},
                                seeds);
                }
                fmt::print("| {:.0f} | {} | {:.1f} | {:.1f} |{}\n", rate / 1e6, beside.name, beside.most,
                           queue, row);
                static_cast<void>(std::fflush(stdout));
            }
        }
    }
}

}   // namespace millrace::session
