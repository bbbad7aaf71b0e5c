#include "capture/video_encoder.hpp"

#include "capture/ffmpeg.hpp"
#include "media/h264.hpp"
#include "media/h265.hpp"
#include "media/nal.hpp"
#include "media/picture_reader.hpp"
#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <deque>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
/// x265 keeps some of the words it was given as parameters when it is closed.
extern "C" const char* __lsan_default_suppressions();   // NOLINT(bugprone-reserved-identifier): theirs
const char* __lsan_default_suppressions() {             // NOLINT(bugprone-reserved-identifier)
    return "leak:libx265";
}
#endif
#endif

namespace millrace::capture {

namespace {

/// Pictures inside the encoder; without delay there is one at most.
constexpr std::size_t pictures_inside_max = 64;
constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
/// What one thread of x264's faster presets encodes with room to spare, in luma samples a second.
constexpr double samples_a_thread = 1920.0 * 1080 * 30;
constexpr int threads_max = 4;

struct Taken {
    std::int64_t number;
    WallTime utc;
};

bool is_slice(media::Codec codec, ByteSpan nal) {
    return codec == media::Codec::h264 ? media::h264::is_vcl(media::h264::type_of(nal))
                                       : media::h265::is_vcl(media::h265::type_of(nal));
}

std::string encoder_parameters(const CameraOptions& options, int gop, int threads) {
    if (options.codec == media::Codec::h265) {
        return fmt::format(
            "log-level=error:keyint={}:min-keyint=1:scenecut=0:bframes=0:repeat-headers=1:"
            "frame-threads=1:pools={}",
            gop, threads > 1 ? fmt::to_string(threads) : "none");
    }
    return "scenecut=0:bframes=0";
}

void set_up(AVCodecContext& context, const CameraOptions& options, ffmpeg::Options& words) {
    const FrameRate rate = options.frame_rate;
    const double samples = options.width * options.height * rate.value();
    const int threads = std::clamp(static_cast<int>(samples / samples_a_thread) + 1, 1, threads_max);
    const auto gop = std::max<std::int64_t>(
        1, media::rescale_nearest(options.gop.count(), nanoseconds_a_second * rate.seconds, rate.frames));
    const bool h265 = options.codec == media::Codec::h265;
    context.width = static_cast<int>(options.width);
    context.height = static_cast<int>(options.height);
    context.pix_fmt = AV_PIX_FMT_YUV420P;
    context.time_base = {static_cast<int>(rate.seconds), static_cast<int>(rate.frames)};
    context.framerate = {static_cast<int>(rate.frames), static_cast<int>(rate.seconds)};
    context.bit_rate = static_cast<std::int64_t>(options.bitrate);
    context.rc_max_rate = context.bit_rate;
    context.rc_buffer_size = static_cast<int>(options.bitrate);
    context.gop_size = static_cast<int>(gop);
    context.max_b_frames = 0;
    context.thread_count = threads;
    context.color_range = AVCOL_RANGE_MPEG;
    words.set("preset", options.preset.empty() ? (h265 ? "ultrafast" : "superfast") : options.preset);
    words.set("tune", "zerolatency");
    words.set("forced-idr", "1");
    words.set(h265 ? "x265-params" : "x264-params",
              encoder_parameters(options, static_cast<int>(gop), threads));
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

}   // namespace

struct VideoEncoder::Parts {
    media::Codec codec;
    FrameRate rate;
    ffmpeg::Codec context;
    ffmpeg::Frame frame;
    ffmpeg::Packet packet;
    media::PictureReader reader;
    std::deque<Taken> inside;
};

VideoEncoder::VideoEncoder(std::unique_ptr<Parts> parts) : parts_{std::move(parts)} {
}
VideoEncoder::~VideoEncoder() = default;

Outcome<std::unique_ptr<VideoEncoder>> VideoEncoder::open(const CameraOptions& options) {
    const char* const name = options.codec == media::Codec::h265 ? "libx265" : "libx264";
    const AVCodec* const codec = avcodec_find_encoder_by_name(name);
    if (codec == nullptr) {
        return std::unexpected(Fault{fmt::format("this FFmpeg has no encoder {}", name), true});
    }
    ffmpeg::Codec context{avcodec_alloc_context3(codec)};
    ffmpeg::Options words;
    set_up(*context, options, words);
    const int opened = avcodec_open2(context.get(), codec, words.raw());
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening {}", name), opened));
    }
    if (words.left() != nullptr) {
        return std::unexpected(Fault{fmt::format("{} has no option {}", name, words.left()), true});
    }
    return std::unique_ptr<VideoEncoder>{
        new VideoEncoder{std::unique_ptr<Parts>{new Parts{options.codec,
                                                          options.frame_rate,
                                                          std::move(context),
                                                          ffmpeg::Frame{av_frame_alloc()},
                                                          ffmpeg::Packet{av_packet_alloc()},
                                                          media::PictureReader{options.codec},
                                                          {}}}}};
}

void VideoEncoder::set_bitrate(std::uint64_t bits_per_second) {
    const std::uint64_t bits =
        std::clamp(bits_per_second, CameraOptions::bitrate_min, CameraOptions::bitrate_max);
    AVCodecContext& context = *parts_->context;
    context.bit_rate = static_cast<std::int64_t>(bits);
    context.rc_max_rate = context.bit_rate;
    context.rc_buffer_size = static_cast<int>(bits);
}

Outcome<std::vector<media::AccessUnit>> VideoEncoder::encode(const Canvas& picture, std::int64_t number,
                                                             WallTime taken) {
    Parts& parts = *parts_;
    AVFrame& frame = *parts.frame;
    frame.format = AV_PIX_FMT_YUV420P;
    frame.width = static_cast<int>(picture.width());
    frame.height = static_cast<int>(picture.height());
    for (unsigned plane = 0; plane < 3; ++plane) {
        // The encoder copies what has no owner, and writes nothing into it.
        frame.data[plane] = const_cast<std::uint8_t*>(picture.plane(plane).data());
        frame.linesize[plane] = static_cast<int>(plane == 0 ? picture.width() : picture.width() / 2);
    }
    frame.pts = number;
    frame.pict_type = std::exchange(key_asked_, false) ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
    parts.inside.push_back({number, taken});
    if (parts.inside.size() > pictures_inside_max) {
        parts.inside.pop_front();
    }
    const int sent = avcodec_send_frame(parts.context.get(), &frame);
    if (sent < 0) {
        return std::unexpected(ffmpeg::fault("encoding a picture", sent));
    }
    std::vector<media::AccessUnit> units;
    while (avcodec_receive_packet(parts.context.get(), parts.packet.get()) == 0) {
        Outcome<media::AccessUnit> unit = unit_of_packet();
        av_packet_unref(parts.packet.get());
        if (!unit) {
            return std::unexpected(unit.error());
        }
        units.push_back(std::move(*unit));
    }
    return units;
}

Outcome<media::AccessUnit> VideoEncoder::unit_of_packet() {
    Parts& parts = *parts_;
    const AVPacket& packet = *parts.packet;
    std::vector<ByteSpan> nals = media::split_annex_b(ffmpeg::bytes_of(packet));
    media::CaptureNote note{
        .utc = {}, .frame = static_cast<std::uint32_t>(packet.pts), .qp = quantizer(packet)};
    const auto taken = std::ranges::find(parts.inside, packet.pts, &Taken::number);
    if (taken != parts.inside.end()) {
        note.utc = taken->utc;
        parts.inside.erase(taken);
    }
    const std::vector<std::byte> sei = media::write_capture_sei(parts.codec, note);
    const auto slice = std::ranges::find_if(nals, [&](ByteSpan nal) { return is_slice(parts.codec, nal); });
    nals.insert(slice, ByteSpan{sei});
    Result<std::optional<media::Picture>> picture = parts.reader.read(nals);
    if (!picture || !*picture) {
        const std::string_view why = picture ? "no picture in it" : picture.error().what;
        return std::unexpected(Fault{fmt::format("the encoder's output cannot be read: {}", why)});
    }
    media::AccessUnit unit;
    media::describe(unit, std::move(**picture));
    const auto ticks = [&parts](std::int64_t number) {
        return media::rescale(number * parts.rate.seconds, parts.rate.frames, media::video_timescale);
    };
    unit.pts = ticks(packet.pts);
    unit.dts = ticks(packet.dts);
    unit.duration = ticks(packet.pts + 1) - unit.pts;
    return unit;
}

}   // namespace millrace::capture
