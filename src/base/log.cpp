#include "base/log.hpp"

#include "base/secret.hpp"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace millrace::log {

namespace {

constexpr std::size_t line_size_max = 512;
constexpr std::uint32_t lines_per_second_max = 100;

std::atomic<Level> lowest_level{Level::info};
std::atomic<std::int64_t> current_second{0};
std::atomic<std::uint32_t> lines_in_second{0};

/// How many lines to suppress-report, or nothing if this line must not be written.
bool admit(std::int64_t second, std::uint32_t& suppressed) {
    suppressed = 0;
    std::int64_t seen = current_second.load(std::memory_order_relaxed);
    if (seen != second && current_second.compare_exchange_strong(seen, second)) {
        const std::uint32_t lines = lines_in_second.exchange(0);
        suppressed = lines > lines_per_second_max ? lines - lines_per_second_max : 0;
    }
    return lines_in_second.fetch_add(1) < lines_per_second_max;
}

std::string_view letter(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info ";
        case Level::warning: return "WARN ";
        case Level::error: return "ERROR";
    }
    return "?";
}

}   // namespace

void set_level(Level level) {
    lowest_level = level;
}

bool enabled(Level level) {
    return level >= lowest_level.load(std::memory_order_relaxed);
}

std::string escaped(std::string_view text, std::size_t limit) {
    std::string out;
    for (const char c : text.substr(0, limit)) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte < 0x20 || byte >= 0x7F || byte == '\\') {
            fmt::format_to(std::back_inserter(out), "\\x{:02x}", byte);
        } else {
            out.push_back(c);
        }
    }
    if (text.size() > limit) {
        out += "...";
    }
    return out;
}

void write(Level level, std::string_view who, std::string_view text) {
    if (!enabled(level)) {
        return;
    }
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    std::uint32_t suppressed = 0;
    const bool admitted = admit(now.tv_sec, suppressed);
    tm utc{};
    gmtime_r(&now.tv_sec, &utc);
    const std::string stamp =
        fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", utc.tm_year + 1900, utc.tm_mon + 1,
                    utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec, now.tv_nsec / 1'000'000);
    std::string out;
    if (suppressed > 0) {
        out = fmt::format("{} WARN  log: suppressed {} lines\n", stamp, suppressed);
    }
    if (admitted) {
        std::string line =
            fmt::format("{} {} {}: {}", stamp, letter(level), who, escaped(masked(text), line_size_max));
        line.resize(std::min(line.size(), line_size_max - 1));
        out += line + '\n';
    }
    // One write, so that lines of several threads never mix.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, out.data(), out.size());
}

}   // namespace millrace::log
