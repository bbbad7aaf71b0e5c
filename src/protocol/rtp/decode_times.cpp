#include "protocol/rtp/decode_times.hpp"

#include <algorithm>

namespace millrace::rtp {

std::int64_t DecodeTimes::next(std::int64_t pts, std::size_t depth, std::int64_t step) {
    if (!shown_.empty() && pts < last_ - reordered_max) {
        shown_.clear();
    }
    if (!shown_.empty() && pts < last_) {
        found_depth_ = std::min(found_depth_ + 1, depth_max);
    }
    depth = std::min(std::max(depth, found_depth_), depth_max);
    if (shown_.empty()) {
        for (std::size_t i = depth; i != 0; --i) {
            shown_.push_back(pts - static_cast<std::int64_t>(i) * step);
        }
        last_ = shown_.empty() ? pts : shown_.front();
    }
    shown_.insert(std::ranges::upper_bound(shown_, pts), pts);
    if (shown_.size() > depth + 1) {
        shown_.erase(shown_.begin(), shown_.end() - static_cast<std::ptrdiff_t>(depth + 1));
    }
    // Where the depth grew, times of decoding stand still until those of showing have caught up.
    last_ = std::min(pts, std::max(last_, shown_.front()));
    return last_;
}

}   // namespace millrace::rtp
