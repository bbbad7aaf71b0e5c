#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <optional>
#include <string>

namespace millrace::hub {

/// What a conversation has moved so far.
struct Flow {
    std::uint64_t bytes = 0;           ///< in for a publisher, out for a viewer
    std::uint64_t bytes_skipped = 0;   ///< what a viewer was not sent because its link was too slow
    std::uint64_t skips = 0;
};

/// How fast a conversation goes, out of a look at its counters now and then: over the last one to two
/// windows. Owned by the conversation's entry.
class Pace {
public:
    static constexpr Duration window = 10s;

    explicit Pace(Instant began) : before_{.at = began}, last_{.at = began} {}

    /// Looks again; once a window.
    void look(const Flow& flow, Instant now);
    double bits_per_second(const Flow& flow, Instant now) const;
    /// Whether the link fell behind of late.
    bool slow() const { return slow_; }
    /// What is wrong with the link, as of the last look; empty: nothing.
    std::string verdict() const;

private:
    struct Look {
        Flow flow;
        Instant at;
    };
    Look before_;
    Look last_;
    float took_bps_ = 0;
    float needed_bps_ = 0;
    bool slow_ = false;
};

}   // namespace millrace::hub
