#pragma once

#include "base/block_log.hpp"
#include "container/ts_multiplexer.hpp"

namespace millrace::ts {

/// Writes one stream as an endless transport stream into a log: one message an access unit, with what is due
/// before it (tables, clock). Video key frames begin with the tables, so a newcomer needs nothing else.
/// Owned by a derived feed, on its home worker; the log is the feed's.
class Muxer {
public:
    explicit Muxer(std::string_view service_name) : multiplexer_{service_name} {}

    bool carries(const media::Track& track) const;
    /// The change is said by a new version of the PMT before the next unit.
    bool configure(std::span<const media::Track> tracks, BlockLog& log, Instant now);
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now);
    /// Results as ID3 tags (HLS' timed metadata), KLV as it came, with the time of their picture.
    void message(const media::TimedMessage& message, BlockLog& log, Instant now);
    void expect_messages(media::TimedMessage::Kind kind) { multiplexer_.expect_messages(kind); }
    /// Says that the service does not run: another publisher's pictures may follow.
    void unpublished(BlockLog& log, Instant now) { end(log, now); }
    void end(BlockLog& log, Instant now);

    Bytes lead(std::span<const media::Track>) const { return {}; }
    /// The tables where no key frame brings them: audio alone.
    Bytes resume() const { return resume_; }

private:
    Multiplexer multiplexer_;
    std::vector<std::byte> packets_;   // of the unit being written
    Bytes resume_;
};

}   // namespace millrace::ts
