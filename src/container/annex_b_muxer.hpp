#pragma once

#include "base/block_log.hpp"
#include "media/access_unit.hpp"

#include <cstdint>
#include <span>
#include <vector>

/// H.264 and H.265 as bare byte streams (Annex B of ISO/IEC 14496-10 and 23008-2).
namespace millrace::annex_b {

/// What one message is.
enum class Shape : std::uint8_t {
    plain,      ///< one access unit
    closed,     ///< one access unit and the delimiter behind it, by which a cutter of NAL units knows its end
    prefixed,   ///< one access unit behind its size, u32 big-endian
};

/// What may be in one: most who take the shapes above know H.264 alone.
enum class Codecs : std::uint8_t { h264, h264_or_h265 };

/// Writes one video track into a log, an access unit a message, with its parameter sets before each key
/// frame; nothing else is in it. Owned by a derived feed, on its home worker; the log is the feed's.
class Muxer {
public:
    explicit Muxer(Shape shape, Codecs codecs = Codecs::h264) : shape_{shape}, codecs_{codecs} {}

    bool carries(const media::Track& track) const;
    /// New parameter sets come in band, another codec cannot: false. Readers of the closed shape take only
    /// their first parameter sets: false.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    /// A unit of another codec is left out.
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    void unpublished(BlockLog&, Instant) {}
    void end(BlockLog&, Instant) {}
    Bytes lead(std::span<const media::Track>) const { return {}; }
    Bytes resume() const { return {}; }

private:
    bool knows(media::Codec codec) const;

    Shape shape_;
    Codecs codecs_;
    media::ConfigRef config_;
    std::vector<std::byte> message_;
};

}   // namespace millrace::annex_b
