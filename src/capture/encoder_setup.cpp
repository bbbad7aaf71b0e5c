#include "capture/encoder_setup.hpp"

#include "media/time.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>

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

constexpr std::int64_t nanoseconds_a_second = 1'000'000'000;
/// What one thread of x264's faster presets encodes with room to spare, in luma samples a second.
constexpr double samples_a_thread = 1920.0 * 1080 * 30;
constexpr int threads_max = 4;

/// What is asked of an encoder, besides its bitrate.
struct Order {
    const EncodeOptions& options;
    int gop = 1;   ///< pictures from key frame to key frame
    int threads = 1;
};

std::string preset_of(const EncodeOptions& options, std::string_view otherwise) {
    return options.preset.empty() ? std::string{otherwise} : options.preset;
}

/// "scenecut" would put key frames where the picture changes, beside those on the second.
void set_up_x264(AVCodecContext& /*context*/, ffmpeg::Options& words, const Order& order) {
    words.set("preset", preset_of(order.options, "superfast"));
    words.set("forced-idr", "1");
    if (order.options.b_frames == 0) {
        words.set("tune", "zerolatency");
        words.set("x264-params", "scenecut=0:bframes=0");
    } else {
        words.set("x264-params",
                  fmt::format("scenecut=0:bframes={}:b-adapt=0:rc-lookahead=0:sync-lookahead=0:"
                              "sliced-threads=1:mbtree=0",
                              order.options.b_frames));
    }
}

void set_up_x265(AVCodecContext& /*context*/, ffmpeg::Options& words, const Order& order) {
    words.set("preset", preset_of(order.options, "ultrafast"));
    if (order.options.b_frames == 0) {
        words.set("tune", "zerolatency");
    }
    words.set("forced-idr", "1");
    words.set("x265-params",
              fmt::format("log-level=error:keyint={}:min-keyint=1:scenecut=0:bframes={}:b-adapt=0:"
                          "repeat-headers=1:frame-threads=1:pools={}",
                          order.gop, order.options.b_frames,
                          order.threads > 1 ? fmt::to_string(order.threads) : "none"));
}

/// pred-struct 1 is low delay, rc 2 a constant bitrate, which is what it has for that.
void set_up_svt(AVCodecContext& context, ffmpeg::Options& words, const Order& order) {
    ::setenv("SVT_LOG", "1", 0);   // it tells its life otherwise
    words.set("preset", "10");
    words.set("svtav1-params", fmt::format("pred-struct=1:rc=2:scd=0:lp={}", order.threads));
    context.rc_max_rate = 0;
    context.rc_buffer_size = 0;
}

void set_up_nvenc(AVCodecContext& /*context*/, ffmpeg::Options& words, const Order& /*order*/) {
    words.set("preset", "p4");
    words.set("tune", "ull");
    words.set("zerolatency", "1");
    words.set("delay", "0");
    words.set("rc", "cbr");
    words.set("forced-idr", "1");
}

void set_up_qsv(AVCodecContext& context, ffmpeg::Options& words, const Order& /*order*/) {
    context.pix_fmt = AV_PIX_FMT_NV12;
    words.set("async_depth", "1");
    words.set("forced_idr", "1");
}

void set_up_plain(AVCodecContext& /*context*/, ffmpeg::Options& /*words*/, const Order& /*order*/) {
}

/// An encoder that we know to handle.
struct Known {
    std::string_view name;
    media::Codec codec;
    bool hardware;
    bool follows_bitrate;
    void (*set_up)(AVCodecContext& context, ffmpeg::Options& words, const Order& order);
};
constexpr std::array known{
    Known{"h264_nvenc", media::Codec::h264, true, true, set_up_nvenc},
    Known{"h264_qsv", media::Codec::h264, true, false, set_up_qsv},
    Known{"h264_v4l2m2m", media::Codec::h264, true, false, set_up_plain},
    Known{"libx264", media::Codec::h264, false, true, set_up_x264},
    Known{"hevc_nvenc", media::Codec::h265, true, true, set_up_nvenc},
    Known{"hevc_qsv", media::Codec::h265, true, false, set_up_qsv},
    Known{"hevc_v4l2m2m", media::Codec::h265, true, false, set_up_plain},
    Known{"libx265", media::Codec::h265, false, false, set_up_x265},
    Known{"libsvtav1", media::Codec::av1, false, false, set_up_svt},
};

