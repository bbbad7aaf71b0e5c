#pragma once

#include "capture/ffmpeg.hpp"
#include "media/access_unit.hpp"

#include <memory>
#include <vector>

namespace millrace::capture {

/// libavcodec as a decoder of one configuration: H.264, H.265, AV1, MJPEG. It stands what is broken: a bad
/// unit costs pictures, not the process. One thread, without delay of its own. For this room's sources only.
class PictureDecoder {
public:
    /// A Fault for what this FFmpeg cannot decode and for pictures beyond decoded_side_max.
    static Outcome<std::unique_ptr<PictureDecoder>> open(const media::ConfigRef& config);

    const media::ConfigRef& config() const { return config_; }
    /// Pictures that are done, in order of showing; their pts are the units'. Empty where nothing is, or
    /// where the unit is broken.
    std::vector<ffmpeg::Frame> decode(const media::AccessUnit& unit);
    /// What is still inside; the next unit is a key frame.
    std::vector<ffmpeg::Frame> drain();

private:
    PictureDecoder(media::ConfigRef config, ffmpeg::Codec context);
    std::vector<ffmpeg::Frame> take_frames();

    media::ConfigRef config_;
    ffmpeg::Codec context_;
    ffmpeg::Packet packet_;
};

}   // namespace millrace::capture
