#pragma once

#include "container/flv_body.hpp"
#include "container/flv_tag.hpp"

#include <optional>
#include <span>

namespace millrace::flv {

/// Of every script tag: ffmpeg takes a script tag with another time for a stream of its own.
constexpr std::uint32_t script_timestamp = 0;

/// One tag or RTMP message before it is framed; it points to what its caller keeps.
struct Message {
    TagType type = TagType::script;
    std::uint32_t timestamp_ms = 0;   ///< modulo 2^32
    ByteSpan prefix;
    ByteSpan payload;

    std::size_t body_size() const { return prefix.size() + payload.size(); }
};

/// Whether FLV has a codec for this track. It says nothing about how many: of each kind the first is taken.
bool carries(const media::Track& track);
/// What the first carried tracks of a list are, for the file header.
Splitter::Announced announced_by(std::span<const media::Track> tracks);

/// What an FLV output has told its viewers: onMetaData and the sequence headers in force, for the next one
/// who comes. Shared by the FLV and RTMP muxers, which frame its messages. Owned by one muxer.
class Programme {
public:
    /// Between two cue points that say a capture time, on the run timeline.
    static constexpr std::int64_t time_interval_ms = 1000;

    /// Takes the tracks; afterwards `news()` is what viewers do not know yet.
    void configure(std::span<const media::Track> tracks);
    /// What the last configure changed, at the time of the last unit. The views hold until the next
    /// configure.
    std::vector<Message> news() const;
    /// All that a newcomer needs before a key frame.
    std::vector<Message> resume() const;
    /// Whether this unit is of a track that is sent.
    bool takes(const media::AccessUnit& unit) const;
    /// The body of a capture time's cue point where it is due before this unit, else empty.
    std::vector<std::byte> time_due(const media::AccessUnit& unit);
    /// Notes the time of a unit that is sent.
    void advance(const media::AccessUnit& unit) { last_dts_ms_ = unit.dts_ms(); }
    /// The body that ends the video, where there is one.
    std::vector<std::byte> sequence_end() const;
    std::uint32_t timestamp_ms() const { return static_cast<std::uint32_t>(last_dts_ms_); }

private:
    struct Sent {
        std::optional<media::TrackId> track;
        media::ConfigRef config;
        std::vector<std::byte> sequence_header;
        bool changed = false;
    };
    static void update(Sent& sent, const media::Track* track);
    void list(std::vector<Message>& out, TagType type, const Sent& sent) const;

    Sent video_;
    Sent audio_;
    std::vector<std::byte> metadata_;
    bool metadata_changed_ = false;
    std::int64_t last_dts_ms_ = 0;
    std::optional<std::int64_t> time_said_ms_;
};

}   // namespace millrace::flv
