#pragma once

#include "capture/ffmpeg.hpp"
#include "media/picture_reader.hpp"

#include <optional>

namespace millrace::capture {

/// One track of a file: packets of its container become access units. For this room's sources only.
class FileTrack {
public:
    /// What the container says of it; codecs and configurations that we do not carry are a lasting Fault.
    static Outcome<FileTrack> open(const AVStream& stream);

    media::Kind kind() const { return kind_of(codec_); }
    media::TrackId id() const { return track_of(kind()).id; }
    /// Units with the packet's times in the track's own timescale. Nothing for what holds no frame.
    Outcome<std::vector<media::AccessUnit>> read(const AVPacket& packet);

private:
    FileTrack(media::Codec codec, const AVStream& stream);
    Outcome<void> configure(const AVCodecParameters& parameters);
    Outcome<std::vector<media::AccessUnit>> read_picture(const AVPacket& packet);
    Outcome<std::vector<media::AccessUnit>> read_jpeg(const AVPacket& packet);
    Outcome<std::vector<media::AccessUnit>> read_sound(const AVPacket& packet);
    Outcome<void> set_times(media::AccessUnit& unit, const AVPacket& packet);
    std::int64_t ticks(std::int64_t time, std::int64_t timescale) const;
    bool is_time(std::int64_t time) const;

    media::Codec codec_;
    AVRational time_base_;
    std::int64_t step_ = 0;    // from picture to picture, 90 kHz; 0: the container does not say
    std::int64_t delay_ = 0;   // pictures that are decoded before the first is shown
    std::optional<media::PictureReader> pictures_;
    unsigned length_size_ = 0;   // of NAL unit lengths; 0: start codes
    media::ConfigRef sound_;
    media::ConfigRef jpeg_;
    bool adts_ = false;
    std::optional<std::int64_t> last_dts_;   // in the track's timescale
};

}   // namespace millrace::capture
