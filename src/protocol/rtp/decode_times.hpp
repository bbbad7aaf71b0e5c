#pragma once

#include <cstdint>
#include <vector>

namespace millrace::rtp {

/// RTP says when a picture is shown; packets come in decoding order. From both and the depth of reordering it
/// makes the time of decoding: never above that of showing, never back. It waits for no later picture.
class DecodeTimes {
public:
    /// Deeper reordering than any level of H.264 and H.265 allows is not believed.
    static constexpr std::size_t depth_max = 16;
    /// A step back beyond it is no reordering: the sender's clock jumped. In ticks of 90 kHz.
    static constexpr std::int64_t reordered_max = 90'000;

    /// `depth` pictures may be shown after one that follows them; `step` is a guess of a picture's duration.
    /// A stream that reorders without having said so is followed from its first step back, which is one of
    /// decoding too.
    std::int64_t next(std::int64_t pts, std::size_t depth, std::int64_t step);
    void restart() { shown_.clear(); }

private:
    std::vector<std::int64_t> shown_;   // the newest depth + 1 times of showing, in order
    std::size_t found_depth_ = 0;
    std::int64_t last_ = 0;
};

}   // namespace millrace::rtp
