#pragma once

#include "capture/encode_options.hpp"
#include "capture/picture_decoder.hpp"
#include "capture/picture_scaler.hpp"
#include "capture/video_encoder.hpp"

#include <deque>

namespace millrace::capture {

/// Another source's units with the pictures decoded and encoded again; sound is passed on as it is, or left
/// out where none is wanted. Its pace is that source's.
class TranscodedSource final : public Source {
public:
    TranscodedSource(std::unique_ptr<Source> source, const EncodeOptions& options)
        : source_{std::move(source)}, options_{options} {}

    std::vector<media::Track> tracks() const override;
    Instant due() const override { return source_->due(); }
    Outcome<std::vector<media::AccessUnit>> produce(Moment moment) override;
    void ask_key_frame() override;
    void set_bitrate(std::uint64_t bits_per_second) override;

private:
    /// Units inside the decoder, at most.
    static constexpr std::size_t inside_max = 64;
    struct Inside {
        std::int64_t pts;
        std::int64_t duration;
    };
    Outcome<void> take(const media::AccessUnit& unit, Moment moment, std::vector<media::AccessUnit>& out);
    Outcome<void> encode(const AVFrame& frame, Moment moment, std::vector<media::AccessUnit>& out);

    std::unique_ptr<Source> source_;
    EncodeOptions options_;
    std::unique_ptr<PictureDecoder> decoder_;
    std::unique_ptr<VideoEncoder> encoder_;
    PictureScaler scaler_;
    PictureSize size_;   // of the coded pictures, that of the first
    std::deque<Inside> inside_;
    std::optional<std::int64_t> last_pts_;
    std::uint32_t number_ = 0;
};

}   // namespace millrace::capture
