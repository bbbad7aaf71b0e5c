#include "capture/picture_scaler.hpp"

extern "C" {
#include <libavutil/pixdesc.h>
}

namespace millrace::capture {

namespace {

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

bool is_rgb(const AVFrame& picture) {
    const AVPixFmtDescriptor* const format = av_pix_fmt_desc_get(static_cast<AVPixelFormat>(picture.format));
    return format != nullptr && (format->flags & AV_PIX_FMT_FLAG_RGB) != 0;
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
        case AVCOL_SPC_RGB:
        case AVCOL_SPC_UNSPECIFIED:
            return (is_rgb(picture) || !is_full_range(picture)) &&
                           (picture.width >= wide || picture.height > high)
                       ? SWS_CS_ITU709
                       : SWS_CS_ITU601;
        default: return SWS_CS_ITU601;
    }
}

}   // namespace

Outcome<void> PictureScaler::open(const Shape& shape) {
    if (scaler_ != nullptr && shape == shape_) {
        return {};
    }
    const bool same_size = shape.from_width == shape.to_width && shape.from_height == shape.to_height;
    const AVPixelFormat wanted = shape.to_jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    scaler_.reset(sws_getContext(shape.from_width, shape.from_height,
                                 static_cast<AVPixelFormat>(shape.format), shape.to_width, shape.to_height,
                                 wanted, same_size ? SWS_BILINEAR : SWS_AREA, nullptr, nullptr, nullptr));
    shape_ = shape;
    if (scaler_ == nullptr) {
        return std::unexpected(Fault{"a picture of a kind that cannot be scaled", true});
    }
    constexpr int unchanged = 1 << 16;
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(shape.matrix), shape.from_full ? 1 : 0,
                             sws_getCoefficients(shape.to_jpeg ? SWS_CS_ITU601 : shape.matrix),
                             shape.to_jpeg ? 1 : 0, 0, unchanged, unchanged);
    return {};
}

Outcome<ffmpeg::Frame> PictureScaler::scale(const AVFrame& picture, const Wish& wish) {
    const Shape shape{.from_width = picture.width,
                      .from_height = picture.height,
                      .to_width = wish.width,
                      .to_height = wish.height,
                      .format = picture.format,
                      .from_full = is_full_range(picture),
                      .to_jpeg = wish.jpeg,
                      .matrix = matrix_of(picture)};
    ffmpeg::Frame scaled{av_frame_alloc()};
    if (scaled == nullptr) {
        return std::unexpected(Fault{"no memory for a picture", false});
    }
    if (!wish.jpeg && picture.format == AV_PIX_FMT_YUV420P && !shape.from_full &&
        picture.width == wish.width && picture.height == wish.height) {
        return av_frame_ref(scaled.get(), &picture) == 0
                   ? Outcome<ffmpeg::Frame>{std::move(scaled)}
                   : std::unexpected(Fault{"no memory for a picture", false});
    }
    const Outcome<void> opened = open(shape);
    if (!opened) {
        return std::unexpected(opened.error());
    }
    scaled->format = wish.jpeg ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
    scaled->width = wish.width;
    scaled->height = wish.height;
    scaled->color_range = wish.jpeg ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
    scaled->colorspace = shape.matrix == SWS_CS_ITU709 ? AVCOL_SPC_BT709 : AVCOL_SPC_SMPTE170M;
    if (av_frame_get_buffer(scaled.get(), 0) < 0) {
        return std::unexpected(Fault{"no memory for a picture", false});
    }
    const int rows = sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height, scaled->data,
                               scaled->linesize);
    if (rows != wish.height) {
        return std::unexpected(Fault{"a picture could not be scaled", false});
    }
    return scaled;
}

}   // namespace millrace::capture
