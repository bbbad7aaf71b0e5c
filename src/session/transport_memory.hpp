#pragma once

#include <functional>
#include <set>
#include <string_view>

namespace millrace::session {

/// Which sources gave nothing by UDP, so that their next begin need not find it out again. One a desk, own
/// thread only. What is forgotten, or confused with another, costs a few seconds.
class TransportMemory {
public:
    static constexpr std::size_t kept_max = 4096;

    bool knows(std::string_view source) const { return sources_.contains(hash_of(source)); }
    void remember(std::string_view source) {
        if (sources_.size() >= kept_max) {
            sources_.clear();
        }
        sources_.insert(hash_of(source));
    }
    void forget(std::string_view source) { sources_.erase(hash_of(source)); }

private:
    static std::size_t hash_of(std::string_view source) { return std::hash<std::string_view>{}(source); }

    std::set<std::size_t> sources_;
};

}   // namespace millrace::session
