#pragma once

#include "base/time.hpp"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <utility>

namespace millrace::archive {

/// When this node did what with a fragment; nothing: it did not, or that was long ago.
struct FragmentSteps {
    std::optional<WallTime> received{};   ///< the last byte came by an uplink
    std::optional<WallTime> stored{};     ///< it is on the disk for sure, and in the index
    std::optional<WallTime> sent{};       ///< the last byte left by an uplink
    std::optional<WallTime> served{};     ///< first, to a player
};

/// The steps of the newest fragments, in memory: a start begins with none. One owner.
class FragmentTimes {
public:
    static constexpr std::size_t kept_max = 16'384;
    using Step = std::optional<WallTime> FragmentSteps::*;

    /// The first time counts.
    void note(std::uint64_t file, std::uint64_t place, Step step, WallTime at) {
        const auto [found, is_new] = steps_.try_emplace({file, place});
        if (is_new) {
            order_.push_back(found->first);
        }
        std::optional<WallTime>& when = found->second.*step;
        when = when.value_or(at);
        if (order_.size() > kept_max) {
            steps_.erase(order_.front());
            order_.pop_front();
        }
    }
    FragmentSteps of(std::uint64_t file, std::uint64_t place) const {
        const auto found = steps_.find({file, place});
        return found == steps_.end() ? FragmentSteps{} : found->second;
    }

private:
    using Key = std::pair<std::uint64_t, std::uint64_t>;

    std::map<Key, FragmentSteps> steps_;
    std::deque<Key> order_;
};

}   // namespace millrace::archive
