#include "playback/picture_ring.hpp"

#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cstring>

namespace millrace::playback {

namespace {

using capture::Fault;

bool is_full_range(const AVFrame& picture) {
    return picture.color_range == AVCOL_RANGE_JPEG || picture.format == AV_PIX_FMT_YUVJ420P ||
           picture.format == AV_PIX_FMT_YUVJ422P || picture.format == AV_PIX_FMT_YUVJ444P;
}

/// Where a stream does not say it, large pictures are taken for BT.709, as players do; JPEGs are BT.601.
picture_ring::Colours colours_of(const AVFrame& picture) {
    using Matrix = picture_ring::Colours::Matrix;
    constexpr int wide = 1280;
    constexpr int high = 576;
    const bool full_range = is_full_range(picture);
    switch (picture.colorspace) {
        case AVCOL_SPC_BT709: return {Matrix::bt709, full_range};
        case AVCOL_SPC_BT2020_NCL:
        case AVCOL_SPC_BT2020_CL: return {Matrix::bt2020, full_range};
        case AVCOL_SPC_UNSPECIFIED: {
            const bool large = !full_range && (picture.width >= wide || picture.height > high);
            return {large ? Matrix::bt709 : Matrix::bt601, full_range};
        }
        default: return {Matrix::bt601, full_range};
    }
}

/// Where the planes of a picture lie, for libswscale and for copying.
struct Target {
    std::array<std::uint8_t*, 4> planes{};
    std::array<int, 4> strides{};
};

Target target_in(std::span<std::byte> slot, picture_ring::Layout layout) {
    auto* const luma = reinterpret_cast<std::uint8_t*>(slot.data());
    std::uint8_t* const u = luma + layout.luma_size();
    return {.planes = {luma, u, u + layout.chroma_size(), nullptr},
            .strides = {static_cast<int>(layout.width), static_cast<int>(layout.chroma_width()),
                        static_cast<int>(layout.chroma_width()), 0}};
}

void copy_plane(const AVFrame& picture, int plane, std::uint8_t* to, picture_ring::Layout rows) {
    const std::uint8_t* from = picture.data[plane];
    for (std::uint32_t row = 0; row < rows.height; ++row) {
        std::memcpy(to, from, rows.width);
        from += picture.linesize[plane];
        to += rows.width;
    }
}

}   // namespace

capture::Outcome<std::unique_ptr<PictureRing>> PictureRing::open(int descriptor) {
    struct stat what{};
    void* memory = MAP_FAILED;
    // A file that could shrink under us would be a crash waiting to happen; the server's is sealed.
    if (::fstat(descriptor, &what) == 0 && std::cmp_equal(what.st_size, picture_ring::size)) {
        memory = ::mmap(nullptr, picture_ring::size, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    }
    ::close(descriptor);
    if (memory == MAP_FAILED) {
        return std::unexpected(Fault{"there is no memory for pictures", true});
    }
    return std::unique_ptr<PictureRing>{
        new PictureRing{std::span{static_cast<std::byte*>(memory), picture_ring::size}}};
}

PictureRing::~PictureRing() {
    ::munmap(memory_.data(), memory_.size());
}

capture::Outcome<RingPicture> PictureRing::put(const AVFrame& picture) {
    const picture_ring::Layout layout{static_cast<std::uint32_t>(std::max(picture.width, 0)),
                                      static_cast<std::uint32_t>(std::max(picture.height, 0))};
    std::uint8_t slot = 0;
    while (slot < picture_ring::slots && taken_[slot]) {
        ++slot;
    }
    if (!layout.fits() || slot == picture_ring::slots) {
        return std::unexpected(
            Fault{fmt::format("no room for a picture of {}x{}", picture.width, picture.height), false});
    }
    const std::span<std::byte> place = memory_.subspan(slot * picture_ring::slot_size, layout.size());
    if (picture.format == AV_PIX_FMT_YUV420P || picture.format == AV_PIX_FMT_YUVJ420P) {
        const Target target = target_in(place, layout);
        const picture_ring::Layout chroma{layout.chroma_width(), layout.chroma_height()};
        copy_plane(picture, 0, target.planes[0], layout);
        copy_plane(picture, 1, target.planes[1], chroma);
        copy_plane(picture, 2, target.planes[2], chroma);
    } else if (const capture::Outcome<void> converted = convert(picture, layout, place); !converted) {
        return std::unexpected(converted.error());
    }
    taken_.set(slot);
    return RingPicture{slot, layout, colours_of(picture)};
}

capture::Outcome<void> PictureRing::convert(const AVFrame& picture, picture_ring::Layout layout,
                                            std::span<std::byte> slot) {
    const bool full_range = is_full_range(picture);
    if (scaler_format_ != picture.format || scaler_layout_ != layout) {
        const AVPixelFormat to = full_range ? AV_PIX_FMT_YUVJ420P : AV_PIX_FMT_YUV420P;
        scaler_.reset(sws_getContext(picture.width, picture.height,
                                     static_cast<AVPixelFormat>(picture.format), picture.width,
                                     picture.height, to, SWS_BILINEAR, nullptr, nullptr, nullptr));
        scaler_format_ = picture.format;
        scaler_layout_ = layout;
        if (scaler_ != nullptr) {
            // Samples are thinned out, never stretched: both ends have the same colours and range.
            constexpr int unchanged = 1 << 16;
            const int* const matrix = sws_getCoefficients(SWS_CS_DEFAULT);
            sws_setColorspaceDetails(scaler_.get(), matrix, full_range ? 1 : 0, matrix, full_range ? 1 : 0, 0,
                                     unchanged, unchanged);
        }
    }
    const Target target = target_in(slot, layout);
    const int rows = scaler_ == nullptr
                         ? 0
                         : sws_scale(scaler_.get(), picture.data, picture.linesize, 0, picture.height,
                                     target.planes.data(), target.strides.data());
    return rows == picture.height
               ? capture::Outcome<void>{}
               : std::unexpected(Fault{"a picture of a kind that cannot be converted", false});
}

}   // namespace millrace::playback
