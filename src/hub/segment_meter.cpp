#include "hub/segment_meter.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::hub {

void SegmentMeter::count(const media::SegmentUnits& units, const std::vector<media::SegmentPart>& parts,
                         std::int64_t target_duration) {
    for (const media::SegmentPart& part : parts) {
        const double seconds = static_cast<double>(part.duration) / static_cast<double>(part.timescale);
        if (seconds > 0) {
            const double bits = static_cast<double>(part.bytes.size()) * 8;
            count(renditions_[part.rendition], {bits, seconds}, static_cast<double>(target_duration));
        }
    }
    count_pictures(units);
}

// RFC 8216 §4.1: the peak is that of any run of segments that lasts 0.5 to 1.5 target durations.
void SegmentMeter::count(Rendition& rendition, Part part, double target_duration) {
    rendition.bits += part.bits;
    rendition.seconds += part.seconds;
    rendition.recent.push_back(part);
    if (rendition.recent.size() > recent_max) {
        rendition.recent.pop_front();
    }
    Part run{0, 0};
    for (auto one = rendition.recent.rbegin(); one != rendition.recent.rend(); ++one) {
        run.bits += one->bits;
        run.seconds += one->seconds;
        if (run.seconds > target_duration * 1.5) {
            break;
        }
        if (run.seconds >= target_duration * 0.5) {
            rendition.peak = std::max(rendition.peak, run.bits / run.seconds);
        }
    }
    // Where all there is is shorter.
    rendition.peak = std::max(rendition.peak, part.bits / std::max(part.seconds, target_duration * 0.5));
    rendition.peak = std::max(rendition.peak, rendition.bits / rendition.seconds);
}

void SegmentMeter::count_pictures(const media::SegmentUnits& units) {
    for (const media::SegmentTrack& track : units.tracks) {
        if (track.track.kind != media::Kind::video) {
            continue;
        }
        if (video_ != track.track.config) {
            video_ = track.track.config;
            pictures_ = 0;
            seconds_ = 0;
        }
        pictures_ += static_cast<double>(track.units.size());
        seconds_ += static_cast<double>(track.duration()) / static_cast<double>(video_->timescale);
        return;
    }
}

std::map<std::string, BitRates, std::less<>> SegmentMeter::rates() const {
    std::map<std::string, BitRates, std::less<>> rates;
    for (const auto& [name, rendition] : renditions_) {
        rates[name] = {static_cast<std::uint64_t>(std::ceil(rendition.peak)),
                       static_cast<std::uint64_t>(std::ceil(rendition.bits / rendition.seconds))};
    }
    return rates;
}

double SegmentMeter::frame_rate() const {
    return seconds_ > 0 ? pictures_ / seconds_ : 0;
}

}   // namespace millrace::hub
