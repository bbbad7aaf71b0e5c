#pragma once

#include "apps/loadgen/verbs.hpp"
#include "protocol/rtmp/media_message.hpp"

#include <cstdint>
#include <vector>

namespace millrace::loadgen {

/// A camera that looks at noise: H.264 with a correct configuration and slice headers, and AAC, at the sizes
/// and moments of a rate. Its pictures carry stamps, its sound frames numbers. Bodies of RTMP messages.
class SyntheticCamera {
public:
    static constexpr std::size_t sound_size = 372;
    static constexpr double sound_frames_per_second = 44'100.0 / 1'024;

    SyntheticCamera(const Rate& rate, bool sound);

    /// What a publisher says first.
    std::vector<rtmp::Media> opening() const;
    /// The next picture; `now` goes into its stamp.
    rtmp::Media picture(Instant now);
    rtmp::Media sound();

    /// When the next one is due, counted from the first.
    Duration picture_due() const;
    Duration sound_due() const;

    std::uint64_t pictures() const { return pictures_; }
    std::uint64_t sounds() const { return sounds_; }

private:
    struct Slice {
        std::vector<std::byte> nal;
        std::uint64_t digest;
    };
    static constexpr std::size_t slices_kept = 16;   // told apart by their bytes

    Slice slice(bool key, std::size_t size) const;

    Rate rate_;
    bool with_sound_;
    std::vector<Slice> keys_;
    std::vector<Slice> others_;
    std::uint64_t pictures_ = 0;
    std::uint64_t sounds_ = 0;
};

}   // namespace millrace::loadgen
