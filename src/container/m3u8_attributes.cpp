#include "container/m3u8_attributes.hpp"

#include "container/m3u8_playlist.hpp"

#include <algorithm>
#include <charconv>

namespace millrace::hls {

namespace {

bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

/// The number in exactly these digits of the front, which are then gone; -1 if they are none.
std::int64_t take_number(std::string_view& text, std::size_t digits) {
    if (text.size() < digits || !std::ranges::all_of(text.substr(0, digits), is_digit)) {
        return -1;
    }
    std::int64_t value = 0;
    for (const char c : text.substr(0, digits)) {
        value = value * 10 + (c - '0');
    }
    text.remove_prefix(digits);
    return value;
}

bool take(std::string_view& text, char c) {
    if (!text.starts_with(c)) {
        return false;
    }
    text.remove_prefix(1);
    return true;
}

/// The first nine decimals after a point, in nanoseconds; the rest must be digits, too.
Result<std::int64_t> read_decimals(std::string_view text) {
    if (text.empty() || !std::ranges::all_of(text, is_digit)) {
        return fail(Errc::malformed, "a decimal fraction has no digits after its point");
    }
    std::int64_t value = 0;
    for (std::size_t i = 0; i < 9; ++i) {
        value = value * 10 + (i < text.size() ? text[i] - '0' : 0);
    }
    return value;
}

/// Microseconds after the whole second: ".123", or nothing.
Result<std::int64_t> take_fraction(std::string_view& text) {
    if (!take(text, '.') && !take(text, ',')) {
        return 0;
    }
    const auto end = std::ranges::find_if_not(text, is_digit);
    const auto count = static_cast<std::size_t>(end - text.begin());
    const Result<std::int64_t> nanoseconds = read_decimals(text.substr(0, count));
    if (!nanoseconds) {
        return std::unexpected(nanoseconds.error());
    }
    text.remove_prefix(count);
    return *nanoseconds / 1000;
}

/// Seconds that the zone is ahead of UTC; all of `text`.
Result<std::int64_t> read_zone(std::string_view text) {
    if (text == "Z") {
        return 0;
    }
    const bool west = text.starts_with('-');
    if (!take(text, '+') && !take(text, '-')) {
        return fail(Errc::malformed, "a date has no time zone");
    }
    const std::int64_t hours = take_number(text, 2);
    take(text, ':');
    const std::int64_t minutes = text.empty() ? 0 : take_number(text, 2);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 || !text.empty()) {
        return fail(Errc::malformed, "a date has a time zone nobody knows");
    }
    const std::int64_t ahead = hours * 3600 + minutes * 60;
    return west ? -ahead : ahead;
}

}   // namespace

Result<std::uint64_t> read_integer(std::string_view text) {
    constexpr std::size_t digits_max = 20;
    if (text.empty() || text.size() > digits_max || !std::ranges::all_of(text, is_digit)) {
        return fail(Errc::malformed, "a number is not one to twenty digits");
    }
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{}) {
        return fail(Errc::malformed, "a number is larger than 64 bits");
    }
    return value;
}

Result<Duration> read_seconds(std::string_view text) {
    const std::size_t point = text.find('.');
    const Result<std::uint64_t> whole = read_integer(text.substr(0, point));
    if (!whole) {
        return fail(Errc::malformed, "a duration is not a number of seconds");
    }
    if (*whole > static_cast<std::uint64_t>(PlaylistLimits::seconds_max)) {
        return fail(Errc::exhausted, "a duration is longer than a million seconds");
    }
    Duration duration = std::chrono::seconds{*whole};
    if (point != std::string_view::npos) {
        const Result<std::int64_t> decimals = read_decimals(text.substr(point + 1));
        if (!decimals) {
            return std::unexpected(decimals.error());
        }
        duration += Duration{*decimals};
    }
    return duration;
}

