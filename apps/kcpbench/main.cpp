#include "apps/kcpbench/links.hpp"
#include "apps/kcpbench/sharing.hpp"
#include "protocol/kcp/rows_for_tests.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

// KCP on virtual time, as Markdown: kcpbench [SEEDS [SECONDS]] prints the table of docs/guide/kcp.md, then
// what a datagram costs in processor time. kcpbench others [SEEDS [SECONDS]]: networks, and seeds, that
// nothing was tuned on. kcpbench shares [SEEDS]: beside TCPs on a narrow path. kcpbench hour: F14 for an hour
// of each of its paths; it fails if one of them does not hold.

namespace {

using namespace millrace;
using namespace millrace::kcp;

void print_echo(const char* name, const std::vector<EchoFigures>& all) {
    using F = EchoFigures;
    fmt::print("| {} | {:.1f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} |\n", name, spread(all, &F::average).median,
               spread(all, &F::largest).median, spread(all, &F::largest).worst,
               spread(all, &F::datagrams).median, spread(all, &F::bytes).median);
}

void echo_table(std::size_t seeds) {
    fmt::print(
        "| 1,001 messages of 8 bytes, echoed | average ms | largest ms | worst seed | datagrams | "
        "bytes a message |\n|---|---|---|---|---|---|\n");
    print_echo("reference, normal", run_echo(mode("normal"), mode("normal"), echo_line, seeds));
    print_echo("reference, fast", run_echo(mode("fast"), mode("turbo"), echo_line, seeds));
    for (const unsigned rides : {0U, 1U, 2U, 3U}) {
        Settings settings = mode("messages");
        settings.rides = rides;
        const std::string name = fmt::format("ours, `messages`, {} rides", rides);
        print_echo(name.c_str(), run_echo(settings, answering(settings), echo_line, seeds));
    }
    fmt::print("\n");
}

void print_video(const char* network, const char* name, const std::vector<VideoFigures>& all) {
    using F = VideoFigures;
    const auto median = [&all](double F::* figure) { return spread(all, figure).median; };
    fmt::print(
        "| {} | {} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.0f} | {:.3f} | {:.2f} | {:.2f} | {:.0f} |\n",
        network, name, median(&F::p50), median(&F::p95), median(&F::p99), median(&F::largest),
        spread(all, &F::largest).worst, median(&F::overhead), median(&F::needless) * 100,
        median(&F::within_600) * 100, median(&F::queue_p95));
    static_cast<void>(std::fflush(stdout));
}

std::vector<VideoFigures> run_pair(const Trial& first, std::size_t seeds, double seconds) {
    std::vector<VideoFigures> all;
    for (Trial trial = first; trial.seed < first.seed + seeds; ++trial.seed) {
        all.push_back(video(trial, {.seconds = seconds}));
    }
    return all;
}

void video_heading() {
    fmt::print(
        "| network | sender | p50 | p95 | p99 | largest | worst seed | bytes | needless % | in 600 ms % | "
        "queue p95 |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
}

void video_table(std::size_t seeds, double seconds) {
    video_heading();
    for (const VideoRow& row : video_rows) {
        const Settings turbo = turbo_for_video();
        print_video(row.name, "reference, turbo",
                    run_pair({.near = turbo, .far = turbo, .line = row.line}, seeds, seconds));
        print_video(row.name, "ours", run(row, seeds, seconds));
        if (row.line.bytes_per_second == 0) {
            const Settings plain = mode("video").for_plain_peer();
            print_video(row.name, "ours to a plain peer",
                        run_pair({.near = plain, .far = turbo, .line = row.line}, seeds, seconds));
        }
    }
    for (const VideoRow& row : parity_rows) {
        print_video(row.name, "ours", run(row, seeds / 2 + 1, seconds));
    }
    fmt::print("\n");
}

/// Networks that are not in the table, and those of the table with other seeds.
void table_of_others(std::size_t seeds, double seconds) {
    constexpr std::uint64_t first_seed = 1'000'001;
    const VideoRow others[] = {
        {"3 %, 15 to 40 ms", "video", {.delay_min = 15ms, .delay_max = 40ms, .loss = 0.03}},
        {"7 %, 80 to 120 ms", "video", {.delay_min = 80ms, .delay_max = 120ms, .loss = 0.07}},
        {"15 %, 30 ms", "video", {.delay_min = 30ms, .delay_max = 30ms, .loss = 0.15}},
        {"2 %, 150 ms", "video", {.delay_min = 150ms, .delay_max = 150ms, .loss = 0.02}},
        {"3 %, bursts of 8", "video", {.loss = 0.03, .burst = 8}},
        {"2 %, reordering, 10 to 90 ms",
         "video",
         {.delay_min = 10ms, .delay_max = 90ms, .in_order = false, .loss = 0.02}},
        {"2.5 Mbit/s, 32 kB queue", "video", {.bytes_per_second = 2.5e6 / 8, .queue = 32'000}},
        {"2.5 Mbit/s, 96 kB queue, 2 %",
         "video",
         {.loss = 0.02, .bytes_per_second = 2.5e6 / 8, .queue = 96'000}},
        {"3.5 Mbit/s, 48 kB queue, 10 ms",
         "video",
         {.delay_min = 10ms, .delay_max = 10ms, .bytes_per_second = 3.5e6 / 8, .queue = 48'000}},
        {"4 Mbit/s, 128 kB queue, 3 %",
         "video",
         {.loss = 0.03, .bytes_per_second = 4e6 / 8, .queue = 128'000}},
        {"6 Mbit/s, 32 kB queue, 1 %", "video", {.loss = 0.01, .bytes_per_second = 6e6 / 8, .queue = 32'000}},
    };
    video_heading();
    const Settings turbo = turbo_for_video();
    for (const VideoRow& row : others) {
        print_video(row.name, "reference, turbo",
                    run_pair({turbo, turbo, row.line, first_seed}, seeds, seconds));
        print_video(row.name, "ours",
                    run_pair({mode(row.mode), mode(row.mode), row.line, first_seed}, seeds, seconds));
    }
    for (const VideoRow& row : video_rows) {
        print_video(row.name, "ours, other seeds",
                    run_pair({mode(row.mode), mode(row.mode), row.line, first_seed}, seeds, seconds));
    }
}

/// F14 over such a time. Whether all of it held.
bool loss_table(double seconds) {
    fmt::print(
        "| round trip ms | loss each way | outages | in time % | promised % | p50 | p99 | largest | bytes |\n"
        "|---|---|---|---|---|---|---|---|---|\n");
    bool held = true;
    for (const LossRow& row : loss_rows()) {
        const VideoFigures got = run(row, 1, seconds);
        held = held && got.in_time >= row.in_time_min() && got.overhead <= row.overhead_max();
        fmt::print("| {} | {:.0f} % | {} | {:.3f} | {:.1f} in {} ms | {:.0f} | {:.0f} | {:.0f} | {:.3f} |\n",
                   row.round_trip / 1ms, row.loss * 100, row.outage > 0ns ? "200 ms each 5 s" : "",
                   got.in_time * 100, row.in_time_min() * 100, row.limit() / 1ms, got.p50, got.p99,
                   got.largest, got.overhead);
        static_cast<void>(std::fflush(stdout));
    }
    return held;
}

/// Processor time of both ends for each datagram, the simulated path included.
void cost(const char* name, const VideoRow& row) {
    constexpr double seconds = 600;
    const Settings settings = mode(row.mode);
    const std::clock_t began = std::clock();
    const VideoFigures figures = video(
        {.near = settings, .far = settings, .line = row.line, .parity = row.parity}, {.seconds = seconds});
    const double took = static_cast<double>(std::clock() - began) * 1e6 / CLOCKS_PER_SEC;
    const double payload = 2e6 / 8 * seconds;
    fmt::print("| {} | {:.2f} | {:.2f} |\n", name, took / (payload * figures.overhead / 1'400),
               took / seconds / 1e4);
}

}   // namespace

int main(int count, char** words) {
    if (count == 2 && std::string_view{words[1]} == "hour") {
        return loss_table(3'600) ? 0 : 1;
    }
    if (count > 1 && std::string_view{words[1]} == "shares") {
        session::print_shares(count > 2 ? std::strtoul(words[2], nullptr, 10) : 20);
        return 0;
    }
    const bool others = count > 1 && std::string_view{words[1]} == "others";
    const int first = others ? 2 : 1;
    const std::size_t seeds = count > first ? std::strtoul(words[first], nullptr, 10) : 500;
    const double seconds = count > first + 1 ? std::strtod(words[first + 1], nullptr) : 60;
    if (others) {
        table_of_others(seeds, seconds);
        return 0;
    }
    echo_table(seeds);
    video_table(seeds, seconds);
    fmt::print(
        "| CPU of both ends and the simulated path | µs for 1,400 bytes on the wire | % of a core for "
        "2 Mbit/s |\n|---|---|---|\n");
    cost("no loss", video_rows[0]);
    cost("5 %", video_rows[3]);
    cost("5 %, parity 25 %", parity_rows[2]);
    fmt::print(
        "\n| a server's secure links of 2 Mbit/s, without sockets | µs a datagram | % of a core | Mbit/s "
        "that "
        "came |\n|---|---|---|---|\n");
    link::print_cost_of_links(200, 0, 10);
    link::print_cost_of_links(200, 0.05, 10);
    return 0;
}
