#pragma once

#include "base/mutex.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <unordered_map>

namespace millrace::hub {

/// The number of each stream's newest segment, also of streams that are gone: a later run numbers its own
/// behind it, whatever the clock says then. Any thread.
class LastNumbers {
public:
    static constexpr std::size_t names_max = 10'000;   ///< beyond it one of them is forgotten

    void note(const std::string& stream, std::uint64_t number) {
        const MutexLock lock{mutex_};
        if (numbers_.size() >= names_max && !numbers_.contains(stream)) {
            numbers_.erase(numbers_.begin());
        }
        std::uint64_t& last = numbers_[stream];
        last = number > last ? number : last;
    }
    std::optional<std::uint64_t> of(const std::string& stream) const {
        const MutexLock lock{mutex_};
        const auto found = numbers_.find(stream);
        return found == numbers_.end() ? std::nullopt : std::optional{found->second};
    }

private:
    mutable Mutex mutex_;
    std::unordered_map<std::string, std::uint64_t> numbers_ MILLRACE_GUARDED_BY(mutex_);
};

}   // namespace millrace::hub
