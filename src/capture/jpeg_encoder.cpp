#include "capture/jpeg_encoder.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::capture {

namespace {

constexpr AVPixelFormat jpeg_format = AV_PIX_FMT_YUVJ420P;
constexpr int quantizer_max = 31;

/// The quantizer whose tables are about as fine as a JPEG library's at this quality: those of MPEG-1 times
/// q/8, against those of T.81 Annex K times 50/quality, or from 50 on times (200 − 2·quality)/100.
int quantizer_of(int quality) {
    constexpr double same = 0.16;   // of the tables' averages
    const double percent = quality < 50 ? 5000.0 / quality : 200.0 - 2.0 * quality;
    return std::clamp(static_cast<int>(std::lround(percent * same)), 1, quantizer_max);
}

}   // namespace

Outcome<Bytes> JpegEncoder::encode(const AVFrame& picture, PictureSize size, int quality) {
    const Outcome<ffmpeg::Frame> scaled = scaler_.scale(
        picture,
        {.width = static_cast<int>(size.width), .height = static_cast<int>(size.height), .jpeg = true});
    if (!scaled) {
        return std::unexpected(scaled.error());
    }
    AVFrame& frame = **scaled;
    const Outcome<void> opened = open(size);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    frame.pts = number_++;
    frame.quality = quantizer_of(quality) * FF_QP2LAMBDA;
    const int sent = avcodec_send_frame(encoder_.get(), &frame);
    if (sent < 0) {
        return std::unexpected(ffmpeg::fault("encoding a JPEG", sent));
    }
    const int received = avcodec_receive_packet(encoder_.get(), packet_.get());
    if (received < 0) {
        return std::unexpected(ffmpeg::fault("encoding a JPEG", received));
    }
    Bytes jpeg = Bytes::copy(ffmpeg::bytes_of(*packet_));
    av_packet_unref(packet_.get());
    return jpeg;
}

Outcome<void> JpegEncoder::open(PictureSize size) {
    const int width = static_cast<int>(size.width);
    const int height = static_cast<int>(size.height);
    if (encoder_ != nullptr && encoder_->width == width && encoder_->height == height) {
        return {};
    }
    const AVCodec* const codec = avcodec_find_encoder(AV_CODEC_ID_MJPEG);
    if (codec == nullptr) {
        return std::unexpected(Fault{"this FFmpeg has no encoder of JPEG", true});
    }
    encoder_.reset(avcodec_alloc_context3(codec));
    packet_.reset(av_packet_alloc());
    encoder_->width = width;
    encoder_->height = height;
    encoder_->pix_fmt = jpeg_format;
    encoder_->color_range = AVCOL_RANGE_JPEG;
    encoder_->sample_aspect_ratio = {1, 1};   // written as JFIF
    encoder_->time_base = {1, 90'000};
    encoder_->thread_count = 1;
    // The quantizer is each picture's own, and no version stands in a comment.
    encoder_->flags |= AV_CODEC_FLAG_QSCALE | AV_CODEC_FLAG_BITEXACT;
    encoder_->qmin = 1;
    encoder_->qmax = quantizer_max;
    encoder_->global_quality = FF_QP2LAMBDA;
    const int opened = avcodec_open2(encoder_.get(), codec, nullptr);
    if (opened < 0) {
        encoder_.reset();
        return std::unexpected(ffmpeg::fault("opening the encoder of JPEG", opened));
    }
    return {};
}

}   // namespace millrace::capture
