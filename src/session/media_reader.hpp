#pragma once

#include "container/flv_reader.hpp"
#include "session/source_publisher.hpp"

#include <memory>
#include <vector>

namespace millrace::session {

/// What was read of some bytes, on its way to a stream: tracks as they were announced, units with their
/// sender's times.
struct ReadMedia {
    std::vector<hub::PublishedItem> items;
    std::vector<media::TimedMessage> messages{};   ///< behind the items
    std::uint64_t dropped = 0;                     ///< units that could not be used
    bool ended = false;   ///< the sender said the end of its pictures, and none came since

    void clear() {
        items.clear();
        messages.clear();
        dropped = 0;
    }
};

/// A container's reader as sources use it. Owned by one try of a source; one thread.
class MediaReader {
public:
    MediaReader() = default;
    MediaReader(const MediaReader&) = delete;
    MediaReader& operator=(const MediaReader&) = delete;
    virtual ~MediaReader() = default;

    /// Appends what the bytes bring. After an error nothing more can be read.
    virtual Result<> read(ByteSpan bytes, ReadMedia& into) = 0;
    /// These bytes end here: appends what only lacked a sign of its end. Others may follow.
    virtual void end(ReadMedia& into) = 0;
};

std::unique_ptr<MediaReader> read_flv();
std::unique_ptr<MediaReader> read_ts();
std::unique_ptr<MediaReader> read_mp4();
/// Of one JPEG a call, which was taken when it came. The clock outlives it.
std::unique_ptr<MediaReader> read_pictures(const Clock& clock);

/// Appends what one tag means, of FLV or of RTMP; one that cannot be read is counted, too.
Result<> read_tag(flv::TagReader& reader, const flv::Tag& tag, ReadMedia& into);

/// Hands all of it to the stream, whose publisher it becomes with the first item; `into` is empty then.
/// `received` is how many bytes it came from.
Task<Result<>> publish(SourcePublisher& publisher, ReadMedia& media, std::size_t received);

}   // namespace millrace::session
