#pragma once

#include "container/flv_script.hpp"
#include "container/flv_tag.hpp"
#include "media/picture_reader.hpp"

#include <variant>

namespace millrace::flv {

struct BodyHead;

constexpr media::TrackId video_track = 0;
constexpr media::TrackId audio_track = 1;

/// A sequence header said something new about a track.
struct Configured {
    media::TrackId track = 0;
    media::ConfigRef config;
};
/// The sequence of pictures ends here; another may follow.
struct Ended {};
using Item = std::variant<Metadata, Configured, media::AccessUnit, Ended>;

/// Turns tag bodies (of FLV, or RTMP messages of the same types) into what they mean. Video times are ticks
/// of 90 kHz, audio times of the sample rate, both unwrapped beyond 32 bits of milliseconds and else as the
/// sender said them: repairs are the hub's. Owned by one publication; one thread.
///
/// Where cue points of ours say capture times (docs/guide/flv.md), units have them. One whose frame has other
/// times than it says was carried on by somebody who changed them, and says nothing.
///
/// A unit's config may be one that was never Configured: MP3 has no sequence header, and parameter sets may
/// change in band.
class TagReader {
public:
    /// What one tag means; nothing when it says nothing new. An error is about this tag alone: count it, drop
    /// the tag, go on. Coded frames before their configuration are Errc::refused.
    Result<std::optional<Item>> read(TagType type, std::uint32_t timestamp_ms, const Bytes& body);

private:
    struct Video {
        media::Codec codec;
        unsigned length_size;
        media::PictureReader reader;
    };

    Result<std::optional<Item>> read_video(std::uint32_t timestamp_ms, const Bytes& body);
    Result<std::optional<Item>> configure_video(media::Codec codec, ByteSpan record);
    Result<std::optional<Item>> read_picture(const BodyHead& head, std::uint32_t timestamp_ms,
                                             const Bytes& coded);
    Result<std::optional<Item>> read_audio(std::uint32_t timestamp_ms, const Bytes& body);
    Result<std::optional<Item>> configure_audio(Result<media::TrackConfig> config);
    Result<std::optional<Item>> read_frame(const BodyHead& head, std::uint32_t timestamp_ms, Bytes frame);
    std::int64_t unwrap(std::uint32_t timestamp_ms);
    /// Gives a unit the capture time that the newest cue point says, unless it has its own.
    void set_capture(media::AccessUnit& unit);

    std::optional<Video> video_;
    media::ConfigRef audio_;
    std::int64_t aac_samples_ = 0;   // in each frame of it, where it is AAC
    double announced_frame_rate_ = 0;
    std::optional<std::int64_t> last_ms_;   // unwrapped time of the last coded frame
    std::optional<CaptureCue> cue_;         // whose frame has not come yet
    struct Anchor {
        std::int64_t pts_ms;
        media::CaptureTime at;
    };
    std::optional<Anchor> anchor_;   // the frame that the newest cue point spoke of
};

}   // namespace millrace::flv
