#pragma once

#include "base/block_log.hpp"
#include "media/access_unit.hpp"

#include <span>
#include <string_view>

/// MJPEG over HTTP: pictures one after the other in one endless answer (RFC 2046 §5.1, x-mixed-replace).
namespace millrace::multipart {

inline constexpr std::string_view media_type = "multipart/x-mixed-replace; boundary=frame";
/// The line between two pictures. It may stand in a JPEG too: Content-Length says where that ends.
inline constexpr std::string_view boundary_line = "--frame\r\n";
/// The first line of a part's header where the publisher said its end before it: "X-Publisher: ended".
inline constexpr std::string_view publisher_field = "X-Publisher";
inline constexpr std::string_view publisher_ended = "ended";

/// Whether a track is pictures that stand alone.
bool carries(const media::Track& track);

/// Writes a stream of pictures as parts into a log: each is a message and an entrance, and is followed by the
/// next boundary at once, so that a player that waits for it shows the picture now. Readers who lag take the
/// newest. Owned by a derived feed, on its home worker; the log is the feed's.
class Muxer {
public:
    bool carries(const media::Track& track) const { return multipart::carries(track); }
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// Begins the header of the next part, which a picture of another publisher may go on with: players wait
    /// for its end.
    void unpublished(BlockLog& log, Instant now);
    /// The part that began never comes; what ends is the connection.
    void end(BlockLog& log, Instant now) { unpublished(log, now); }

    Bytes lead(std::span<const media::Track>) const { return Bytes::lasting(as_bytes(boundary_line)); }
    Bytes resume() const { return {}; }

private:
    bool said_end_ = false;   // in the part that has begun
};

/// The pictures alone, one a message: for WebSockets.
class BareMuxer {
public:
    bool carries(const media::Track& track) const { return multipart::carries(track); }
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    void unpublished(BlockLog&, Instant) {}
    void end(BlockLog&, Instant) {}

    Bytes lead(std::span<const media::Track>) const { return {}; }
    Bytes resume() const { return {}; }
};

}   // namespace millrace::multipart
