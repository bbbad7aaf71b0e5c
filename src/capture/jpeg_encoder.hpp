#pragma once

#include "capture/ffmpeg.hpp"
#include "capture/picture_options.hpp"

extern "C" {
#include <libswscale/swscale.h>
}

#include <memory>

namespace millrace::capture {

/// Decoded pictures as JPEG: 4:2:0 in full range after BT.601, as JFIF has it, whatever the source's colours
/// are. Keeps its scaler and its encoder while sizes stay. For this room's sources only.
class JpegEncoder {
public:
    /// Of a picture of `size`; `quality` from 1 to 100. A Fault where FFmpeg refuses.
    Outcome<Bytes> encode(const AVFrame& picture, PictureSize size, int quality);

private:
    struct FreeScaler {
        void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
    };
    /// What the scaler was made for.
    struct Shape {
        PictureSize from;
        PictureSize to;
        int format = -1;
        bool full_range = false;
        int matrix = 0;

        bool operator==(const Shape&) const = default;
    };

    Outcome<void> scale(const AVFrame& picture, PictureSize size);
    Outcome<void> open(PictureSize size);

    std::unique_ptr<SwsContext, FreeScaler> scaler_;
    Shape shape_;
    ffmpeg::Frame scaled_;
    ffmpeg::Codec encoder_;
    ffmpeg::Packet packet_;
    std::int64_t number_ = 0;
};

}   // namespace millrace::capture
