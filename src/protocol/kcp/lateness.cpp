#include "protocol/kcp/lateness.hpp"

#include <algorithm>

namespace millrace::kcp {

namespace {
constexpr std::uint32_t samples_min = 48;   // fewer say nothing
constexpr unsigned samples_between = 16;
/// Of a gap that seems late, one in so many losses may turn out to have been only late.
constexpr double losses_to_one_mistake = 3.5;
constexpr double margin = 1.12;   // beyond the largest seen
}   // namespace

void Lateness::add(Duration late) {
    const auto ms = static_cast<std::size_t>(std::max<std::int64_t>((late + 999'999ns) / 1ms, 0));
    const std::size_t bucket = std::min(ms, longest_ms);
    ++counts_[bucket];
    ++total_;
    ++fresh_;
    largest_ = std::max(largest_, bucket);
    if (total_ >= samples_max) {
        total_ = 0;
        largest_ = 0;
        for (std::size_t i = 0; i < counts_.size(); ++i) {
            counts_[i] /= 2;
            total_ += counts_[i];
            largest_ = counts_[i] != 0 ? i : largest_;
        }
    }
}

Duration Lateness::window(double loss) {
    if (fresh_ < samples_between) {
        return window_;
    }
    fresh_ = 0;
    auto longest = static_cast<double>(largest_);
    double beyond = 0;
    const double allowed = static_cast<double>(total_) * loss / losses_to_one_mistake;
    std::size_t bucket = largest_;
    while (bucket > 0 && beyond + counts_[bucket] <= allowed) {
        beyond += counts_[bucket];
        --bucket;
    }
    longest = bucket == largest_ ? longest * margin : static_cast<double>(bucket);
    window_ = Duration{static_cast<std::int64_t>(longest * 1e6)};
    if (total_ < samples_min) {
        window_ = std::max(window_, at_first);
    }
    return window_;
}

}   // namespace millrace::kcp
