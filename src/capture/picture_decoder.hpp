#pragma once

#include "capture/ffmpeg.hpp"
#include "media/access_unit.hpp"

#include <memory>
#include <vector>

namespace millrace::capture {

/// libavcodec as a decoder of one configuration: H.264, H.265, AV1, MJPEG. It stands what is broken: a bad
/// unit costs pictures, not the process. One thread, without delay of its own. For files of this room and of
/// playback only.
class PictureDecoder {
public:
    /// `hardware`: a device of this machine decodes, where there is one that can; else libavcodec itself,
    /// which takes over, too, where the device turns out not to.
    enum class By : std::uint8_t { libavcodec, hardware };
    /// A Fault for what this FFmpeg cannot decode and for pictures beyond decoded_side_max.
    static Outcome<std::unique_ptr<PictureDecoder>> open(const media::ConfigRef& config,
                                                         By by = By::libavcodec);

    const media::ConfigRef& config() const { return config_; }
    /// Pictures that are done, in order of showing; their pts are the units'. Empty where nothing is, or
    /// where the unit is broken.
    std::vector<ffmpeg::Frame> decode(const media::AccessUnit& unit);
    /// What is still inside; the next unit is a key frame.
    std::vector<ffmpeg::Frame> drain();
    /// Whether the decoder took the last unit; what it gives may still be of others.
    bool took() const { return took_; }

private:
    PictureDecoder(media::ConfigRef config, ffmpeg::Codec context);
    std::vector<ffmpeg::Frame> take_frames();

    media::ConfigRef config_;
    ffmpeg::Codec context_;
    ffmpeg::Packet packet_;
    bool took_ = false;
};

}   // namespace millrace::capture
