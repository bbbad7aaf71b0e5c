#pragma once

#include "session/archive_reading.hpp"
#include "session/rewind_line.hpp"

#include <deque>

namespace millrace::session {

/// KLV that was recorded with the pictures, as a track of its own for who plays them by RTSP.
class RewindKlv {
public:
    RewindKlv();

    /// Adds that of the fragment that was read last to its units, each before the first one that is decoded
    /// after it shows; nothing where no track's id is left for it.
    void add(std::deque<media::AccessUnit>& units, const ArchiveReading& reading,
             const RewindLine& line) const;
    bool is_among(const std::deque<media::AccessUnit>& units) const;
    const media::Track& track() const { return track_; }

private:
    media::Track track_;
};

}   // namespace millrace::session
