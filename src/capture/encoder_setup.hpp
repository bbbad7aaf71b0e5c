#pragma once

#include "capture/ffmpeg.hpp"
#include "capture/video_encoder.hpp"

namespace millrace::capture {

/// An encoder of libavcodec that is open. For this room's sources only.
struct OpenEncoder {
    ffmpeg::Codec context;
    bool follows_bitrate = false;   ///< it takes another bitrate on its way
};

/// Opens the encoder that the options name, else the first that is there: with "hardware" those of graphics
/// cards first. A Fault where none can be opened.
Outcome<OpenEncoder> open_encoder(const EncodeOptions& options, const PictureKind& kind);

/// So much time of its bitrate an encoder may make ahead (VBV): one that is told what a path carries follows
/// within half of what it takes otherwise, for somewhat smaller key frames.
inline constexpr Duration buffer_usual = 1s;
inline constexpr Duration buffer_told = 500ms;

/// Sets the bitrate of one that is open or about to be.
void set_rate(AVCodecContext& context, std::uint64_t bits_per_second, Duration buffer);

}   // namespace millrace::capture
