#pragma once

#include "capture/encode_options.hpp"
#include "media/capture_sei.hpp"

#include <memory>

struct AVFrame;

namespace millrace::capture {

/// What pictures an encoder will be given.
struct PictureKind {
    PictureSize size;
    FrameRate rate;        ///< what to expect
    bool steady = false;   ///< exactly that: each picture's time follows from its number
};

/// A picture's place on the stream's line.
struct PictureTime {
    std::int64_t pts = 0;        ///< 90 kHz; grows
    std::int64_t duration = 0;   ///< 0: not known
    std::uint32_t number = 0;    ///< counted by the camera
    WallTime taken;
};

/// The video encoder of a stream: libavcodec's for H.264, H.265 and AV1 without delay, a picture in and a
/// picture out, no B pictures unless asked for, key frames at fixed distances in time and when asked for; or
/// one of JPEGs. Each picture of H.264 and H.265 leaves with its note (capture time, number, average
/// quantizer) before its first slice. One thread.
class VideoEncoder {
public:
    static Outcome<std::unique_ptr<VideoEncoder>> open(const EncodeOptions& options, const PictureKind& kind);
    VideoEncoder() = default;
    VideoEncoder(const VideoEncoder&) = delete;
    VideoEncoder& operator=(const VideoEncoder&) = delete;
    virtual ~VideoEncoder() = default;

    /// The next picture, in 4:2:0 of the size that was told. Usually gives one unit of track 0.
    virtual Outcome<std::vector<media::AccessUnit>> encode(AVFrame& picture, const PictureTime& time) = 0;
    /// What is still inside, at the end.
    virtual std::vector<media::AccessUnit> drain() { return {}; }
    /// The next picture becomes a key frame.
    virtual void ask_key_frame() {}
    /// From the next picture on, and never more than the options say. Where the encoder cannot change it on
    /// its way, it is opened anew: that picture is then a key frame.
    virtual void set_bitrate(std::uint64_t /*bits_per_second*/) {}
};

/// Picture `number` of a steady rate.
PictureTime steady_time(const FrameRate& rate, std::uint32_t number, WallTime taken);

}   // namespace millrace::capture
