#include "hub/recent_units.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::hub {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

}   // namespace

void RecentUnits::forget_oldest() {
    const auto oldest = units_.find(order_.front().key);
    if (oldest != units_.end()) {
        bytes_ -= oldest->second->payload.size();
        units_.erase(oldest);
    }
    order_.pop_front();
}

void RecentUnits::take(media::AccessUnitRef unit) {
    const Key key{unit->track, unit->dts};
    const std::int64_t us = media::rescale(unit->dts, unit->config->timescale, microseconds);
    if (units_.contains(key) || (!order_.empty() && us + kept_us < newest_us_)) {
        // Time began anew: what is here is of another beginning.
        units_.clear();
        order_.clear();
        bytes_ = 0;
    }
    newest_us_ = order_.empty() ? us : std::max(newest_us_, us);
    bytes_ += unit->payload.size();
    units_.emplace(key, std::move(unit));
    order_.push_back({key, us});
    while (!order_.empty() &&
           (order_.front().us + kept_us < newest_us_ || bytes_ > bytes_max || order_.size() > units_max)) {
        forget_oldest();
    }
}

media::AccessUnitRef RecentUnits::find(media::TrackId track, std::int64_t dts) const {
    const auto found = units_.find({track, dts});
    return found == units_.end() ? nullptr : found->second;
}

RecentUnits::Cover RecentUnits::covers(std::int64_t begin_us, std::int64_t end_us) const {
    if (order_.empty() || order_.front().us > begin_us) {
        return Cover::no;
    }
    return newest_us_ < end_us ? Cover::not_yet : Cover::yes;
}

void RecentUnits::forget_before(std::int64_t us) {
    while (!order_.empty() && order_.front().us < us) {
        forget_oldest();
    }
}

}   // namespace millrace::hub
