#pragma once

#include "base/bytes.hpp"
#include "base/time.hpp"
#include "media/cut.hpp"
#include "media/slice_qp.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace millrace::media {

enum class PictureType : std::uint8_t { unknown, i, p, b };

/// When a picture was taken, and whose word that is.
struct CaptureTime {
    enum class Label : std::uint8_t { arrival, sender, capture };
    WallTime utc;
    Label label = Label::arrival;
};

/// One coded picture or audio frame, immutable once published.
///
/// Video payload: NAL units in order, each after its length in 4 bytes; SEI kept; without access unit
/// delimiters, parameter sets, filler and end-of-sequence (parameter sets live in the config, and each muxer
/// puts back what its format wants). AV1: the temporal unit's OBUs with sizes, without temporal delimiter and
/// sequence header. MJPEG: one JPEG, SOI to EOI; each is a key frame. Audio payload: one raw frame (no ADTS,
/// no LATM); of
/// pcma, pcmu, g722 and l16 (big-endian) whole samples of all channels.
struct AccessUnit {
    TrackId track = 0;
    ConfigRef config;
    Bytes payload;
    std::int64_t dts = 0;   ///< in ticks of config->timescale, on the stream's run timeline
    std::int64_t pts = 0;
    std::int64_t duration = 0;    ///< in the same ticks; audio: samples in the frame; 0 = not known
    bool key = false;             ///< a newcomer may begin here (every audio frame may)
    bool discontinuity = false;   ///< time or coding jumped just before it
    PictureType picture = PictureType::unknown;
    std::optional<SliceQp> slice_qp;              ///< H.264 and H.265, where a header could be read
    std::optional<float> coded_qp;                ///< the encoder's own average, where our SEI says it
    std::optional<std::uint32_t> camera_number;   ///< of the picture at its camera, likewise; it wraps
    CaptureTime capture;
    CutRef cut;   ///< set where a segment begins with this unit

    Kind kind() const { return kind_of(config->codec); }
    std::int64_t dts_ms() const;   ///< to the nearest
    std::int64_t pts_ms() const;
};
/// "capture", "sender", "arrival": as formats with words say it.
std::string_view name(CaptureTime::Label label);
/// The other way round; empty for any other word.
std::optional<CaptureTime::Label> capture_label_of(std::string_view name);

using AccessUnitRef = std::shared_ptr<const AccessUnit>;

}   // namespace millrace::media