Result<WallTime> read_date_time(std::string_view text) {
    const std::int64_t year = take_number(text, 4);
    const bool dashed = take(text, '-');
    const std::int64_t month = take_number(text, 2);
    const bool dashed_again = take(text, '-') == dashed;
    const std::int64_t day = take_number(text, 2);
    const bool parted = take(text, 'T') || take(text, ' ');
    const std::int64_t hour = take_number(text, 2);
    take(text, ':');
    const std::int64_t minute = take_number(text, 2);
    take(text, ':');
    const std::int64_t second = take_number(text, 2);
    const std::chrono::year_month_day date{std::chrono::year{static_cast<int>(year)},
                                           std::chrono::month{static_cast<unsigned>(month)},
                                           std::chrono::day{static_cast<unsigned>(day)}};
    // The zone may move it by a day: the outermost years have no such day.
    const bool numbers =
        year > 0 && year < 9999 && month >= 0 && day >= 0 && hour >= 0 && minute >= 0 && second >= 0;
    // A leap second is written as 60.
    if (!numbers || !dashed_again || !parted || !date.ok() || hour > 23 || minute > 59 || second > 60) {
        return fail(Errc::malformed, "a date is not one of ISO 8601");
    }
    const Result<std::int64_t> fraction = take_fraction(text);
    const Result<std::int64_t> zone = fraction ? read_zone(text) : fraction;
    if (!zone) {
        return std::unexpected(zone.error());
    }
    const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
    const std::int64_t seconds = ((days * 24 + hour) * 60 + minute) * 60 + second - *zone;
    return WallTime{seconds * 1'000'000 + *fraction};
}

Result<AttributeList> AttributeList::read(std::string_view text) {
    AttributeList list;
    while (!text.empty()) {
        const std::size_t equals = text.find('=');
        if (equals == std::string_view::npos) {
            return fail(Errc::malformed, "an attribute has no value");
        }
        Attribute attribute{.name = text.substr(0, equals)};
        text.remove_prefix(equals + 1);
        attribute.in_quotes = take(text, '"');
        const std::size_t end = text.find(attribute.in_quotes ? '"' : ',');
        if (attribute.in_quotes && end == std::string_view::npos) {
            return fail(Errc::malformed, "a quoted attribute has no end");
        }
        attribute.value = text.substr(0, end);
        text.remove_prefix(attribute.value.size() + (attribute.in_quotes ? 1 : 0));
        if (!text.empty() && (!take(text, ',') || text.empty())) {
            return fail(Errc::malformed, "attributes are not parted by single commas");
        }
        if (const Result<> added = list.add(attribute); !added) {
            return std::unexpected(added.error());
        }
    }
    return list;
}

Result<> AttributeList::add(Attribute attribute) {
    const auto may_name = [](char c) { return (c >= 'A' && c <= 'Z') || is_digit(c) || c == '-'; };
    if (attribute.name.empty() || !std::ranges::all_of(attribute.name, may_name)) {
        return fail(Errc::malformed, "an attribute's name is not of A-Z, 0-9 and -");
    }
    const bool blank =
        attribute.value.empty() || attribute.value.find_first_of(" \"") != std::string_view::npos;
    if (!attribute.in_quotes && blank) {
        return fail(Errc::malformed, "an attribute has an empty value, a space or a quotation mark");
    }
    if (attributes_.size() == PlaylistLimits::attributes_max) {
        return fail(Errc::exhausted, "a tag has more than 64 attributes");
    }
    if (std::ranges::find(attributes_, attribute.name, &Attribute::name) != attributes_.end()) {
        return fail(Errc::malformed, "an attribute is there twice");   // §4.2: at most once
    }
    attributes_.push_back(attribute);
    return {};
}

std::string_view AttributeList::find(std::string_view name, bool in_quotes) const {
    const auto found = std::ranges::find(attributes_, name, &Attribute::name);
    return found != attributes_.end() && found->in_quotes == in_quotes ? found->value : std::string_view{};
}

}   // namespace millrace::hls
