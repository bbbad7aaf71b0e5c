#pragma once

#include "capture/grabber.hpp"

#include <gtest/gtest.h>
#include <sys/select.h>

namespace millrace::capture::testing {

constexpr WallTime utc_at_start{1'763'646'000'000'000};
inline const Instant start = Instant::from_nanoseconds(1'000'000'000'000);

inline Moment moment_at(Duration since_start) {
    return {start + since_start, {utc_at_start.microseconds + since_start / 1us}};
}

inline const bool quiet = (av_log_set_level(AV_LOG_ERROR), true);

/// A picture of one grey.
inline ffmpeg::Frame grey(int width, int height, std::uint8_t luma) {
    ffmpeg::Frame frame{av_frame_alloc()};
    frame->format = AV_PIX_FMT_YUV420P;
    frame->width = width;
    frame->height = height;
    EXPECT_EQ(av_frame_get_buffer(frame.get(), 0), 0);
    for (unsigned plane = 0; plane < 3; ++plane) {
        const int rows = plane == 0 ? height : height / 2;
        std::fill_n(frame->data[plane], frame->linesize[plane] * rows, plane == 0 ? luma : std::uint8_t{128});
    }
    return frame;
}

inline Grab picture_at(Duration at, FrameRate rate = {}) {
    return {grey(256, 144, static_cast<std::uint8_t>(at / 1ms % 200)), moment_at(at), rate};
}

/// All that a source gives on its threads until its end, and how it ended.
struct Collected {
    explicit Collected(Source& source) {
        while (!source.is_over()) {
            Outcome<std::vector<media::AccessUnit>> units = source.produce(moment_at(0s));
            if (!units) {
                fault = units.error();
                return;
            }
            for (media::AccessUnit& unit : *units) {
                (unit.kind() == media::Kind::video ? video : audio).push_back(std::move(unit));
            }
            if (units->empty() && !source.is_over() && !wait(source.doorbell())) {
                ADD_FAILURE() << "nothing comes";
                return;
            }
        }
    }
    static bool wait(int bell) {
        fd_set set;
        FD_ZERO(&set);
        FD_SET(bell, &set);
        timeval patience{.tv_sec = 20, .tv_usec = 0};
        return ::select(bell + 1, &set, nullptr, nullptr, &patience) > 0;
    }
    std::vector<media::AccessUnit> video;
    std::vector<media::AccessUnit> audio;
    std::optional<Fault> fault;
};

}   // namespace millrace::capture::testing
