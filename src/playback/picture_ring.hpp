#pragma once

#include "capture/ffmpeg.hpp"
#include "playback/given_picture.hpp"

extern "C" {
#include <libswscale/swscale.h>
}

#include <bitset>
#include <memory>
#include <optional>
#include <span>

namespace millrace::playback {

/// The child's end of the ring: which slots are free, and pictures written into them. Maps what the
/// descriptor stands for, which it takes over. One thread.
class PictureRing {
public:
    /// A lasting Fault where the descriptor is no memory of a ring's size.
    static capture::Outcome<std::unique_ptr<PictureRing>> open(int descriptor);
    PictureRing(const PictureRing&) = delete;
    PictureRing& operator=(const PictureRing&) = delete;
    ~PictureRing();

    bool has_room() const { return !taken_.all(); }
    /// Puts a decoded picture into a free slot, in 4:2:0 whatever it was. A Fault for a picture that no slot
    /// can hold.
    capture::Outcome<RingPicture> put(const AVFrame& picture);
    void release(std::uint8_t slot) { taken_.reset(slot); }

private:
    struct FreeScaler {
        void operator()(SwsContext* scaler) const { sws_freeContext(scaler); }
    };
    explicit PictureRing(std::span<std::byte> memory) : memory_{memory} {}
    capture::Outcome<void> convert(const AVFrame& picture, picture_ring::Layout layout,
                                   std::span<std::byte> slot);

    std::span<std::byte> memory_;
    std::bitset<picture_ring::slots> taken_;
    std::unique_ptr<SwsContext, FreeScaler> scaler_;
    std::optional<int> scaler_format_;   // of pictures that it was made for
    picture_ring::Layout scaler_layout_;
};

}   // namespace millrace::playback
