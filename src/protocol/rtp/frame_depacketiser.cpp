#include "protocol/rtp/frame_depacketiser.hpp"

#include "media/audio_frame.hpp"
#include "media/time.hpp"

namespace millrace::rtp {

std::int64_t FrameDepacketiser::give_frame(ByteSpan frame, std::int64_t timestamp, std::int64_t samples) {
    if (config_ == nullptr || frame.empty()) {
        ++counters_.units_refused;
        return 0;
    }
    media::AccessUnit unit;
    unit.config = config_;
    unit.payload = Bytes::copy(frame);
    unit.key = true;
    unit.duration = aac_samples_ > 0 ? aac_samples_ : media::samples_in_frame(*config_, frame);
    unit.dts = media::rescale_nearest(timestamp, clock_rate(), config_->timescale) + samples;
    unit.pts = unit.dts;
    const std::int64_t duration = unit.duration;
    give(std::move(unit));
    return duration;
}

void FrameDepacketiser::configure(const media::TrackConfig& config) {
    if (config_ == nullptr || !config_->same_coding(config)) {
        config_ = std::make_shared<const media::TrackConfig>(config);
        count_samples();
    }
}

void FrameDepacketiser::count_samples() {
    const bool aac = config_ != nullptr && config_->codec == media::Codec::aac;
    aac_samples_ = aac ? media::samples_in_frame(*config_, {}) : 0;
}

bool FrameDepacketiser::begin_frame(ByteSpan part, std::int64_t timestamp) {
    if (begun_) {
        break_frame();
    }
    begun_ = true;
    begun_at_ = timestamp;
    return append_frame(part, timestamp);
}

bool FrameDepacketiser::append_frame(ByteSpan part, std::int64_t timestamp) {
    if (!begun_ || timestamp != begun_at_ || bytes_.size() + part.size() > frame_size_max) {
        break_frame();
        return false;
    }
    bytes_.insert(bytes_.end(), part.begin(), part.end());
    return true;
}

void FrameDepacketiser::break_frame() {
    ++counters_.units_broken;
    drop_begun();
}

void FrameDepacketiser::drop_begun() {
    bytes_.clear();
    begun_ = false;
}

}   // namespace millrace::rtp
