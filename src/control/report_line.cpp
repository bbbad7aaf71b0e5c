#include "control/report_line.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::control {

namespace {

constexpr std::string_view gap = "  ";

std::string bit_rate(double bits_per_second) {
    return bits_per_second < 1e6 ? fmt::format("{:.0f} kbit/s", bits_per_second / 1e3)
                                 : fmt::format("{:.2f} Mbit/s", bits_per_second / 1e6);
}

std::string size(std::uint64_t bytes) {
    const auto count = static_cast<double>(bytes);
    return count < 1e6 ? fmt::format("{:.0f} kB", count / 1e3) : fmt::format("{:.1f} MB", count / 1e6);
}

/// What comes in, or why nothing does.
std::string what_comes(const hub::StreamReport& report) {
    if (report.state != hub::StreamState::live) {
        std::string words{hub::name(report.state)};
        for (const hub::SourceStatus& source : report.sources) {
            words += source.reason.empty() ? "" : fmt::format(": {}", source.reason);
        }
        return words;
    }
    std::string words;
    for (const hub::TrackReport& one : report.tracks) {
        if (one.track.kind == media::Kind::video) {
            words += fmt::format("{:.1f} fps{}", one.units_per_second.second, gap);
        }
    }
    words += bit_rate(report.payload_bits_per_second.second);
    if (report.compression_ratio > 0) {
        words += fmt::format("{}ratio {:.0f}", gap, report.compression_ratio);
    }
    const auto sliced = std::ranges::find_if(
        report.tracks, [](const hub::TrackReport& one) { return one.slice_qp.has_value(); });
    if (sliced != report.tracks.end()) {
        const hub::SliceQpReport& qp = *sliced->slice_qp;
        words += fmt::format("{}QP {:.0f} ({}-{})", gap, qp.average, qp.min, qp.max);
    }
    return words;
}

std::string where_it_goes(const hub::ForwardReport& forward) {
    const std::chrono::duration<double, std::milli> age = forward.queue_age;
    std::string words = fmt::format("{}queue {:.0f} ms", gap, age.count());
    if (forward.bitrate_target > 0) {
        words += fmt::format(" (link: {})", bit_rate(static_cast<double>(forward.bitrate_target)));
    }
    words += fmt::format("{}sent {}{}reconnects {}{}to {}", gap, size(forward.bytes), gap,
                         forward.reconnects(), gap, forward.to);
    if (forward.state != hub::ForwardState::live) {
        words += fmt::format(": {}{}{}", hub::name(forward.state), forward.reason.empty() ? "" : ", ",
                             forward.reason);
    }
    return words;
}

}   // namespace

std::string report_line(const hub::StreamReport& report, const Audience& audience) {
    std::string line = what_comes(report);
    for (const hub::ForwardReport& forward : audience.forwards) {
        line += where_it_goes(forward);
    }
    if (audience.forwards.empty()) {
        std::size_t viewers = 0;
        for (const auto& [protocol, count] : audience.viewers) {
            viewers += count;
        }
        line += fmt::format("{}{} {}", gap, viewers, viewers == 1 ? "viewer" : "viewers");
    }
    return line;
}

}   // namespace millrace::control
