#include "capture/raw_pictures.hpp"

#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

namespace millrace::capture {

namespace {

AVPixelFormat format_of(PixelFormat format) {
    switch (format) {
        case PixelFormat::yuv420p: return AV_PIX_FMT_YUV420P;
        case PixelFormat::bgr24: return AV_PIX_FMT_BGR24;
        case PixelFormat::rgb24: return AV_PIX_FMT_RGB24;
    }
    return AV_PIX_FMT_NONE;
}

}   // namespace

unsigned RawPictures::planes() const {
    return options_.format == PixelFormat::yuv420p ? 3 : 1;
}

std::size_t RawPictures::row_size(unsigned plane) const {
    return planes() == 3 ? options_.size.width / (plane == 0 ? 1 : 2) : options_.size.width * 3U;
}

std::size_t RawPictures::rows(unsigned plane) const {
    return options_.size.height / (plane == 0 ? 1 : 2);
}

Outcome<std::size_t> RawPictures::fill(std::span<std::uint8_t> bytes) {
    std::size_t filled = 0;
    while (filled < bytes.size()) {
        // Waits in poll(): a process killed within read() may still take bytes that nobody counts.
        pollfd waiting{descriptor_, POLLIN, 0};
        if (::poll(&waiting, 1, -1) < 0) {
            continue;
        }
        const ssize_t count = ::read(descriptor_, bytes.data() + filled, bytes.size() - filled);
        if (count < 0 && errno != EINTR) {
            return std::unexpected(Fault{fmt::format("reading pictures: {}", std::strerror(errno)), false});
        }
        if (count == 0) {
            break;
        }
        const auto got = static_cast<std::size_t>(std::max<ssize_t>(count, 0));
        place_.count(got);
        filled += got;
    }
    return filled;
}

Outcome<bool> RawPictures::skip_begun_picture() {
    std::size_t picture = 0;
    for (unsigned plane = 0; plane < planes(); ++plane) {
        picture += rows(plane) * row_size(plane);
    }
    const std::size_t into = place_.bytes() % picture;
    std::vector<std::uint8_t> rest(into == 0 ? 0 : picture - into);
    const Outcome<std::size_t> skipped = fill(rest);
    if (!skipped) {
        return std::unexpected(skipped.error());
    }
    return *skipped == rest.size();
}

Outcome<std::vector<Grab>> RawPictures::next() {
    std::vector<Grab> grabs;
    if (!std::exchange(begun_, true)) {
        const Outcome<bool> goes_on = skip_begun_picture();
        if (!goes_on || !*goes_on) {
            return goes_on ? Outcome<std::vector<Grab>>{std::move(grabs)} : std::unexpected(goes_on.error());
        }
    }
    ffmpeg::Frame frame{av_frame_alloc()};
    frame->format = format_of(options_.format);
    frame->width = static_cast<int>(options_.size.width);
    frame->height = static_cast<int>(options_.size.height);
    // Without padding, as the pictures stand in the pipe.
    if (av_frame_get_buffer(frame.get(), 1) < 0) {
        return std::unexpected(Fault{"no memory for a picture", false});
    }
    bool any = false;
    for (unsigned plane = 0; plane < planes(); ++plane) {
        const std::size_t row = row_size(plane);
        const auto stride = static_cast<std::size_t>(frame->linesize[plane]);
        for (std::size_t y = 0; y < (stride == row ? 1 : rows(plane)); ++y) {
            const std::size_t size = stride == row ? row * rows(plane) : row;
            const Outcome<std::size_t> got = fill({frame->data[plane] + y * stride, size});
            if (!got) {
                return std::unexpected(got.error());
            }
            any = any || *got > 0;
            if (*got < size) {
                return any ? Outcome<std::vector<Grab>>{std::unexpected(
                                 Fault{"raw: the writing ended in the midst of a picture; is its size right?",
                                       true})}
                           : Outcome<std::vector<Grab>>{std::move(grabs)};
            }
        }
    }
    grabs.push_back({std::move(frame), read_clocks(), options_.rate});
    return grabs;
}

}   // namespace millrace::capture
