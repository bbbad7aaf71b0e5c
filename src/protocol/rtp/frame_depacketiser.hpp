#pragma once

#include "protocol/rtp/depacketiser.hpp"

#include <vector>

namespace millrace::rtp {

/// A frame of sound larger than this is broken.
inline constexpr std::size_t frame_size_max = std::size_t{64} << 10U;

/// What the formats of sound share: a configuration that the stream may change, frames with their time, and
/// the parts of one frame over several packets.
class FrameDepacketiser : public Depacketiser {
public:
    FrameDepacketiser(const Format& format, media::ConfigRef config)
        : Depacketiser{format}, config_{std::move(config)} {
        count_samples();
    }

    void restart() override { drop_begun(); }
    media::ConfigRef config() const final { return config_; }

protected:
    /// A whole frame that begins `samples` after the RTP time; returns how long it lasts. Nothing is given
    /// without a configuration.
    std::int64_t give_frame(ByteSpan frame, std::int64_t timestamp, std::int64_t samples);
    /// Keeps the same object while the coding is the same.
    void configure(const media::TrackConfig& config);

    /// A part of a frame. False: it is too large, or nothing was begun; nothing is under way any more.
    bool begin_frame(ByteSpan part, std::int64_t timestamp);
    bool append_frame(ByteSpan part, std::int64_t timestamp);
    bool under_way() const { return begun_; }
    const std::vector<std::byte>& begun() const { return bytes_; }
    /// A begun frame will not be whole.
    void break_frame();
    void drop_begun();

private:
    void count_samples();

    media::ConfigRef config_;
    std::int64_t aac_samples_ = 0;   // in each frame, where it is AAC
    std::vector<std::byte> bytes_;
    std::int64_t begun_at_ = 0;
    bool begun_ = false;
};

}   // namespace millrace::rtp
