#pragma once

#include "base/time.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

/// HLS playlists (RFC 8216; EXT-X-GAP by its successor, draft-pantos-hls-rfc8216bis) as plain values.
namespace millrace::hls {

/// The CLASS of an EXT-X-DATERANGE that says that the publisher said its end.
inline constexpr std::string_view unpublished_class = "millrace.unpublished";

/// What a list may hold when it is read. A day of two-second segments fits.
struct PlaylistLimits {
    static constexpr std::size_t text_size_max = 8U << 20U;
    static constexpr std::size_t lines_max = 400'000;
    static constexpr std::size_t line_size_max = 16U << 10U;
    static constexpr std::size_t uri_size_max = 4096;   ///< percent-encoded
    static constexpr std::size_t segments_max = 100'000;
    static constexpr std::size_t variants_max = 256;
    static constexpr std::size_t renditions_max = 256;
    static constexpr std::size_t attributes_max = 64;        ///< of one tag
    static constexpr std::int64_t seconds_max = 1'000'000;   ///< of one segment, and of EXT-X-TARGETDURATION
    static constexpr std::uint64_t version_max = 12;
};

/// A part of a resource, in bytes.
struct ByteRange {
    std::uint64_t length = 0;
    std::uint64_t offset = 0;
    bool operator==(const ByteRange&) const = default;
};

/// What must be read before the segments that name it (EXT-X-MAP).
struct InitSection {
    std::string uri;
    std::optional<ByteRange> range;
    bool operator==(const InitSection&) const = default;
};

/// One media segment with the tags that stand before it.
struct MediaSegment {
    std::string uri;   ///< absolute, or relative to the list's address
    Duration duration{};
    std::string title;
    std::optional<ByteRange> range;
    std::shared_ptr<const InitSection> init;   ///< null: none; often shared with its neighbours
    std::optional<WallTime> utc;               ///< EXT-X-PROGRAM-DATE-TIME
    bool discontinuity = false;
    bool gap = false;   ///< listed, but not to be had here
    /// The publisher said its end behind it, another may follow: an EXT-X-DATERANGE of a class of ours.
    bool unpublished = false;

    bool operator==(const MediaSegment& other) const;
};

enum class PlaylistType : std::uint8_t { none, event, vod };

/// Segments in order. A live list is a window on them.
struct MediaPlaylist {
    std::uint64_t version = 1;          ///< as read; the writer finds its own
    std::int64_t target_duration = 0;   ///< seconds
    std::uint64_t media_sequence = 0;
    std::uint64_t discontinuity_sequence = 0;
    PlaylistType type = PlaylistType::none;
    bool independent = false;   ///< each segment can be decoded without another
    bool ended = false;
    Duration start{};   ///< behind the first segment's beginning, where playing begins; only written
    std::vector<MediaSegment> segments;
    bool operator==(const MediaPlaylist&) const = default;
};

/// An alternative that stands in a media list of its own (EXT-X-MEDIA).
struct Rendition {
    enum class Type : std::uint8_t { audio, video, subtitles, closed_captions };
    Type type = Type::audio;
    std::string group;
    std::string name;
    std::string language;   ///< BCP 47; empty = not said
    std::string uri;        ///< empty: in the variant's own media list
    bool is_default = false;
    bool autoselect = false;
    std::string channels;   ///< "2"; empty = not said
    bool operator==(const Rendition&) const = default;
};

/// One way to play the whole (EXT-X-STREAM-INF).
struct Variant {
    std::string uri;
    std::uint64_t bandwidth = 0;           ///< peak, bits a second
    std::uint64_t average_bandwidth = 0;   ///< 0 = not said
    std::string codecs;                    ///< RFC 6381, joined by ","
    std::uint32_t width = 0;
    std::uint32_t height = 0;
    double frame_rate = 0;
    std::string audio;   ///< group of its audio renditions; empty: none
    bool operator==(const Variant&) const = default;
};

/// The list of lists ("master playlist" in RFC 8216).
struct MultivariantPlaylist {
    std::uint64_t version = 1;   ///< as read; the writer finds its own
    bool independent = false;
    std::vector<Rendition> renditions;
    std::vector<Variant> variants;
    bool operator==(const MultivariantPlaylist&) const = default;
};

using Playlist = std::variant<MediaPlaylist, MultivariantPlaylist>;

}   // namespace millrace::hls
