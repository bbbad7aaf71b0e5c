#include "base/date_time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>

namespace millrace {

namespace {

constexpr std::int64_t microseconds_of_second = 1'000'000;

/// Takes `digits` digits off the front; -1 where there are fewer.
int take_number(std::string_view& text, std::size_t digits) {
    int value = 0;
    if (text.size() < digits) {
        text = {};
        return -1;
    }
    for (const char c : text.substr(0, digits)) {
        if (c < '0' || c > '9') {
            return -1;
        }
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, std::string_view one_of) {
    if (text.empty() || one_of.find(text.front()) == std::string_view::npos) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// ".25": microseconds; what is finer is dropped. Nothing there is 0, a point alone is -1.
std::int64_t take_fraction(std::string_view& text) {
    if (!take(text, ".")) {
        return 0;
    }
    std::int64_t value = 0;
    const std::size_t digits = std::min(text.find_first_not_of("0123456789"), text.size());
    std::int64_t unit = microseconds_of_second / 10;
    for (const char c : text.substr(0, digits)) {
        value += (c - '0') * unit;
        unit /= 10;
    }
    text.remove_prefix(digits);
    return digits == 0 ? -1 : value;
}

/// "Z" or "+02:00", to the end of the text; in minutes east.
std::optional<int> take_offset(std::string_view text) {
    if (take(text, "Zz")) {
        return text.empty() ? std::optional{0} : std::nullopt;
    }
    const bool west = text.starts_with('-');
    const bool signed_offset = take(text, "+-");
    const int hours = take_number(text, 2);
    const bool parted = take(text, ":");
    const int minutes = take_number(text, 2);
    if (!signed_offset || !parted || hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
        !text.empty()) {
        return std::nullopt;
    }
    return (west ? -1 : 1) * (hours * 60 + minutes);
}

}   // namespace

std::optional<WallTime> parse_date_time(std::string_view text) {
    const int year = take_number(text, 4);
    const bool dashed = take(text, "-");
    const int month = take_number(text, 2);
    const bool dashed_again = take(text, "-");
    const int day = take_number(text, 2);
    const bool parted = take(text, "Tt ");
    const int hour = take_number(text, 2);
    const bool colon = take(text, ":");
    const int minute = take_number(text, 2);
    const bool colon_again = take(text, ":");
    const int second = take_number(text, 2);
    const std::int64_t fraction = take_fraction(text);
    const std::optional<int> offset = take_offset(text);
    const bool separated = dashed && dashed_again && parted && colon && colon_again;
    const bool inside = year >= 1970 && month > 0 && day > 0 && hour >= 0 && hour <= 23 && minute >= 0 &&
                        minute <= 59 && second >= 0 && second <= 60 && fraction >= 0;
    if (!separated || !inside || !offset) {
        return std::nullopt;
    }
    const std::chrono::year_month_day date{std::chrono::year{year},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    if (!date.ok()) {
        return std::nullopt;
    }
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t minutes = (days * 24 + hour) * 60 + minute - *offset;
    return WallTime{(minutes * 60 + second) * microseconds_of_second + fraction};
}

std::string date_time_text(WallTime time) {
    using std::chrono::microseconds;
    const std::chrono::sys_time<microseconds> moment{microseconds{time.microseconds}};
    const auto day = std::chrono::floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss of_day{std::chrono::floor<std::chrono::milliseconds>(moment - day)};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       of_day.hours().count(), of_day.minutes().count(), of_day.seconds().count(),
                       of_day.subseconds().count());
}

}   // namespace millrace
