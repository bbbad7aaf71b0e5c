#pragma once

#include "base/result.hpp"
#include "container/mp4_reader.hpp"
#include "media/timed_message.hpp"

#include <vector>

namespace millrace::session {

/// Access units of recorded fragments, read again. One for fragments that follow each other, so that a
/// configuration that goes on stays the same object. One thread.
class ArchiveUnits {
public:
    /// What a player reads before the fragments of a file. Errc::malformed.
    Result<> begin_file(const Bytes& init);
    /// The units of a fragment in the order of their decode times. Errc::malformed: the disk has something
    /// else than was recorded.
    Result<std::vector<media::AccessUnit>> read(const Bytes& chunks);
    /// What was said of the pictures of the fragment that was read last, by their times.
    const std::vector<media::TimedMessage>& results() const { return results_; }
    /// Of the file that began last.
    const std::vector<media::Track>& tracks() const { return tracks_; }

private:
    mp4::Reader reader_;
    std::vector<media::Track> tracks_;
    std::vector<media::TimedMessage> results_;
};

/// The picture that a fragment begins with. Errc::not_found where it begins with none that stands alone.
Result<media::AccessUnitRef> key_picture(const Bytes& init, const Bytes& chunks);

}   // namespace millrace::session
