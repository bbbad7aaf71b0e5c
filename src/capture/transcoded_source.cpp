#include "capture/transcoded_source.hpp"

#include "media/time.hpp"

#include <algorithm>

namespace millrace::capture {

std::vector<media::Track> TranscodedSource::tracks() const {
    std::vector<media::Track> tracks = source_->tracks();
    if (!options_.audio) {
        std::erase_if(tracks, [](const media::Track& track) { return track.kind == media::Kind::audio; });
    }
    return tracks;
}

void TranscodedSource::ask_key_frame() {
    if (encoder_ != nullptr) {
        encoder_->ask_key_frame();
    }
}

void TranscodedSource::set_bitrate(std::uint64_t bits_per_second) {
    options_.bitrate = bits_per_second;
    if (encoder_ != nullptr) {
        encoder_->set_bitrate(bits_per_second);
    }
}

Outcome<std::vector<media::AccessUnit>> TranscodedSource::produce(Moment moment) {
    Outcome<std::vector<media::AccessUnit>> units = source_->produce(moment);
    std::vector<media::AccessUnit> out;
    if (!units) {
        return units;
    }
    for (media::AccessUnit& unit : *units) {
        if (unit.kind() == media::Kind::audio) {
            if (options_.audio) {
                out.push_back(std::move(unit));
            }
            continue;
        }
        const Outcome<void> taken = take(unit, moment, out);
        if (!taken) {
            return std::unexpected(taken.error());
        }
    }
    return out;
}

Outcome<void> TranscodedSource::take(const media::AccessUnit& unit, Moment moment,
                                     std::vector<media::AccessUnit>& out) {
    if (decoder_ == nullptr || decoder_->config() != unit.config) {
        Outcome<std::unique_ptr<PictureDecoder>> decoder = PictureDecoder::open(unit.config);
        if (!decoder) {
            return std::unexpected(decoder.error());
        }
        decoder_ = std::move(*decoder);
    }
    inside_.push_back({unit.pts, unit.duration});
    if (inside_.size() > inside_max) {
        inside_.pop_front();
    }
    for (const ffmpeg::Frame& frame : decoder_->decode(unit)) {
        const Outcome<void> encoded = encode(*frame, moment, out);
        if (!encoded) {
            return encoded;
        }
    }
    return {};
}

Outcome<void> TranscodedSource::encode(const AVFrame& frame, Moment moment,
                                       std::vector<media::AccessUnit>& out) {
    const auto source = std::ranges::find(inside_, frame.pts, &Inside::pts);
    const std::int64_t duration = source != inside_.end() ? source->duration : 0;
    if (source != inside_.end()) {
        inside_.erase(source);
    }
    if (encoder_ == nullptr) {
        size_ = {static_cast<std::uint32_t>(frame.width) & ~1U,
                 static_cast<std::uint32_t>(frame.height) & ~1U};
        const FrameRate rate = duration > 0 ? FrameRate{media::video_timescale, duration} : FrameRate{};
        Outcome<std::unique_ptr<VideoEncoder>> encoder =
            VideoEncoder::open(options_, {.size = size_, .rate = rate});
        if (!encoder) {
            return std::unexpected(encoder.error());
        }
        encoder_ = std::move(*encoder);
    }
    Outcome<ffmpeg::Frame> scaled = scaler_.scale(
        frame, {.width = static_cast<int>(size_.width), .height = static_cast<int>(size_.height)});
    if (!scaled) {
        return std::unexpected(scaled.error());
    }
    const std::int64_t pts = last_pts_ ? std::max(frame.pts, *last_pts_ + 1) : frame.pts;
    last_pts_ = pts;
    Outcome<std::vector<media::AccessUnit>> units = encoder_->encode(
        **scaled, {.pts = pts, .duration = duration, .number = number_++, .taken = moment.utc});
    if (!units) {
        return std::unexpected(units.error());
    }
    counters_.frames += units->size();
    for (media::AccessUnit& unit : *units) {
        out.push_back(std::move(unit));
    }
    return {};
}

}   // namespace millrace::capture
