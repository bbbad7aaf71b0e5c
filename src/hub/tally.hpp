#pragma once

#include "base/result.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string_view>
#include <utility>
#include <vector>

namespace millrace::hub {

/// One count of refused or broken conversations.
struct TallyRow {
    std::string_view protocol;
    Errc reason;
    std::uint64_t count = 0;
};

/// Conversations of one worker that were refused or broke, by protocol and reason, since the start. As many
/// rows as there are pairs of both. Own thread only.
class Tally {
public:
    /// `protocol` is a literal.
    void count(std::string_view protocol, Errc reason) { ++counts_[{protocol, reason}]; }
    /// An answer of HTTP, by the class of its status.
    void count_answer(int status) {
        ++answers_.at(std::clamp<std::size_t>(static_cast<std::size_t>(status) / 100, 1, answers_.size()) -
                      1);
    }
    /// Answers of HTTP: 1xx, 2xx, 3xx, 4xx, 5xx.
    const std::array<std::uint64_t, 5>& answers() const { return answers_; }
    std::vector<TallyRow> rows() const {
        std::vector<TallyRow> rows;
        for (const auto& [key, count] : counts_) {
            rows.push_back({key.first, key.second, count});
        }
        return rows;
    }

private:
    std::map<std::pair<std::string_view, Errc>, std::uint64_t> counts_;
    std::array<std::uint64_t, 5> answers_{};
};

}   // namespace millrace::hub
