#pragma once

#include "capture/ffmpeg.hpp"
#include "capture/picture_options.hpp"
#include "capture/picture_scaler.hpp"

namespace millrace::capture {

/// Decoded pictures as JPEG: 4:2:0 in full range after BT.601, as JFIF has it, whatever the source's colours
/// are. Keeps its scaler and its encoder while sizes stay. For this room's sources only.
class JpegEncoder {
public:
    /// Of a picture of `size`; `quality` from 1 to 100. A Fault where FFmpeg refuses.
    Outcome<Bytes> encode(const AVFrame& picture, PictureSize size, int quality);

private:
    Outcome<void> open(PictureSize size);

    PictureScaler scaler_;
    ffmpeg::Codec encoder_;
    ffmpeg::Packet packet_;
    std::int64_t number_ = 0;
};

}   // namespace millrace::capture
