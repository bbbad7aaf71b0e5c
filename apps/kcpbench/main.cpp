#include "apps/kcpbench/links.hpp"
#include "protocol/kcp/rows_for_tests.hpp"

#include <fmt/core.h>

#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

// KCP on virtual time, as Markdown: kcpbench [SEEDS [SECONDS]] prints the table of docs/guide/kcp.md, then
// what a datagram costs in processor time. kcpbench hour: F14 for an hour of each of its paths; it
// fails if one of them does not hold.

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
    for (Trial trial = first; trial.seed <= seeds; ++trial.seed) {
        all.push_back(video(trial, {.seconds = seconds}));
    }
    return all;
}

void video_table(std::size_t seeds, double seconds) {
    fmt::print(
        "| network | sender | p50 | p95 | p99 | largest | worst seed | bytes | needless % | in 600 ms % | "
        "queue p95 |\n|---|---|---|---|---|---|---|---|---|---|---|\n");
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
    const std::size_t seeds = count > 1 ? std::strtoul(words[1], nullptr, 10) : 500;
    const double seconds = count > 2 ? std::strtod(words[2], nullptr) : 60;
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
