#include "capture/picture_maker.hpp"

#include "capture/jpeg_encoder.hpp"
#include "capture/picture_decoder.hpp"
#include "media/jpeg.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <deque>
#include <optional>

namespace millrace::capture {

namespace {

constexpr std::string_view rendition_text = "jpeg:";
constexpr std::string_view stills_text = "stills:";

/// A decoded picture as a unit of the track that it came from, without its times.
class JpegTrack {
public:
    explicit JpegTrack(const PictureOptions& options) : options_{options} {}

    Outcome<media::AccessUnit> make(const AVFrame& picture, media::TrackId track);
    void set_width(std::uint32_t width) { options_.width = width; }

private:
    PictureOptions options_;
    JpegEncoder encoder_;
    media::ConfigRef config_;
};

Outcome<media::AccessUnit> JpegTrack::make(const AVFrame& picture, media::TrackId track) {
    const PictureSize source{static_cast<std::uint32_t>(picture.width),
                             static_cast<std::uint32_t>(picture.height)};
    const PictureSize size = size_for(source, options_);
    Outcome<Bytes> jpeg = encoder_.encode(picture, size, options_.quality);
    if (!jpeg) {
        return std::unexpected(jpeg.error());
    }
    if (config_ == nullptr || config_->width != size.width || config_->height != size.height) {
        Result<media::TrackConfig> config = media::jpeg::config_of(size.width, size.height);
        if (!config) {
            return std::unexpected(Fault{std::string{config.error().what}, true});
        }
        config_ = std::make_shared<const media::TrackConfig>(std::move(*config));
    }
    media::AccessUnit unit;
    unit.track = track;
    unit.config = config_;
    unit.payload = std::move(*jpeg);
    unit.key = true;
    unit.picture = media::PictureType::i;
    return unit;
}

/// Lets through at most so many pictures a second, by their times on the stream's line.
class RateLimit {
public:
    explicit RateLimit(std::uint32_t fps) : step_{fps == 0 ? 0 : media::video_timescale / fps} {}

    bool lets_through(std::int64_t pts) {
        if (step_ == 0) {
            return true;
        }
        const bool jumped = due_ && (pts > *due_ + media::video_timescale || pts < *due_ - 2 * step_);
        const std::int64_t due = due_ && !jumped ? *due_ : pts;
        // A source of this very rate, whose times are rounded to milliseconds, keeps all its pictures.
        const std::int64_t slack = std::min(step_ / 4, std::max<std::int64_t>(0, pts - last_) / 2);
        last_ = pts;
        if (pts + slack < due) {
            return false;
        }
        due_ = std::max(due, pts - step_) + step_;
        return true;
    }

private:
    std::int64_t step_;
    std::int64_t last_ = 0;
    std::optional<std::int64_t> due_;
};

/// "jpeg:": a stream's pictures, one after the other.
class Rendition final : public PictureMaker {
public:
    explicit Rendition(const PictureOptions& options) : track_{options}, rate_{options.fps} {}

    Outcome<std::vector<media::AccessUnit>> take(const media::AccessUnit& unit) override;
    void set_width(std::uint32_t width) override { track_.set_width(width); }

private:
    /// Units inside the decoder, at most: what it may reorder and more.
    static constexpr std::size_t inside_max = 64;
    struct Inside {
        std::int64_t pts = 0;
        std::int64_t duration = 0;
        media::CaptureTime capture;
    };

    void note(const media::AccessUnit& unit);
    void finish(media::AccessUnit& made, std::int64_t pts);

