#include "capture/jpeg_encoder.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::capture {

namespace {

constexpr AVPixelFormat jpeg_format = AV_PIX_FMT_YUVJ420P;
constexpr int quantizer_max = 31;

bool is_full_range(const AVFrame& picture) {
    switch (picture.format) {
        case AV_PIX_FMT_YUVJ420P:
        case AV_PIX_FMT_YUVJ422P:
        case AV_PIX_FMT_YUVJ444P:
        case AV_PIX_FMT_YUVJ440P:
        case AV_PIX_FMT_YUVJ411P: return true;
        default: return picture.color_range == AVCOL_RANGE_JPEG;
    }
}

/// Where a stream does not say it, large pictures are taken for BT.709, as players do.
int matrix_of(const AVFrame& picture) {
    constexpr int wide = 1280;
    constexpr int high = 576;
    switch (picture.colorspace) {
        case AVCOL_SPC_BT709: return SWS_CS_ITU709;
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL: return SWS_CS_BT2020;
        case AVCOL_SPC_SMPTE240M: return SWS_CS_SMPTE240M;
        case AVCOL_SPC_FCC: return SWS_CS_FCC;
        case AVCOL_SPC_UNSPECIFIED:
            return !is_full_range(picture) && (picture.width >= wide || picture.height > high)
                       ? SWS_CS_ITU709
                       : SWS_CS_ITU601;
        default: return SWS_CS_ITU601;
    }
}

/// The quantizer whose tables are about as fine as a JPEG library's at this quality: those of MPEG-1 times
/// q/8, against those of T.81 Annex K times 50/quality, or from 50 on times (200 − 2·quality)/100.
int quantizer_of(int quality) {
    constexpr double same = 0.16;   // of the tables' averages
    const double percent = quality < 50 ? 5000.0 / quality : 200.0 - 2.0 * quality;
    return std::clamp(static_cast<int>(std::lround(percent * same)), 1, quantizer_max);
}

}   // namespace

Outcome<Bytes> JpegEncoder::encode(const AVFrame& picture, PictureSize size, int quality) {
    const Outcome<void> scaled = scale(picture, size);
    if (!scaled) {
        return std::unexpected(scaled.error());
    }
    const Outcome<void> opened = open(size);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    scaled_->pts = number_++;
    scaled_->quality = quantizer_of(quality) * FF_QP2LAMBDA;
    const int sent = avcodec_send_frame(encoder_.get(), scaled_.get());
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

Outcome<void> JpegEncoder::scale(const AVFrame& picture, PictureSize size) {
    const Shape shape{
        .from = {static_cast<std::uint32_t>(picture.width), static_cast<std::uint32_t>(picture.height)},
        .to = size,
        .format = picture.format,
        .full_range = is_full_range(picture),
        .matrix = matrix_of(picture)};
    const int width = static_cast<int>(size.width);
    const int height = static_cast<int>(size.height);
    if (scaler_ == nullptr || shape != shape_) {
        const int flags = shape.from == shape.to ? SWS_BILINEAR : SWS_AREA;
        scaler_.reset(sws_getContext(picture.width, picture.height,
                                     static_cast<AVPixelFormat>(picture.format), width, height, jpeg_format,
                                     flags, nullptr, nullptr, nullptr));
        shape_ = shape;
        if (scaler_ == nullptr) {
            return std::unexpected(Fault{"a picture of a kind that cannot be scaled", true});
        }
        constexpr int unchanged = 1 << 16;
        sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(shape.matrix), shape.full_range ? 1 : 0,
                                 sws_getCoefficients(SWS_CS_ITU601), 1, 0, unchanged, unchanged);
    }
    // A frame of its own each time: the encoder may still hold the one before.
    scaled_.reset(av_frame_alloc());
    scaled_->format = jpeg_format;
    scaled_->width = width;
    scaled_->height = height;
    scaled_->color_range = AVCOL_RANGE_JPEG;
    if (av_frame_get_buffer(scaled_.get(), 0) < 0) {
        return std::unexpected(Fault{"no memory for a picture", false});
    }
    const int rows = sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height,
                               scaled_->data, scaled_->linesize);
    return rows == height ? Outcome<void>{} : std::unexpected(Fault{"a picture could not be scaled", false});
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
