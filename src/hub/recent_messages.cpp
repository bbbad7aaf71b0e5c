#include "hub/recent_messages.hpp"

#include <algorithm>

namespace millrace::hub {

void RecentMessages::forget_oldest() {
    bytes_ -= order_.front().message.body.size();
    order_.pop_front();
}

void RecentMessages::take(media::TimedMessage message, std::int64_t us) {
    if (!order_.empty() && us + kept_us < order_.back().us) {
        // Time began anew: what is here is of another beginning.
        order_.clear();
        bytes_ = 0;
    }
    bytes_ += message.body.size();
    const std::uint64_t key = media::key_of(message);
    order_.push_back({key, us, std::move(message)});
    while (order_.front().us + kept_us < us || bytes_ > bytes_max || order_.size() > count_max) {
        forget_oldest();
    }
}

std::optional<media::TimedMessage> RecentMessages::find(std::uint64_t key) const {
    const auto found = std::ranges::find(order_, key, &Arrival::key);
    return found == order_.end() ? std::nullopt : std::optional{found->message};
}

void RecentMessages::forget_before(std::int64_t us) {
    while (!order_.empty() && order_.front().us < us) {
        forget_oldest();
    }
}

}   // namespace millrace::hub
