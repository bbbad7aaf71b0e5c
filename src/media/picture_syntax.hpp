#pragma once

#include "media/picture_reader.hpp"

namespace millrace::media {

/// What PictureReader does for one codec.
class PictureSyntax {
public:
    virtual ~PictureSyntax() = default;

    virtual Result<> configure(TrackConfig config) = 0;
    virtual Result<std::optional<Picture>> read(std::span<const ByteSpan> nals, const Bytes& framed) = 0;

    const ConfigRef& config() const { return config_; }
    const PictureReaderCounters& counters() const { return counters_; }

protected:
    /// Makes it the configuration unless its content is that of today's.
    void take(TrackConfig config);
    /// Frames a second from outside the bitstream (metadata), for a bitstream that does not say.
    void declare_frame_rate(double frame_rate) { declared_frame_rate_ = frame_rate; }

    PictureReaderCounters counters_;

private:
    ConfigRef config_;
    double declared_frame_rate_ = 0;
};

std::unique_ptr<PictureSyntax> h264_pictures();
std::unique_ptr<PictureSyntax> h265_pictures();
std::unique_ptr<PictureSyntax> av1_pictures();

}   // namespace millrace::media
