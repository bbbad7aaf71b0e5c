#pragma once

#include "base/time.hpp"
#include "container/flv_tag.hpp"
#include "media/access_unit.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace millrace::sim {

/// What a synthetic camera makes.
struct CameraPlan {
    /// The clock is set forward (or back) by `by_ms` when `at` of media has been made.
    struct Jump {
        Duration at = 0ms;
        std::int64_t by_ms = 0;
    };

    std::optional<media::Codec> video = media::Codec::h264;   ///< H.264 or H.265; nothing: audio only
    bool audio = true;                                        ///< AAC
    Duration audio_from = 0ms;   ///< a late track: neither header nor frame before
    bool says_metadata = true;   ///< onMetaData announces the tracks first
    bool in_band_sets = false;   ///< delimiters and parameter sets stand in the key pictures too
    std::int64_t picture_ms = 40;
    std::uint32_t sample_rate = 16'000;   ///< 16,000, 44,100 or 48,000
    std::uint64_t key_interval = 25;      ///< pictures; from one key picture to the next
    std::uint64_t first_key = 0;          ///< pictures before the first key picture
    std::size_t picture_size = 60;        ///< filler of a picture; a key picture has three times as much
    std::int64_t first_ms = 0;            ///< the clock at the start
    std::vector<Jump> jumps;              ///< in order of time
    std::vector<Duration> changes;        ///< another parameter set from the next key picture on
};

/// One picture, audio frame, sequence header or onMetaData, on its way out of the camera.
struct Shot {
    flv::TagType type = flv::TagType::script;
    Duration at = 0ms;   ///< since the start: when it is made
    Bytes body;          ///< of the tag

    // Of coded shots only:
    bool coded = false;
    bool key = false;
    std::uint64_t ordinal = 0;   ///< in its track
    std::uint64_t hash = 0;      ///< of slices and SEI, or of the audio frame
    std::uint32_t epoch = 0;     ///< jumps of the clock before it
    std::int64_t dts_ms = 0;     ///< of the camera's clock, not wrapped
    std::int64_t cts_ms = 0;     ///< pts - dts

    std::uint32_t timestamp_ms() const { return static_cast<std::uint32_t>(dts_ms); }
};

/// Makes syntactically valid H.264 or H.265 (I P B B P B B …, with an SEI each) and AAC, every unit unlike
/// any other: it carries the camera's number and its own ordinal.
class Camera {
public:
    Camera(CameraPlan plan, std::uint32_t number);

    /// The next in the order of their making.
    Shot next();

private:
    Shot picture();
    Shot sound();
    Shot header(flv::TagType type, Duration at, std::vector<std::byte> body) const;
    std::int64_t clock_ms(Duration at, std::uint32_t& epoch) const;
    media::ConfigRef make_video_config(bool other) const;
    std::vector<std::byte> picture_payload(std::uint64_t in_group, bool key, bool with_sets) const;
    std::uint64_t place_in_group() const;   // 0 = key picture
    Duration picture_at() const { return std::chrono::milliseconds{plan_.picture_ms} * pictures_; }
    Duration sound_at() const;

    CameraPlan plan_;
    std::uint32_t number_;
    std::uint64_t pictures_ = 0;
    std::uint64_t sounds_ = 0;
    bool other_sets_ = false;
    media::ConfigRef video_;
    media::ConfigRef audio_;
    std::vector<Shot> waiting_;   // headers, before the next unit
    bool audio_said_ = false;
};

}   // namespace millrace::sim
