#include "apps/loadgen/figures.hpp"

#include <algorithm>
#include <cstdio>

namespace millrace::loadgen {

Duration seconds(double number) {
    return Duration{static_cast<std::int64_t>(number * 1e9)};
}

double milliseconds(Duration duration) {
    return std::chrono::duration<double, std::milli>{duration}.count();
}

void say(std::string_view line) {
    fmt::print("{}\n", line);
    std::fflush(stdout);
}

double quantile(const std::vector<double>& sorted, double share) {
    if (sorted.empty()) {
        return 0;
    }
    const auto place = static_cast<std::size_t>(share * static_cast<double>(sorted.size()));
    return sorted[std::min(place, sorted.size() - 1)];
}

std::string quantiles(std::vector<double> numbers) {
    std::ranges::sort(numbers);
    return fmt::format(R"({{"p50": {:.2f}, "p99": {:.2f}, "p99.9": {:.2f}, "max": {:.2f}}})",
                       quantile(numbers, 0.5), quantile(numbers, 0.99), quantile(numbers, 0.999),
                       quantile(numbers, 1));
}

}   // namespace millrace::loadgen
