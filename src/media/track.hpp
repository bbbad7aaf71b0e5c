#pragma once

#include "base/bytes.hpp"

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::media {

enum class Kind : std::uint8_t { video, audio, data };
enum class Codec : std::uint8_t { h264, h265, av1, aac, opus, mp3, mjpeg, pcma, pcmu, g722, l16 };

std::string_view name(Codec codec);
constexpr Kind kind_of(Codec codec) {
    switch (codec) {
        case Codec::aac:
        case Codec::opus:
        case Codec::mp3:
        case Codec::pcma:
        case Codec::pcmu:
        case Codec::g722:
        case Codec::l16: return Kind::audio;
        case Codec::h264:
        case Codec::h265:
        case Codec::av1:
        case Codec::mjpeg: break;
    }
    return Kind::video;
}

/// How the access units of a track are coded. Immutable; a change makes a new one, and its identity (the
/// pointer) tells muxers to say it anew.
struct TrackConfig {
    Codec codec = Codec::h264;
    std::int64_t timescale = 90'000;   ///< ticks a second: 90 kHz for video, the sample rate for audio

    // H.264: SPS and PPS; H.265: VPS, SPS and PPS. Each without start code or length, in order of their ids.
    std::vector<Bytes> vps;
    std::vector<Bytes> sps;
    std::vector<Bytes> pps;
    /// AAC: the AudioSpecificConfig; Opus: the OpusHead (RFC 7845 §5.1); AV1: the sequence header OBU.
    Bytes extra;

    std::uint32_t width = 0;   ///< video, in luma samples after cropping; 0 = unknown
    std::uint32_t height = 0;
    double frame_rate = 0;                 ///< as declared (VUI, metadata); 0 = not said
    std::uint8_t reorder_frames_max = 0;   ///< B-frame depth as declared; 0 = decode order is output order
    std::uint32_t sample_rate = 0;         ///< audio
    std::uint16_t channels = 0;

    std::string codec_string;   ///< RFC 6381: "avc1.64001f", "hvc1.1.6.L93.B0", "mp4a.40.2", "opus"

    bool same_coding(const TrackConfig& other) const;
};
using ConfigRef = std::shared_ptr<const TrackConfig>;

using TrackId = std::uint8_t;

enum class Origin : std::uint8_t { source, derived };

/// A row of a stream's track table. Tracks of one group are alternatives on one timeline.
struct Track {
    TrackId id = 0;
    Kind kind = Kind::video;
    std::uint8_t group = 0;
    Origin origin = Origin::source;
    std::string language;   ///< BCP 47; empty = not said
    ConfigRef config;       ///< null while it is announced but not configured
};

/// The codec strings of configured tracks, each once, joined by commas (RFC 6381 §3.3):
/// "avc1.64001f,mp4a.40.2".
std::string codec_list(std::span<const Track> tracks);

}   // namespace millrace::media
