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

Outcome<std::unique_ptr<PictureDecoder>> PictureDecoder::open(const media::ConfigRef& config) {
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
        frames.push_back(std::move(frame));
    }
}

}   // namespace millrace::capture
