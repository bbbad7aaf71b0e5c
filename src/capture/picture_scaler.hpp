#pragma once

#include "capture/ffmpeg.hpp"

extern "C" {
#include <libswscale/swscale.h>
}

#include <memory>

namespace millrace::capture {

/// Brings pictures into 4:2:0, another size and other ranges of colour. Keeps its scaler while what comes and
/// what is wanted stay. For this room's sources only.
class PictureScaler {
public:
    /// What is wanted.
    struct Wish {
        int width = 0;
        int height = 0;
        bool jpeg =
            false;   ///< full range after BT.601, as JFIF has it; else limited range, the source's matrix
    };

    /// A frame of its own each time: an encoder may still hold the one before. What is as it is wanted is
    /// the same picture again, without a copy.
    Outcome<ffmpeg::Frame> scale(const AVFrame& picture, const Wish& wish);

private:
    struct FreeScaler {
        void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
    };
    /// What the scaler was made for.
    struct Shape {
        int from_width = 0;
        int from_height = 0;
        int to_width = 0;
        int to_height = 0;
        int format = -1;
        bool from_full = false;
        bool to_jpeg = false;
        int matrix = 0;

        bool operator==(const Shape&) const = default;
    };
    Outcome<void> open(const Shape& shape);

    std::unique_ptr<SwsContext, FreeScaler> scaler_;
    Shape shape_;
};

}   // namespace millrace::capture
