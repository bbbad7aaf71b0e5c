#include "hub/pace.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace millrace::hub {

namespace {

double rate(std::uint64_t bytes, Duration span) {
    const double seconds = std::chrono::duration<double>(std::max<Duration>(span, 1s)).count();
    return static_cast<double>(bytes) * 8 / seconds;
}

}   // namespace

void Pace::look(const Flow& flow, Instant now) {
    slow_ = flow.skips > before_.flow.skips;
    const std::uint64_t took = flow.bytes - before_.flow.bytes;
    took_bps_ = static_cast<float>(rate(took, now - before_.at));
    needed_bps_ =
        static_cast<float>(rate(took + flow.bytes_skipped - before_.flow.bytes_skipped, now - before_.at));
    before_ = std::exchange(last_, Look{flow, now});
}

double Pace::bits_per_second(const Flow& flow, Instant now) const {
    return rate(flow.bytes - before_.flow.bytes, now - before_.at);
}

std::string Pace::verdict() const {
    if (!slow_) {
        return {};
    }
    return fmt::format(
        "This viewer's link takes {:.1f} of {:.1f} Mbit/s: skipped {} {}. "
        "It needs a faster link, or a stream of fewer bits.",
        took_bps_ / 1e6F, needed_bps_ / 1e6F, last_.flow.skips, last_.flow.skips == 1 ? "time" : "times");
}

}   // namespace millrace::hub
