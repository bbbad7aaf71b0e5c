#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"

#include <optional>
#include <span>
#include <string>
#include <vector>

/// Script tags: what a publisher says about its stream, and what we say about ours. The same bytes are an
/// RTMP data message.
namespace millrace::flv {

/// A larger script tag is not read.
constexpr std::size_t script_bytes_max = 64U << 10U;
constexpr std::size_t encoder_name_max = 128;

/// What onMetaData announced; only hints, any publisher may lie.
struct Metadata {
    Bytes body;   ///< "onMetaData" and its value as they came, without a "@setDataFrame" before them
    bool video = false;
    bool audio = false;
    std::uint32_t width = 0;   ///< 0 = not said, or said absurdly; the next two alike
    std::uint32_t height = 0;
    double frame_rate = 0;
    std::string encoder;   ///< at most encoder_name_max bytes, of any kind
};

/// What a capture time's cue point says of the frame behind it (docs/guide/flv.md).
struct CaptureCue {
    std::int64_t dts_ms = 0;   ///< that frame's, modulo 2³²
    media::CaptureTime at;
};
/// Nothing for a script tag that is no such cue point, or of a time nobody would believe.
std::optional<CaptureCue> read_capture_cue(const Bytes& body);

/// Nothing for a script tag of another name. Malformed AMF0 is an error.
Result<std::optional<Metadata>> read_script(const Bytes& body);

/// onMetaData for these tracks. Null stands for no such track; an unconfigured one is said to be there.
std::vector<std::byte> metadata_body(const media::Track* video, const media::Track* audio);

/// A cue point: when the unit was captured, and whose word that is (docs/guide/flv.md).
std::vector<std::byte> time_body(const media::AccessUnit& unit);

}   // namespace millrace::flv