    JpegTrack track_;
    RateLimit rate_;
    std::unique_ptr<PictureDecoder> decoder_;
    std::deque<Inside> inside_;
};

Outcome<std::vector<media::AccessUnit>> Rendition::take(const media::AccessUnit& unit) {
    std::vector<media::AccessUnit> units;
    if (unit.kind() != media::Kind::video) {
        return units;
    }
    if (decoder_ == nullptr || decoder_->config() != unit.config) {
        if (!unit.key) {
            return units;   // nothing can be seen before
        }
        Outcome<std::unique_ptr<PictureDecoder>> decoder = PictureDecoder::open(unit.config);
        if (!decoder) {
            return std::unexpected(decoder.error());
        }
        decoder_ = std::move(*decoder);
        inside_.clear();
    }
    note(unit);
    const std::vector<ffmpeg::Frame> frames = decoder_->decode(unit);
    for (const ffmpeg::Frame& frame : frames) {
        if (frame->pts != AV_NOPTS_VALUE && !rate_.lets_through(frame->pts)) {
            continue;
        }
        Outcome<media::AccessUnit> made = track_.make(*frame, unit.track);
        if (!made) {
            ++counters_.skipped;
            continue;
        }
        finish(*made, frame->pts == AV_NOPTS_VALUE ? unit.pts : frame->pts);
        ++counters_.frames;
        units.push_back(std::move(*made));
    }
    return units;
}

void Rendition::note(const media::AccessUnit& unit) {
    inside_.push_back({unit.pts, unit.duration, unit.capture});
    if (inside_.size() > inside_max) {
        inside_.pop_front();
    }
}

/// The times of the unit that the picture came from.
void Rendition::finish(media::AccessUnit& made, std::int64_t pts) {
    made.pts = pts;
    made.dts = pts;
    const auto source = std::ranges::find(inside_, pts, &Inside::pts);
    if (source != inside_.end()) {
        made.duration = source->duration;
        made.capture = source->capture;
        inside_.erase(source);
    }
}

/// "stills:": key frames of any stream, each on its own.
class Stills final : public PictureMaker {
public:
    explicit Stills(const PictureOptions& options) : track_{options} {}

    Outcome<std::vector<media::AccessUnit>> take(const media::AccessUnit& unit) override;
    void set_width(std::uint32_t width) override { track_.set_width(width); }

private:
    JpegTrack track_;
};

Outcome<std::vector<media::AccessUnit>> Stills::take(const media::AccessUnit& unit) {
    if (unit.kind() != media::Kind::video || !unit.key) {
        return std::unexpected(Fault{"a still is made of a key frame", false});
    }
    // A new one for each: nothing of one stream is left for the next.
    const Outcome<std::unique_ptr<PictureDecoder>> decoder = PictureDecoder::open(unit.config);
    if (!decoder) {
        return std::unexpected(decoder.error());
    }
    std::vector<ffmpeg::Frame> frames = (*decoder)->decode(unit);
    if (frames.empty()) {
        frames = (*decoder)->drain();
    }
    if (frames.empty()) {
        ++counters_.skipped;
        return std::unexpected(Fault{"the key frame cannot be decoded", false});
    }
    Outcome<media::AccessUnit> made = track_.make(*frames.front(), unit.track);
    if (!made) {
        ++counters_.skipped;
        return std::unexpected(made.error());
    }
    made->pts = unit.pts;
    made->dts = unit.pts;
    made->capture = unit.capture;
    ++counters_.frames;
    std::vector<media::AccessUnit> units;
    units.push_back(std::move(*made));
    return units;
}

}   // namespace

bool is_picture_maker(std::string_view text) {
    return text.starts_with(rendition_text) || text.starts_with(stills_text);
}

Outcome<std::unique_ptr<PictureMaker>> open_picture_maker(std::string_view text) {
    av_log_set_level(AV_LOG_FATAL);   // broken units are counted, not told one by one
    const bool stills = text.starts_with(stills_text);
    const Outcome<PictureOptions> options =
        parse_picture_options(text.substr(stills ? stills_text.size() : rendition_text.size()));
    if (!options) {
        return std::unexpected(options.error());
    }
    return stills ? std::unique_ptr<PictureMaker>{std::make_unique<Stills>(*options)}
                  : std::unique_ptr<PictureMaker>{std::make_unique<Rendition>(*options)};
}

}   // namespace millrace::capture
