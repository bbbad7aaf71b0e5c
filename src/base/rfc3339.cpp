#include "base/rfc3339.hpp"

#include <fmt/format.h>

#include <chrono>

namespace millrace {

std::string rfc3339(WallTime at) {
    using std::chrono::floor;
    const std::chrono::sys_time<std::chrono::microseconds> moment{std::chrono::microseconds{at.microseconds}};
    const auto day = floor<std::chrono::days>(moment);
    const std::chrono::year_month_day date{day};
    const std::chrono::hh_mm_ss time{floor<std::chrono::milliseconds>(moment) - day};
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:03}Z", static_cast<int>(date.year()),
                       static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                       time.hours().count(), time.minutes().count(), time.seconds().count(),
                       time.subseconds().count());
}

}   // namespace millrace
