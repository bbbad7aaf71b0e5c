#pragma once

#include "capture/option_text.hpp"
#include "media/track.hpp"

namespace millrace::capture {

/// How a source's pictures and sound are coded:
/// "codec=h264|h265|av1|mjpeg|copy&bitrate=2M&gop=1s&preset=superfast&bframes=0&encoder=libx264&audio=aac"
struct EncodeOptions {
    static constexpr std::uint64_t bitrate_min = 50'000;
    static constexpr std::uint64_t bitrate_max = 100'000'000;
    static constexpr std::uint32_t b_frames_max = 4;
    static constexpr int quality_default = 80;

    media::Codec codec = media::Codec::h264;
    bool copy = false;                   ///< what comes coded is passed on as it is
    std::uint64_t bitrate = 2'000'000;   ///< bits a second; MJPEG has `quality` instead
    Duration gop = 1s;                   ///< from key frame to key frame
    std::string preset;                  ///< empty: superfast for H.264, ultrafast for H.265
    std::uint32_t b_frames = 0;          ///< in a row; each costs a frame of delay
    std::string encoder;                 ///< libavcodec's name for it, or "hardware"; empty: in software
    int quality = quality_default;       ///< of MJPEG, 1 to 100
    std::optional<media::Codec> audio = media::Codec::aac;   ///< or Opus, or none
};

/// The keys of a query that set these options; `options` outlives them.
std::vector<OptionKey> encode_keys(EncodeOptions& options);

}   // namespace millrace::capture