void describe(AVCodecContext& context, const EncodeOptions& options, const PictureKind& kind) {
    const FrameRate rate = kind.rate;
    context.width = static_cast<int>(kind.size.width);
    context.height = static_cast<int>(kind.size.height);
    context.pix_fmt = AV_PIX_FMT_YUV420P;
    context.framerate = {static_cast<int>(rate.frames), static_cast<int>(rate.seconds)};
    context.time_base = kind.steady ? av_inv_q(context.framerate) : AVRational{1, media::video_timescale};
    context.max_b_frames = static_cast<int>(options.b_frames);
    context.color_range = AVCOL_RANGE_MPEG;
    set_rate(context, options.bitrate, buffer_usual);
}

Outcome<OpenEncoder> open_known(const Known& one, const EncodeOptions& options, const PictureKind& kind) {
    const std::string name{one.name};
    const AVCodec* const codec = avcodec_find_encoder_by_name(name.c_str());
    if (codec == nullptr) {
        return std::unexpected(Fault{fmt::format("this FFmpeg has no encoder {}", name), true});
    }
    OpenEncoder open{ffmpeg::Codec{avcodec_alloc_context3(codec)}, one.follows_bitrate};
    const double samples = kind.size.width * kind.size.height * kind.rate.value();
    // Where pictures come as they like, key frames are asked for by the clock.
    const std::int64_t pictures_a_gop = media::rescale_nearest(
        options.gop.count(), nanoseconds_a_second * kind.rate.seconds, kind.rate.frames);
    constexpr int seldom = 100;
    const auto gop = static_cast<int>(std::max<std::int64_t>(1, pictures_a_gop)) * (kind.steady ? 1 : seldom);
    const int threads = std::clamp(static_cast<int>(samples / samples_a_thread) + 1, 1, threads_max);
    describe(*open.context, options, kind);
    open.context->gop_size = gop;
    open.context->thread_count = threads;
    ffmpeg::Options words;
    one.set_up(*open.context, words, {options, gop, threads});
    const int opened = avcodec_open2(open.context.get(), codec, words.raw());
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening {}", name), opened));
    }
    if (words.left() != nullptr) {
        return std::unexpected(Fault{fmt::format("{} has no option {}", name, words.left()), true});
    }
    return open;
}

}   // namespace

void set_rate(AVCodecContext& context, std::uint64_t bits_per_second, Duration buffer) {
    const std::uint64_t bits =
        std::clamp(bits_per_second, EncodeOptions::bitrate_min, EncodeOptions::bitrate_max);
    context.bit_rate = static_cast<std::int64_t>(bits);
    context.rc_max_rate = context.bit_rate;
    context.rc_buffer_size = static_cast<int>(static_cast<std::int64_t>(bits) * (buffer / 1ms) / 1'000);
}

Outcome<OpenEncoder> open_encoder(const EncodeOptions& options, const PictureKind& kind) {
    const bool hardware = options.encoder == "hardware";
    Fault why{fmt::format("there is no encoder '{}' of {} here", options.encoder, media::name(options.codec)),
              true};
    for (const Known& one : known) {
        const bool wanted =
            options.encoder.empty() || hardware ? hardware || !one.hardware : one.name == options.encoder;
        if (one.codec != options.codec || !wanted) {
            continue;
        }
        const int level = av_log_get_level();
        av_log_set_level(hardware && one.hardware ? AV_LOG_QUIET : level);   // most machines have none
        Outcome<OpenEncoder> open = open_known(one, options, kind);
        av_log_set_level(level);
        if (open && hardware && !one.hardware) {
            fmt::print(stderr, "no graphics card here encodes {}: {} does\n", media::name(one.codec),
                       one.name);
        }
        if (open) {
            return open;
        }
        why = open.error();
    }
    return std::unexpected(why);
}

}   // namespace millrace::capture
