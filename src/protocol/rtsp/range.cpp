#include "protocol/rtsp/range.hpp"

#include "base/date_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

namespace millrace::rtsp {

namespace {

constexpr std::int64_t second_us = 1'000'000;
constexpr std::size_t clock_day_size = 8;    // YYYYMMDD
constexpr std::size_t clock_time_size = 6;   // HHMMSS

std::string_view trimmed(std::string_view text) {
    const std::size_t from = text.find_first_not_of(" \t");
    return from == std::string_view::npos ? std::string_view{}
                                          : text.substr(from, text.find_last_not_of(" \t") - from + 1);
}

std::optional<std::int64_t> digits(std::string_view text) {
    std::int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size();
    return whole && text.front() != '-' ? std::optional{value} : std::nullopt;
}

/// "7", "7.25": microseconds, finer ones dropped.
std::optional<std::int64_t> seconds(std::string_view text) {
    const std::size_t point = std::min(text.find('.'), text.size());
    const auto whole = point == 0 ? std::nullopt : digits(text.substr(0, point));
    if (!whole || *whole > Range::microseconds_max / second_us) {
        return std::nullopt;
    }
    std::int64_t value = *whole * second_us;
    std::int64_t unit = second_us / 10;
    for (const char c : text.substr(std::min(point + 1, text.size()))) {
        if (c < '0' || c > '9') {
            return std::nullopt;
        }
        value += (c - '0') * unit;
        unit /= 10;
    }
    return value;
}

/// npt-sec, or npt-hhmmss: "1:02:03.5".
std::optional<std::int64_t> npt_time(std::string_view text) {
    const std::size_t first = text.find(':');
    if (first == std::string_view::npos) {
        return seconds(text);
    }
    const std::size_t second = std::min(text.find(':', first + 1), text.size());
    const auto hours = first == 0 ? std::nullopt : digits(text.substr(0, first));
    const auto minutes =
        second <= first + 1 ? std::nullopt : digits(text.substr(first + 1, second - first - 1));
    const auto rest = seconds(text.substr(std::min(second + 1, text.size())));
    constexpr std::int64_t hours_max = Range::microseconds_max / second_us / 3'600;
    if (!hours || !minutes || !rest || *hours > hours_max || *minutes > 59 || *rest >= 60 * second_us) {
        return std::nullopt;
    }
    return (*hours * 60 + *minutes) * 60 * second_us + *rest;
}

/// utc-time: "20261120T140932.25Z".
std::optional<std::int64_t> clock_time(std::string_view text) {
    if (text.size() < clock_day_size + 1 + clock_time_size + 1 || text[clock_day_size] != 'T') {
        return std::nullopt;
    }
    const std::string_view time = text.substr(clock_day_size + 1);
    const std::optional<WallTime> moment =
        parse_date_time(fmt::format("{}-{}-{}T{}:{}:{}", text.substr(0, 4), text.substr(4, 2),
                                    text.substr(6, 2), time.substr(0, 2), time.substr(2, 2), time.substr(4)));
    return moment ? std::optional{moment->microseconds} : std::nullopt;
}

std::string clock_text(std::int64_t us) {
    std::string text = date_time_text({us});
    std::erase_if(text, [](char c) { return c == '-' || c == ':'; });
    return text;
}

std::string npt_text(std::int64_t us) {
    return fmt::format("{}.{:03}", us / second_us, us % second_us / 1'000);
}

}   // namespace

Result<Range> read_range(std::string_view text) {
    text = trimmed(text.substr(0, std::min(text.find(';'), text.size())));
    const std::size_t equals = std::min(text.find('='), text.size());
    const std::string_view unit = trimmed(text.substr(0, equals));
    if (unit != "npt" && unit != "clock") {
        return fail(Errc::unsupported, "Range is npt=10-20 or clock=20261120T140000Z-20261120T150000Z");
    }
    Range range{.unit = unit == "npt" ? Range::Unit::npt : Range::Unit::clock, .from_us = {}, .to_us = {}};
    const auto read = range.unit == Range::Unit::npt ? npt_time : clock_time;
    text = trimmed(text.substr(std::min(equals + 1, text.size())));
    const std::size_t dash = text.find('-');
    if (dash == std::string_view::npos || text.size() == 1) {
        return fail(Errc::malformed, "Range has no end, not even an open one: npt=10-");
    }
    const std::string_view from = trimmed(text.substr(0, dash));
    const std::string_view to = trimmed(text.substr(dash + 1));
    range.from_us = from.empty() || from == "now" ? std::nullopt : read(from);
    range.to_us = to.empty() ? std::nullopt : read(to);
    const bool no_time = (!from.empty() && from != "now" && !range.from_us) || (!to.empty() && !range.to_us);
    if (no_time) {
        return fail(Errc::malformed, "Range has something that is no time");
    }
    if (range.from_us && range.to_us && *range.to_us <= *range.from_us) {
        return fail(Errc::malformed, "Range ends before it begins; this is played forwards only");
    }
    return range;
}

std::string write(const Range& range) {
    const bool npt = range.unit == Range::Unit::npt;
    const auto text = [npt](std::int64_t us) { return npt ? npt_text(us) : clock_text(us); };
    return fmt::format("{}={}-{}", npt ? "npt" : "clock", range.from_us ? text(*range.from_us) : "now",
                       range.to_us ? text(*range.to_us) : "");
}

Result<Scale> read_scale(std::string_view text) {
    text = trimmed(text);
    const bool backwards = text.starts_with('-');
    text.remove_prefix(backwards || text.starts_with('+') ? 1 : 0);
    const std::optional<std::int64_t> wanted_us = seconds(text);
    if (!wanted_us) {
        return fail(Errc::malformed, "Scale is a number such as 2 or 0.5");
    }
    if (backwards || *wanted_us == 0) {
        return fail(Errc::unsupported, "this is played forwards only: Scale is 0.25 to 32");
    }
    constexpr std::array<Scale, 8> played{250, 500, 1'000, 2'000, 4'000, 8'000, 16'000, 32'000};
    const std::int64_t wanted = std::clamp<std::int64_t>(*wanted_us / 1'000, scale_min, scale_max);
    return *std::ranges::min_element(played, {}, [wanted](Scale one) { return std::abs(one - wanted); });
}

std::string write_scale(Scale scale) {
    return fmt::format("{:g}", static_cast<double>(scale) / real_time);
}

}   // namespace millrace::rtsp
