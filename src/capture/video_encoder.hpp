#pragma once

#include "capture/canvas.hpp"
#include "capture/source_options.hpp"
#include "media/capture_sei.hpp"

#include <memory>

namespace millrace::capture {

/// One encoder for the life of a stream: x264 or x265 without delay, a picture in and a picture out, no B
/// pictures, key frames at fixed distances and when asked for. Each picture leaves with its note (capture
/// time, number, average quantizer) before its first slice.
class VideoEncoder {
public:
    static Outcome<std::unique_ptr<VideoEncoder>> open(const CameraOptions& options);
    VideoEncoder(const VideoEncoder&) = delete;
    VideoEncoder& operator=(const VideoEncoder&) = delete;
    ~VideoEncoder();

    /// The next picture; `number` grows with each and gives its time. Usually gives one unit of track 0.
    Outcome<std::vector<media::AccessUnit>> encode(const Canvas& picture, std::int64_t number,
                                                   WallTime taken);
    /// The next picture becomes a key frame.
    void ask_key_frame() { key_asked_ = true; }
    /// From the next picture on; x264 only.
    void set_bitrate(std::uint64_t bits_per_second);

private:
    struct Parts;
    explicit VideoEncoder(std::unique_ptr<Parts> parts);
    Outcome<media::AccessUnit> unit_of_packet();

    std::unique_ptr<Parts> parts_;
    bool key_asked_ = false;
};

}   // namespace millrace::capture
