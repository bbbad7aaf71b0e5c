#include "protocol/rtp/sender_clock.hpp"

#include "media/capture_sei.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <cstdlib>

namespace millrace::rtp {

namespace {

constexpr std::int64_t slew_us = SenderClock::slew_time / 1us;
constexpr std::int64_t step_us = SenderClock::step_min / 1us;

}   // namespace

std::int64_t SenderClock::microseconds_since_anchor(std::int64_t timestamp) const {
    return media::rescale_nearest(timestamp - anchor_, clock_rate_, 1'000'000);
}

std::optional<std::int64_t> SenderClock::at(std::int64_t timestamp) const {
    if (!known_) {
        return std::nullopt;
    }
    const std::int64_t since = microseconds_since_anchor(timestamp);
    const std::int64_t bent = std::clamp<std::int64_t>(since, 0, slew_us);
    return anchor_utc_ + since + bend_ * bent / slew_us;
}

void SenderClock::report(NtpTime ntp, std::int64_t timestamp) {
    const std::int64_t said = utc_of(ntp).microseconds;
    const std::int64_t believed = at(timestamp).value_or(said);
    const std::int64_t error = said - believed;
    const bool steps = std::abs(error) > step_us;
    steps_ += known_ && steps ? 1 : 0;
    anchor_ = timestamp;
    anchor_utc_ = steps ? said : believed;
    bend_ = steps ? 0 : error;
    known_ = true;
}

std::optional<WallTime> SenderClock::utc(std::int64_t timestamp) const {
    const std::optional<std::int64_t> time = at(timestamp);
    const bool ours =
        time && *time >= media::capture_utc_min.microseconds && *time <= media::capture_utc_max.microseconds;
    return ours ? std::optional{WallTime{*time}} : std::nullopt;
}

}   // namespace millrace::rtp
