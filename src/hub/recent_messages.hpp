#pragma once

#include "media/timed_message.hpp"

#include <deque>
#include <optional>

namespace millrace::hub {

/// What was said of an uplinked stream's newest pictures, as it came live: its archive's link need not carry
/// it again. One owner.
class RecentMessages {
public:
    static constexpr std::int64_t kept_us = 10'000'000;
    static constexpr std::size_t bytes_max = 4U << 20U;
    static constexpr std::size_t count_max = 2'048;

    /// `us` is the media time of the newest unit that came before it.
    void take(media::TimedMessage message, std::int64_t us);
    /// The one with that `media::key_of`; nothing: it did not come, or is forgotten.
    std::optional<media::TimedMessage> find(std::uint64_t key) const;
    /// Nothing that came before that is asked for again.
    void forget_before(std::int64_t us);
    std::size_t bytes() const { return bytes_; }

private:
    struct Arrival {
        std::uint64_t key = 0;
        std::int64_t us = 0;
        media::TimedMessage message;
    };
    void forget_oldest();

    std::deque<Arrival> order_;   // as they came
    std::size_t bytes_ = 0;
};

}   // namespace millrace::hub
