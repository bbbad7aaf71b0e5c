#include "capture/picture_decoder.hpp"

#include "capture/picture_options.hpp"
#include "media/h264_config.hpp"
#include "media/h265_config.hpp"

#include <fmt/format.h>
#include <algorithm>
#include <cstring>

namespace millrace::capture {

namespace {

AVCodecID id_of(media::Codec codec) {
    switch (codec) {
        case media::Codec::h264: return AV_CODEC_ID_H264;
        case media::Codec::h265: return AV_CODEC_ID_HEVC;
        case media::Codec::av1: return AV_CODEC_ID_AV1;
        case media::Codec::mjpeg: return AV_CODEC_ID_MJPEG;
        default: return AV_CODEC_ID_NONE;
    }
}

/// What a decoder is told before the first unit.
std::vector<std::byte> record_of(const media::TrackConfig& config) {
    switch (config.codec) {
        case media::Codec::h264: return media::h264::write_avcc(config);
        case media::Codec::h265: return media::h265::write_hvcc(config);
        default: return {};
    }
}

/// Gives the decoder a device that can do it; libavcodec then chooses it by itself, as long as it can.
void take_device(AVCodecContext& context, const AVCodec& codec) {
    for (int at = 0; const AVCodecHWConfig* const way = avcodec_get_hw_config(&codec, at); ++at) {
        const bool by_device = (way->methods & AV_CODEC_HW_CONFIG_METHOD_HW_DEVICE_CTX) != 0;
        if (by_device &&
            av_hwdevice_ctx_create(&context.hw_device_ctx, way->device_type, nullptr, nullptr, 0) >= 0) {
            return;
        }
    }
}

/// A picture that lies in a device's memory, in ours; nothing where it cannot be had.
ffmpeg::Frame in_memory(ffmpeg::Frame frame) {
    if (frame->hw_frames_ctx == nullptr) {
        return frame;
    }
    ffmpeg::Frame copy{av_frame_alloc()};
    const bool copied = copy != nullptr && av_hwframe_transfer_data(copy.get(), frame.get(), 0) >= 0 &&
                        av_frame_copy_props(copy.get(), frame.get()) >= 0;
    return copied ? std::move(copy) : ffmpeg::Frame{};
}

bool set_extra(AVCodecContext& context, ByteSpan record) {
    if (record.empty()) {
        return true;
    }
    context.extradata = static_cast<std::uint8_t*>(av_mallocz(record.size() + AV_INPUT_BUFFER_PADDING_SIZE));
    if (context.extradata == nullptr) {
        return false;
    }
    std::memcpy(context.extradata, record.data(), record.size());
    context.extradata_size = static_cast<int>(record.size());
    return true;
}

}   // namespace

PictureDecoder::PictureDecoder(media::ConfigRef config, ffmpeg::Codec context)
    : config_{std::move(config)}, context_{std::move(context)}, packet_{av_packet_alloc()} {
}

Outcome<std::unique_ptr<PictureDecoder>> PictureDecoder::open(const media::ConfigRef& config, By by) {
    if (config->width > decoded_side_max || config->height > decoded_side_max) {
        return std::unexpected(Fault{fmt::format("a picture of {}x{} is too large to decode; {} a side is "
                                                 "the most",
                                                 config->width, config->height, decoded_side_max),
                                     true});
    }
    const AVCodec* const codec = avcodec_find_decoder(id_of(config->codec));
    if (codec == nullptr) {
        return std::unexpected(
            Fault{fmt::format("this FFmpeg has no decoder of {}", media::name(config->codec)), true});
    }
    ffmpeg::Codec context{avcodec_alloc_context3(codec)};
    if (context == nullptr || !set_extra(*context, record_of(*config))) {
        return std::unexpected(Fault{"no memory for a decoder", false});
    }
    context->thread_count = 1;
    context->pkt_timebase = {1, static_cast<int>(config->timescale)};
    // The bitstream may say another size than the configuration does.
    context->max_pixels = std::int64_t{decoded_side_max} * decoded_side_max;
    if (by == By::hardware) {
        take_device(*context, *codec);
    }
    const int opened = avcodec_open2(context.get(), codec, nullptr);
    if (opened < 0) {
        return std::unexpected(ffmpeg::fault(fmt::format("opening a decoder of {}", codec->name), opened));
    }
    return std::unique_ptr<PictureDecoder>{new PictureDecoder{config, std::move(context)}};
}

std::vector<ffmpeg::Frame> PictureDecoder::decode(const media::AccessUnit& unit) {
    // AV1: the sequence header was taken out of the unit and stands before it again.
    const bool with_header = config_->codec == media::Codec::av1 && unit.key;
    const ByteSpan header = with_header ? config_->extra.span() : ByteSpan{};
    const std::size_t size = header.size() + unit.payload.size();
    took_ = false;
    if (av_new_packet(packet_.get(), static_cast<int>(size)) < 0) {
        return {};
    }
    const auto body = std::ranges::copy(header, reinterpret_cast<std::byte*>(packet_->data)).out;
    std::ranges::copy(unit.payload, body);
    packet_->pts = unit.pts;
    packet_->dts = unit.dts;
    packet_->flags = unit.key ? AV_PKT_FLAG_KEY : 0;
    const int sent = avcodec_send_packet(context_.get(), packet_.get());
    av_packet_unref(packet_.get());
    took_ = sent >= 0;
    return sent < 0 ? std::vector<ffmpeg::Frame>{} : take_frames();
}

std::vector<ffmpeg::Frame> PictureDecoder::drain() {
    avcodec_send_packet(context_.get(), nullptr);
    std::vector<ffmpeg::Frame> frames = take_frames();
    avcodec_flush_buffers(context_.get());
    return frames;
}

std::vector<ffmpeg::Frame> PictureDecoder::take_frames() {
    std::vector<ffmpeg::Frame> frames;
    for (;;) {
        ffmpeg::Frame frame{av_frame_alloc()};
        if (frame == nullptr || avcodec_receive_frame(context_.get(), frame.get()) < 0) {
            return frames;
        }
        if (ffmpeg::Frame ours = in_memory(std::move(frame))) {
            frames.push_back(std::move(ours));
        }
    }
}

}   // namespace millrace::capture
