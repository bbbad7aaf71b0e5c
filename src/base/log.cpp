#include "base/log.hpp"

#include "base/date_time.hpp"
#include "base/secret.hpp"
#include "base/web.hpp"

#include <fmt/format.h>
#include <time.h>
#include <unistd.h>

#include <atomic>

namespace millrace::log {

namespace {

constexpr std::size_t line_size_max = 512;
constexpr std::uint32_t lines_per_second_max = 100;

std::atomic<Level> lowest_level{Level::info};
std::atomic<Format> line_format{Format::text};
std::atomic<Tap*> line_tap{nullptr};
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

std::string_view name(Level level) {
    switch (level) {
        case Level::debug: return "debug";
        case Level::info: return "info";
        case Level::warning: return "warning";
        case Level::error: return "error";
    }
    return "error";
}

void set_format(Format format) {
    line_format = format;
}

void set_tap(Tap* tap) {
    line_tap = tap;
}

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

std::string line_of(const Line& line, Format format) {
    if (format == Format::text) {
        std::string text = fmt::format("{} {} {}: {}", line.time, letter(line.level), line.who,
                                       escaped(line.text, line_size_max));
        text.resize(std::min(text.size(), line_size_max - 1));
        return text + '\n';
    }
    std::string_view kept = line.text.substr(0, line_size_max);
    for (;;) {
        std::string text = fmt::format(R"({{"time":"{}","level":"{}","who":"{}","text":{}}})", line.time,
                                       name(line.level), line.who, web::json_quoted(kept));
        if (text.size() < line_size_max || kept.empty()) {
            return text + '\n';
        }
        // An escape is up to six bytes of one.
        kept.remove_suffix(std::min(kept.size(), (text.size() - line_size_max) / 6 + 1));
        // Never within a character (RFC 3629 §3).
        while (!kept.empty() && (static_cast<unsigned char>(kept.back()) & 0xC0U) == 0x80U) {
            kept.remove_suffix(1);
        }
        if (!kept.empty() && static_cast<unsigned char>(kept.back()) >= 0xC0U) {
            kept.remove_suffix(1);
        }
    }
}

void write(Level level, std::string_view who, std::string_view text) {
    if (!enabled(level)) {
        return;
    }
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    std::uint32_t suppressed = 0;
    const bool admitted = admit(now.tv_sec, suppressed);
    const std::string time = date_time_text({now.tv_sec * 1'000'000 + now.tv_nsec / 1000});
    const Format format = line_format.load(std::memory_order_relaxed);
    std::string out;
    if (suppressed > 0) {
        out = line_of({time, Level::warning, "log", fmt::format("suppressed {} lines", suppressed)}, format);
    }
    if (admitted) {
        const std::string shown = masked(text);
        out += line_of({time, level, who, shown}, format);
        if (Tap* const tap = line_tap.load(std::memory_order_acquire); tap != nullptr) {
            tap->on_line(level, who, shown);
        }
    }
    // One write, so that lines of several threads never mix.
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, out.data(), out.size());
}

}   // namespace millrace::log
