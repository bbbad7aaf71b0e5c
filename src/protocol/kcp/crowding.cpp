#include "protocol/kcp/crowding.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace millrace::kcp {

namespace {
double seconds(Duration duration) {
    return std::chrono::duration<double>{duration}.count();
}
}   // namespace

void Crowding::add(Duration round_trip, Instant now) {
    if (now - began_ >= span) {
        before_ = std::exchange(current_, {});
        began_ = now;
    }
    current_.add(seconds(round_trip));
}

void Crowding::lose(Duration round_trip, Duration smoothed, Instant now) {
    if (before_.count < round_trips_min || now - lost_at_ < smoothed) {
        return;
    }
    const double count = current_.count + before_.count;
    const double mean = (current_.trips + before_.trips) / count;
    const double varies = (current_.squares + before_.squares) / count - mean * mean;
    const double deviation = std::max(std::sqrt(std::max(varies, 0.0)), deviation_least);
    const double fade = fades(now);
    losses_ = losses_ * fade + 1;
    longer_ = longer_ * fade + std::clamp((seconds(round_trip) - mean) / deviation, -3.0, 3.0);
    lost_at_ = now;
}

double Crowding::fades(Instant now) const {
    return std::exp(-seconds(now - lost_at_) / seconds(forgets_in));
}

bool Crowding::found(Instant now) const {
    const double fade = fades(now);
    return losses_ * fade >= losses_min && longer_ * fade >= deviations_min * std::sqrt(losses_ * fade);
}

}   // namespace millrace::kcp
