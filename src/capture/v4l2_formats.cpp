#include "capture/v4l2_formats.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <linux/videodev2.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstring>

namespace millrace::capture {

namespace {

/// What a driver may enumerate of each kind; more is no camera's.
constexpr std::uint32_t entries_max = 64;

template <class Entry>
bool ask(int camera, unsigned long request, Entry& entry) {
    return ::ioctl(camera, request, &entry) == 0;
}

std::vector<double> rates_of(int camera, std::uint32_t format, v4l2_frmsize_discrete size) {
    std::vector<double> rates;
    for (std::uint32_t index = 0; index < entries_max; ++index) {
        v4l2_frmivalenum interval{};
        interval.index = index;
        interval.pixel_format = format;
        interval.width = size.width;
        interval.height = size.height;
        if (!ask(camera, VIDIOC_ENUM_FRAMEINTERVALS, interval)) {
            break;
        }
        // The shortest interval of a range is the highest rate.
        const v4l2_fract step =
            interval.type == V4L2_FRMIVAL_TYPE_DISCRETE ? interval.discrete : interval.stepwise.min;
        if (step.numerator > 0) {
            rates.push_back(static_cast<double>(step.denominator) / step.numerator);
        }
    }
    return rates;
}

void add_sizes(int camera, std::uint32_t format, std::vector<DeviceFormat>& formats) {
    for (std::uint32_t index = 0; index < entries_max; ++index) {
        v4l2_frmsizeenum size{};
        size.index = index;
        size.pixel_format = format;
        if (!ask(camera, VIDIOC_ENUM_FRAMESIZES, size)) {
            break;
        }
        const bool one = size.type == V4L2_FRMSIZE_TYPE_DISCRETE;
        const v4l2_frmsize_discrete most =
            one ? size.discrete : v4l2_frmsize_discrete{size.stepwise.max_width, size.stepwise.max_height};
        formats.push_back({format_name(format), fmt::format("{}x{}", most.width, most.height),
                           rates_of(camera, format, most)});
    }
}

}   // namespace

std::string format_name(std::uint32_t fourcc) {
    constexpr std::pair<std::uint32_t, const char*> names[] = {
        {V4L2_PIX_FMT_MJPEG, "mjpeg"},  {V4L2_PIX_FMT_JPEG, "mjpeg"},  {V4L2_PIX_FMT_YUYV, "yuyv422"},
        {V4L2_PIX_FMT_UYVY, "uyvy422"}, {V4L2_PIX_FMT_NV12, "nv12"},   {V4L2_PIX_FMT_YUV420, "yuv420p"},
        {V4L2_PIX_FMT_RGB24, "rgb24"},  {V4L2_PIX_FMT_BGR24, "bgr24"}, {V4L2_PIX_FMT_GREY, "gray"},
        {V4L2_PIX_FMT_H264, "h264"},    {V4L2_PIX_FMT_HEVC, "hevc"},
    };
    for (const auto& [code, name] : names) {
        if (code == fourcc) {
            return name;
        }
    }
    std::string letters;
    for (unsigned i = 0; i < 4; ++i) {
        const auto letter = static_cast<unsigned char>(fourcc >> 8U * i);
        letters += std::isalnum(letter) != 0 ? static_cast<char>(std::tolower(letter)) : '_';
    }
    return letters;
}

std::optional<Device> ask_camera(const std::string& path) {
    const int camera = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NONBLOCK);
    if (camera < 0) {
        return std::nullopt;
    }
    v4l2_capability can{};
    std::optional<Device> device;
    // A camera has a second node for its metadata, which captures no pictures.
    if (ask(camera, VIDIOC_QUERYCAP, can) && (can.device_caps & V4L2_CAP_VIDEO_CAPTURE) != 0) {
        const auto* const name = reinterpret_cast<const char*>(can.card);
        device = Device{"camera", "v4l2:" + path, std::string{name, ::strnlen(name, sizeof can.card)}, {}};
        for (std::uint32_t index = 0; index < entries_max; ++index) {
            v4l2_fmtdesc format{};
            format.index = index;
            format.type = V4L2_BUF_TYPE_VIDEO_CAPTURE;
            if (!ask(camera, VIDIOC_ENUM_FMT, format)) {
                break;
            }
            add_sizes(camera, format.pixelformat, device->formats);
        }
    }
    ::close(camera);
    return device;
}

}   // namespace millrace::capture
