#pragma once

#include "base/byte_reader.hpp"
#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <array>
#include <vector>

/// The first bytes of audio and video tag bodies, classic and enhanced, read and written.
namespace millrace::flv {

/// What the rest of a body is.
enum class Packet : std::uint8_t {
    sequence_header,
    coded,
    sequence_end,
    other,   ///< nothing we need: player commands, colour metadata, channel layout
};

/// What the first bytes of a body say about the rest.
struct BodyHead {
    Packet packet = Packet::other;
    media::Codec codec = media::Codec::h264;
    std::int32_t composition_ms = 0;   ///< pts - dts
};

/// Read up to the sequence header or payload, which the reader then stands before. A body that is cut short
/// is malformed; a codec we do not carry, several tracks in one body and modifiers are unsupported.
Result<BodyHead> read_video_head(ByteReader& reader);
Result<BodyHead> read_audio_head(ByteReader& reader);

/// What stands before the payload of a unit's tag: the head of the body, and before a key frame of AV1 its
/// sequence header.
class BodyPrefix {
public:
    explicit BodyPrefix(const media::AccessUnit& unit);
    ByteSpan span() const { return with_header_.empty() ? ByteSpan{bytes_}.first(size_) : with_header_; }

private:
    static constexpr std::size_t size_max = 8;
    std::array<std::byte, size_max> bytes_{};
    std::size_t size_ = 0;
    std::vector<std::byte> with_header_;
};

/// The whole body that configures a decoder; empty when the codec has none (MP3) or the configuration is not
/// usable.
std::vector<std::byte> sequence_header_body(const media::TrackConfig& config);
/// The whole body that says the video is over; empty for audio.
std::vector<std::byte> sequence_end_body(media::Codec codec);

/// The number for `videocodecid` and `audiocodecid`: the classic id, else the FourCC.
std::uint32_t codec_id(media::Codec codec);

}   // namespace millrace::flv
