#include "capture/transcoded_source.hpp"

#include "capture/live_source.hpp"
#include "capture/picture_decoder.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <deque>

namespace millrace::capture {

namespace {

/// Waits for a source's moments, and decodes its pictures.
class DecodingGrabber final : public Grabber {
public:
    DecodingGrabber(std::unique_ptr<Source> source, bool with_sound)
        : source_{std::move(source)}, with_sound_{with_sound} {}

    Outcome<std::vector<Grab>> next() override;

private:
    /// Units inside the decoder, at most.
    static constexpr std::size_t inside_max = 64;
    struct Inside {
        std::int64_t pts;
        std::int64_t duration;
    };
    Outcome<void> take(media::AccessUnit& unit, Moment moment, std::vector<Grab>& out);
    void keep(std::vector<ffmpeg::Frame> frames, Moment moment, std::vector<Grab>& out);

    std::unique_ptr<Source> source_;
    bool with_sound_;
    std::unique_ptr<PictureDecoder> decoder_;
    std::deque<Inside> inside_;
};

Outcome<std::vector<Grab>> DecodingGrabber::next() {
    std::vector<Grab> grabs;
    while (grabs.empty() && !source_->is_over()) {
        const Moment moment = sleep_until(source_->due());
        Outcome<std::vector<media::AccessUnit>> units = source_->produce(moment);
        if (!units) {
            return std::unexpected(units.error());
        }
        for (media::AccessUnit& unit : *units) {
            const Outcome<void> taken = take(unit, moment, grabs);
            if (!taken) {
                return std::unexpected(taken.error());
            }
        }
    }
    if (grabs.empty() && decoder_ != nullptr) {
        keep(decoder_->drain(), read_clocks(), grabs);
        decoder_.reset();
    }
    return grabs;
}

Outcome<void> DecodingGrabber::take(media::AccessUnit& unit, Moment moment, std::vector<Grab>& out) {
    if (unit.kind() == media::Kind::audio) {
        if (with_sound_) {
            out.push_back({.what = std::move(unit), .at = moment, .rate = {}});
        }
        return {};
    }
    if (decoder_ == nullptr || decoder_->config() != unit.config) {
        if (decoder_ != nullptr) {
            keep(decoder_->drain(), moment, out);
        }
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
    keep(decoder_->decode(unit), moment, out);
    if (!decoder_->took()) {
        out.push_back({.what = Broken{}, .at = moment, .rate = {}});
    }
    return {};
}

void DecodingGrabber::keep(std::vector<ffmpeg::Frame> frames, Moment moment, std::vector<Grab>& out) {
    for (ffmpeg::Frame& frame : frames) {
        const auto source = std::ranges::find(inside_, frame->pts, &Inside::pts);
        const std::int64_t duration = source != inside_.end() ? source->duration : 0;
        if (source != inside_.end()) {
            inside_.erase(source);
        }
        const Grab::Place place{.pts = frame->pts, .duration = duration};
        out.push_back({.what = std::move(frame),
                       .at = moment,
                       .rate = duration > 0 ? FrameRate{media::video_timescale, duration} : FrameRate{},
                       .place = place});
    }
}

}   // namespace

std::unique_ptr<Source> transcoded(std::unique_ptr<Source> source, const EncodeOptions& options,
                                   Moment start) {
    LiveSource::Plan plan{.grabbers = {},
                          .encode = options,
                          .size = {},
                          .tracks = source->tracks(),
                          .lossless = true,
                          .may_be_silent = true};
    if (!options.audio) {
        std::erase_if(plan.tracks,
                      [](const media::Track& track) { return track.kind == media::Kind::audio; });
    }
    plan.grabbers.push_back([source = std::move(source), with_sound = options.audio.has_value()]() mutable {
        return Outcome<std::unique_ptr<Grabber>>{
            std::make_unique<DecodingGrabber>(std::move(source), with_sound)};
    });
    return std::make_unique<LiveSource>(std::move(plan), start);
}

}   // namespace millrace::capture
