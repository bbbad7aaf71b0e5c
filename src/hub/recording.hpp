#pragma once

#include "base/executor.hpp"
#include "hub/media_feed.hpp"
#include "media/timed_message.hpp"
#include "media/track.hpp"

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace millrace::hub {

/// What is wanted of a stream's recording.
struct RecordingWish {
    static constexpr Duration before_max = 20s;

    bool now = false;    ///< it is to be recorded
    Duration before{};   ///< until it is, so much of its past is kept in memory, to begin with

    bool any() const { return now || before > Duration{}; }
    bool operator==(const RecordingWish&) const = default;
};

/// How the recording of a stream goes.
struct RecordingReport {
    bool on = false;           ///< the stream is to be recorded
    bool under_way = false;    ///< and is, now
    std::string trouble;       ///< why it is not, in words
    std::uint64_t bytes = 0;   ///< on the disk, since the stream is there; these two for sure
    std::uint64_t chunks = 0;
    std::uint64_t waiting = 0;   ///< units that wait in the feed until the disk takes more
    std::uint64_t lost = 0;      ///< units that the disk was too slow for
    Duration before{};           ///< of its past that is to be kept in memory until it is recorded
    Duration held{};             ///< of its past that is, now; no longer once it is recorded
    std::size_t held_bytes = 0;
};

/// What keeps a stream's units. Owned by Stream, home worker only; its end seals what is open.
class Recording {
public:
    Recording() = default;
    Recording(const Recording&) = delete;
    Recording& operator=(const Recording&) = delete;
    virtual ~Recording() = default;

    /// The feed has more. Never waits.
    virtual void pump(Instant now) = 0;
    /// What an application says of one of the pictures: it is kept beside them while they are recorded.
    virtual void say(const media::TimedMessage& message) = 0;
    /// Nothing comes for a while, or ever, and why.
    virtual void pause(std::string_view cause) = 0;
    /// What is wanted from now on.
    virtual void wish(const RecordingWish& wish) = 0;
    virtual RecordingReport report() const = 0;
};

/// What a stream shows of itself to its recording, which it outlives.
struct RecordingSource {
    std::string stream;
    std::string run;
    MediaFeed& feed;
    const std::vector<media::Track>& tracks;
    Executor& home;
    RecordingWish wish{.now = true};
};

/// The seam to who records; `archive` implements it. Any thread.
class Recordings {
public:
    virtual ~Recordings() = default;
    virtual std::unique_ptr<Recording> begin(const RecordingSource& source) = 0;
};

}   // namespace millrace::hub
