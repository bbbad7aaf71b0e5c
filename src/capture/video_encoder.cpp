#include "capture/video_encoder.hpp"

#include "capture/encoder_setup.hpp"
#include "capture/jpeg_encoder.hpp"
#include "media/av1.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/jpeg.hpp"
#include "media/nal.hpp"
#include "media/picture_reader.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cmath>
#include <deque>

namespace millrace::capture {

namespace {

/// Pictures inside the encoder; without delay there is one at most.
constexpr std::size_t pictures_inside_max = 64;

using Units = std::vector<media::AccessUnit>;

bool is_slice(media::Codec codec, ByteSpan nal) {
    return codec == media::Codec::h264 ? media::h264::is_vcl(media::h264::type_of(nal))
                                       : media::h265::is_vcl(media::h265::type_of(nal));
}

/// The average quantizer that the encoder says it used, AV_PKT_DATA_QUALITY_STATS.
std::optional<double> quantizer(const AVPacket& packet) {
    std::size_t size = 0;
    const std::uint8_t* data = av_packet_get_side_data(&packet, AV_PKT_DATA_QUALITY_STATS, &size);
    if (data == nullptr || size < 4) {
        return std::nullopt;
    }
    const std::uint32_t lambda = data[0] | data[1] << 8U | data[2] << 16U | std::uint32_t{data[3]} << 24U;
    const double qp = static_cast<double>(static_cast<std::int32_t>(lambda)) / FF_QP2LAMBDA;
    return qp >= 0 && qp <= 63 ? std::optional{qp} : std::nullopt;
}

void set_times(media::AccessUnit& unit, const PictureTime& time) {
    unit.track = video_track;
    unit.pts = time.pts;
    unit.dts = time.pts;
    unit.duration = time.duration;
    unit.camera_number = time.number;
    unit.capture = {time.taken, media::CaptureTime::Label::capture};
}

/// One of libavcodec's.
class LibavEncoder final : public VideoEncoder {
public:
    LibavEncoder(const EncodeOptions& options, const PictureKind& kind, OpenEncoder encoder)
        : options_{options},
          bitrate_max_{options.bitrate},
          kind_{kind},
          gop_{media::rescale(options.gop.count(), 1'000'000'000, media::video_timescale)},
          encoder_{std::move(encoder)},
          reader_{options.codec} {}

    LibavEncoder(const LibavEncoder&) = delete;
    LibavEncoder& operator=(const LibavEncoder&) = delete;
    /// SVT-AV1 wants to be told its end.
    ~LibavEncoder() override {
        if (options_.codec == media::Codec::av1) {
            avcodec_send_frame(encoder_.context.get(), nullptr);
        }
    }

    Outcome<Units> encode(AVFrame& picture, const PictureTime& time) override;
    Units drain() override;
    void ask_key_frame() override { key_asked_ = true; }
    void set_bitrate(std::uint64_t bits_per_second) override;

private:
    struct Inside {
        std::int64_t pts;   // in the encoder's own time
        PictureTime time;
    };
    Outcome<void> open_anew(Units& units);
    bool is_key_due(const PictureTime& time);
    Outcome<void> take_packets(Units& units);
    Outcome<media::AccessUnit> unit_of_packet();
    std::vector<ByteSpan> pieces_of_packet(const PictureTime& time, std::vector<std::byte>& sei) const;
    /// From the encoder's own time to the line's.
    std::int64_t ticks(std::int64_t pts) const {
        return kind_.steady
                   ? media::rescale(pts * kind_.rate.seconds, kind_.rate.frames, media::video_timescale)
                   : pts;
    }

    EncodeOptions options_;
    std::uint64_t bitrate_max_;   // as it was configured
    PictureKind kind_;
    std::int64_t gop_;
    OpenEncoder encoder_;
    media::PictureReader reader_;
    ffmpeg::Packet packet_{av_packet_alloc()};
    std::deque<Inside> inside_;
    std::int64_t next_key_ = 0;   // on the line; unless pictures are steady, then the encoder counts
    bool key_asked_ = false;
    bool anew_ = false;   // before the next picture
};

void LibavEncoder::set_bitrate(std::uint64_t bits_per_second) {
    const std::uint64_t bits = std::max(EncodeOptions::bitrate_min, std::min(bits_per_second, bitrate_max_));
    const std::uint64_t step = std::max(bits, options_.bitrate) - std::min(bits, options_.bitrate);
    // Each time it is opened costs a key frame: not for less than a tenth.
    const bool trifle = !encoder_.follows_bitrate && bits != bitrate_max_ && step * 10 < options_.bitrate;
    if (step == 0 || trifle) {
        return;
    }
    options_.bitrate = bits;
    if (encoder_.follows_bitrate) {
        set_rate(*encoder_.context, bits, buffer_told);
    } else {
        anew_ = true;
    }
}

/// What is inside comes out first, so that nothing is lost.
Outcome<void> LibavEncoder::open_anew(Units& units) {
    units = drain();
    Outcome<OpenEncoder> encoder = open_encoder(options_, kind_);
    if (!encoder) {
        return std::unexpected(encoder.error());
    }
    encoder_ = std::move(*encoder);
    inside_.clear();
    anew_ = false;
    return {};
}

/// A steady picture's encoder counts by itself; here the key frames stand on the line's multiples.
bool LibavEncoder::is_key_due(const PictureTime& time) {
    const bool due = !kind_.steady && time.pts >= next_key_;
    if (due) {
        next_key_ = (time.pts / gop_ + 1) * gop_;
    }
    return std::exchange(key_asked_, false) || due;
}

Outcome<Units> LibavEncoder::encode(AVFrame& picture, const PictureTime& time) {
    Units units;
    if (anew_) {
        const Outcome<void> opened = open_anew(units);
        if (!opened) {
            return std::unexpected(opened.error());
        }
    }
    picture.pts = kind_.steady ? time.number : time.pts;
    picture.pict_type = is_key_due(time) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    inside_.push_back({picture.pts, time});
    if (inside_.size() > pictures_inside_max) {
        inside_.pop_front();
    }
    const int sent = avcodec_send_frame(encoder_.context.get(), &picture);
    if (sent < 0) {
        return std::unexpected(ffmpeg::fault("encoding a picture", sent));
    }
    const Outcome<void> taken = take_packets(units);
    return taken ? Outcome<Units>{std::move(units)} : std::unexpected(taken.error());
}

Units LibavEncoder::drain() {
    Units units;
    avcodec_send_frame(encoder_.context.get(), nullptr);
    [[maybe_unused]] const Outcome<void> taken = take_packets(units);   // what can be read
    return units;
}

Outcome<void> LibavEncoder::take_packets(Units& units) {
    while (avcodec_receive_packet(encoder_.context.get(), packet_.get()) == 0) {
        Outcome<media::AccessUnit> unit = unit_of_packet();
        av_packet_unref(packet_.get());
        if (!unit) {
            return std::unexpected(unit.error());
        }
        units.push_back(std::move(*unit));
    }
    return {};
}

/// The NAL units with our note before the first slice, or the OBUs.
std::vector<ByteSpan> LibavEncoder::pieces_of_packet(const PictureTime& time,
                                                     std::vector<std::byte>& sei) const {
    if (options_.codec == media::Codec::av1) {
        return media::av1::split_temporal_unit(ffmpeg::bytes_of(*packet_)).value_or(std::vector<ByteSpan>{});
    }
    std::vector<ByteSpan> nals = media::split_annex_b(ffmpeg::bytes_of(*packet_));
    sei = media::write_capture_sei(options_.codec,
                                   {.utc = time.taken, .frame = time.number, .qp = quantizer(*packet_)});
    const auto slice =
        std::ranges::find_if(nals, [&](ByteSpan nal) { return is_slice(options_.codec, nal); });
    nals.insert(slice, ByteSpan{sei});
    return nals;
}

Outcome<media::AccessUnit> LibavEncoder::unit_of_packet() {
    PictureTime time;
    const auto taken = std::ranges::find(inside_, packet_->pts, &Inside::pts);
    if (taken != inside_.end()) {
        time = taken->time;
        inside_.erase(taken);
    }
    std::vector<std::byte> sei;
    Result<std::optional<media::Picture>> picture = reader_.read(pieces_of_packet(time, sei));
    if (!picture || !*picture) {
        const std::string_view why = picture ? "no picture in it" : picture.error().what;
        return std::unexpected(Fault{fmt::format("the encoder's output cannot be read: {}", why)});
    }
    media::AccessUnit unit;
    media::describe(unit, std::move(**picture));
    set_times(unit, time);
    unit.dts = std::min(unit.pts, ticks(packet_->dts));
    return unit;
}

/// JPEGs, each a key frame, of the quality that was asked for; a bitrate that was asked for lowers it as far
/// as that needs.
class MotionJpegEncoder final : public VideoEncoder {
public:
    explicit MotionJpegEncoder(const EncodeOptions& options)
        : options_{options}, quality_max_{options.quality} {}

    Outcome<Units> encode(AVFrame& picture, const PictureTime& time) override;
    void set_bitrate(std::uint64_t bits_per_second) override { wanted_ = bits_per_second; }

private:
    /// Moves the quality so that JPEGs of this size come to the bitrate that was asked for, if one was.
    void follow(std::size_t bytes, const PictureTime& time);

    EncodeOptions options_;
    int quality_max_;   // as it was configured
    JpegEncoder encoder_;
    media::ConfigRef config_;
    std::uint64_t wanted_ = 0;   // 0: the quality stays
};

void MotionJpegEncoder::follow(std::size_t bytes, const PictureTime& time) {
    if (wanted_ == 0 || time.duration <= 0) {
        return;
    }
    const double bits =
        static_cast<double>(bytes) * 8 * media::video_timescale / static_cast<double>(time.duration);
    const double by = std::clamp(static_cast<double>(wanted_) / std::max(bits, 1.0), 0.7, 1.1);
    const auto quality = static_cast<int>(std::floor(options_.quality * by));
    constexpr int least = 5;
    // A little too many bits are let be, so that the quality does not swing.
    if (by < 1 || bits * 1.25 < static_cast<double>(wanted_)) {
        options_.quality = std::clamp(quality, least, quality_max_);
    }
}

Outcome<Units> MotionJpegEncoder::encode(AVFrame& picture, const PictureTime& time) {
    const PictureSize size{static_cast<std::uint32_t>(picture.width),
                           static_cast<std::uint32_t>(picture.height)};
    Outcome<Bytes> jpeg = encoder_.encode(picture, size, options_.quality);
    const Result<media::jpeg::Facts> facts =
        jpeg ? media::jpeg::read(jpeg->span()) : fail(Errc::malformed, "no JPEG");
    if (!jpeg || !facts) {
        return std::unexpected(jpeg ? Fault{std::string{facts.error().what}, false} : jpeg.error());
    }
    follow(jpeg->size(), time);
    media::AccessUnit unit;
    config_ = media::jpeg::config_from(*facts, config_);
    unit.config = config_;
    unit.payload = std::move(*jpeg);
    unit.key = true;
    unit.picture = media::PictureType::i;
    set_times(unit, time);
    Units units;
    units.push_back(std::move(unit));
    return units;
}

}   // namespace

Outcome<std::unique_ptr<VideoEncoder>> VideoEncoder::open(const EncodeOptions& options,
                                                          const PictureKind& kind) {
    if (options.codec == media::Codec::mjpeg) {
        return std::make_unique<MotionJpegEncoder>(options);
    }
    Outcome<OpenEncoder> encoder = open_encoder(options, kind);
    if (!encoder) {
        return std::unexpected(encoder.error());
    }
    return std::make_unique<LibavEncoder>(options, kind, std::move(*encoder));
}

PictureTime steady_time(const FrameRate& rate, std::uint32_t number, WallTime taken) {
    const auto ticks = [&rate](std::int64_t n) {
        return media::rescale(n * rate.seconds, rate.frames, media::video_timescale);
    };
    const std::int64_t pts = ticks(number);
    return {.pts = pts, .duration = ticks(std::int64_t{number} + 1) - pts, .number = number, .taken = taken};
}

}   // namespace millrace::capture
