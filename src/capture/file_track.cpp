#include "capture/file_track.hpp"

#include "media/aac.hpp"
#include "media/audio_frame.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"
#include "media/jpeg.hpp"
#include "media/mp3.hpp"
#include "media/nal.hpp"
#include "media/opus.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>

namespace millrace::capture {

namespace {

/// From zero, 60 years: further is no time. It counts in nanoseconds with room to add.
constexpr double seconds_max = 60.0 * 366 * 86'400;

std::optional<media::Codec> codec_of(AVCodecID id) {
    switch (id) {
        case AV_CODEC_ID_H264: return media::Codec::h264;
        case AV_CODEC_ID_HEVC: return media::Codec::h265;
        case AV_CODEC_ID_MJPEG: return media::Codec::mjpeg;
        case AV_CODEC_ID_AAC: return media::Codec::aac;
        case AV_CODEC_ID_OPUS: return media::Codec::opus;
        case AV_CODEC_ID_MP3: return media::Codec::mp3;
        default: return std::nullopt;
    }
}

std::unexpected<Fault> unreadable(media::Codec codec, std::string_view why) {
    return std::unexpected(
        Fault{fmt::format("the file's {} cannot be read: {}", media::name(codec), why), true});
}

/// avcC and hvcC begin with their version, 1; a byte stream begins with a start code.
bool is_record(ByteSpan extra) {
    return !extra.empty() && extra.front() == std::byte{1};
}

}   // namespace

FileTrack::FileTrack(media::Codec codec, const AVStream& stream)
    : codec_{codec}, time_base_{stream.time_base}, delay_{std::max(0, stream.codecpar->video_delay)} {
    const AVRational rate = stream.avg_frame_rate;
    if (rate.num > 0 && rate.den > 0) {
        step_ = media::rescale_nearest(rate.den, rate.num, media::video_timescale);
    }
}

Outcome<FileTrack> FileTrack::open(const AVStream& stream) {
    const std::optional<media::Codec> codec = codec_of(stream.codecpar->codec_id);
    if (!codec) {
        return std::unexpected(
            Fault{fmt::format("the file's codec {} is none that a stream carries (H.264, H.265, "
                              "MJPEG, AAC, Opus, MP3)",
                              avcodec_get_name(stream.codecpar->codec_id)),
                  true});
    }
    FileTrack track{*codec, stream};
    const Outcome<void> configured = track.configure(*stream.codecpar);
    if (!configured) {
        return std::unexpected(configured.error());
    }
    return track;
}

Outcome<void> FileTrack::configure(const AVCodecParameters& parameters) {
    const ByteSpan extra = std::as_bytes(
        std::span{parameters.extradata, static_cast<std::size_t>(std::max(0, parameters.extradata_size))});
    Result<media::TrackConfig> config;
    switch (codec_) {
        case media::Codec::h264:
            pictures_.emplace(codec_);
            if (is_record(extra)) {
                Result<media::h264::AvcConfiguration> record = media::h264::read_avcc(extra);
                if (!record) {
                    return unreadable(codec_, record.error().what);
                }
                length_size_ = record->length_size;
                config = std::move(record->config);
            } else {
                config = media::h264::config_from(media::split_annex_b(extra));
            }
            break;
        case media::Codec::h265:
            pictures_.emplace(codec_);
            if (is_record(extra)) {
                Result<media::h265::HevcConfiguration> record = media::h265::read_hvcc(extra);
                if (!record) {
                    return unreadable(codec_, record.error().what);
                }
                length_size_ = record->length_size;
                config = std::move(record->config);
            } else {
                config = media::h265::config_from(media::split_annex_b(extra));
            }
            break;
        case media::Codec::aac:
            adts_ = extra.empty();
            if (adts_) {
                return {};   // each frame says it
            }
            config = media::aac::config_from(extra);
            break;
        case media::Codec::opus: config = media::opus::config_from(extra); break;
        case media::Codec::mp3:
        case media::Codec::mjpeg: return {};   // likewise, each frame or picture
        case media::Codec::pcma:
        case media::Codec::pcmu:
        case media::Codec::g722:
        case media::Codec::l16:
        case media::Codec::av1: return unreadable(codec_, "not carried");
    }
    if (!config) {
        // In band they may still come; without them every picture is refused in words.
        return pictures_ && length_size_ == 0 ? Outcome<void>{} : unreadable(codec_, config.error().what);
    }
    if (pictures_) {
        const Result<> configured = pictures_->configure(std::move(*config));
        return configured ? Outcome<void>{} : unreadable(codec_, configured.error().what);
    }
    sound_ = std::make_shared<const media::TrackConfig>(std::move(*config));
    return {};
}

std::int64_t FileTrack::ticks(std::int64_t time, std::int64_t timescale) const {
    return media::rescale_nearest(time, time_base_.den, timescale * time_base_.num);
}

bool FileTrack::is_time(std::int64_t time) const {
    return time != AV_NOPTS_VALUE && std::abs(static_cast<double>(time) * av_q2d(time_base_)) < seconds_max;
}

Outcome<std::vector<media::AccessUnit>> FileTrack::read(const AVPacket& packet) {
    if (codec_ == media::Codec::mjpeg) {
        return read_jpeg(packet);
    }
    return pictures_ ? read_picture(packet) : read_sound(packet);
}

Outcome<std::vector<media::AccessUnit>> FileTrack::read_picture(const AVPacket& packet) {
    std::vector<media::AccessUnit> units;
    std::vector<ByteSpan> nals;
    if (length_size_ == 0) {
        nals = media::split_annex_b(ffmpeg::bytes_of(packet));
    } else {
        Result<std::vector<ByteSpan>> split =
            media::split_length_prefixed(ffmpeg::bytes_of(packet), length_size_);
        if (!split) {
            return unreadable(codec_, split.error().what);
        }
        nals = std::move(*split);
    }
    Result<std::optional<media::Picture>> picture = pictures_->read(nals);
    if (!picture || !*picture || (*picture)->config == nullptr) {
        return units;   // broken or incomplete: the next key frame mends it
    }
    media::AccessUnit unit;
    unit.track = id();
    media::describe(unit, std::move(**picture));
    unit.capture = {};   // when this was filmed is not when it is seen
    const Outcome<void> timed = set_times(unit, packet);
    if (!timed) {
        return std::unexpected(timed.error());
    }
    units.push_back(std::move(unit));
    return units;
}

Outcome<std::vector<media::AccessUnit>> FileTrack::read_jpeg(const AVPacket& packet) {
    std::vector<media::AccessUnit> units;
    const ByteSpan bytes = ffmpeg::bytes_of(packet);
    const Result<media::jpeg::Facts> facts = media::jpeg::read(bytes);
    if (!facts) {
        return units;   // broken: the next one stands on its own
    }
    media::AccessUnit unit;
    unit.track = id();
    jpeg_ = media::jpeg::config_from(*facts, jpeg_);
    unit.config = jpeg_;
    unit.payload = Bytes::copy(bytes.first(facts->size));
    unit.key = true;
    unit.picture = media::PictureType::i;
    const Outcome<void> timed = set_times(unit, packet);
    if (!timed) {
        return std::unexpected(timed.error());
    }
    units.push_back(std::move(unit));
    return units;
}

/// Matroska says only when a picture is shown; FFmpeg finds out when it is decoded, but not for the first few
/// where pictures are reordered.
Outcome<void> FileTrack::set_times(media::AccessUnit& unit, const AVPacket& packet) {
    const bool decoded = is_time(packet.dts);
    const bool shown = is_time(packet.pts);
    if (!decoded && !shown) {
        return unreadable(codec_, "a picture without a time");
    }
    const std::int64_t dts = decoded ? ticks(packet.dts, media::video_timescale) : 0;
    unit.pts = shown ? ticks(packet.pts, media::video_timescale) : dts;
    if (decoded) {
        unit.dts = dts;
    } else {
        unit.dts = std::min(unit.pts, last_dts_ ? *last_dts_ + step_ : unit.pts - delay_ * step_);
    }
    const std::int64_t from = decoded ? packet.dts : packet.pts;
    if (packet.duration > 0 && is_time(packet.duration)) {
        unit.duration =
            ticks(from + packet.duration, media::video_timescale) - ticks(from, media::video_timescale);
    }
    last_dts_ = unit.dts;
    return {};
}

Outcome<std::vector<media::AccessUnit>> FileTrack::read_sound(const AVPacket& packet) {
    std::vector<ByteSpan> frames{ffmpeg::bytes_of(packet)};
    if (adts_) {
        Result<media::aac::AdtsFrames> split = media::aac::split_adts(frames.front());
        if (!split || split->raw_frames.empty()) {
            return unreadable(codec_, "no ADTS frame where one should be");
        }
        if (sound_ == nullptr) {
            Result<media::TrackConfig> config =
                media::aac::config_from(media::aac::write_audio_specific_config(split->header));
            if (!config) {
                return unreadable(codec_, config.error().what);
            }
            sound_ = std::make_shared<const media::TrackConfig>(std::move(*config));
        }
        frames = std::move(split->raw_frames);
    } else if (sound_ == nullptr) {
        Result<media::TrackConfig> config = media::mp3::config_from(frames.front());
        if (!config) {
            return unreadable(codec_, config.error().what);
        }
        sound_ = std::make_shared<const media::TrackConfig>(std::move(*config));
    }
    std::vector<media::AccessUnit> units;
    const std::int64_t pts = is_time(packet.pts) ? packet.pts : packet.dts;
    std::int64_t dts = is_time(pts) ? ticks(pts, sound_->timescale) : last_dts_.value_or(0);
    for (const ByteSpan frame : frames) {
        media::AccessUnit unit;
        unit.track = id();
        unit.config = sound_;
        unit.payload = Bytes::copy(frame);
        unit.dts = dts;
        unit.pts = dts;
        unit.duration = media::samples_in_frame(*sound_, frame);
        unit.key = true;
        dts += unit.duration;
        units.push_back(std::move(unit));
    }
    last_dts_ = dts;
    return units;
}

}   // namespace millrace::capture
