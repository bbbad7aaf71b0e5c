#pragma once

#include "base/result.hpp"
#include "media/access_unit.hpp"
#include "media/timed_message.hpp"

#include <deque>
#include <optional>

namespace millrace::hub {

/// When a stream's newest pictures were taken, and where they lie on its timeline: so that a message finds
/// the picture it is about. Of a stream without pictures its frames of sound. Own thread only.
class Moments {
public:
    static constexpr std::size_t kept_max = 1024;
    static constexpr Duration kept_for = 10s;       ///< before the newest; what is older is nobody's any more
    static constexpr Duration ahead_max = 2s;       ///< of the newest: the picture is still on its way
    static constexpr Duration beside_max = 500ms;   ///< of the nearest, where pictures are missing

    /// A unit that was taken, in order of coming.
    void note(const media::AccessUnit& unit);
    /// Sets `pts` to that of the message's picture: the one whose capture time is nearest, or the newest
    /// where the message says no time; that is then its time. Errc::not_found: there is none.
    Result<> bind(media::TimedMessage& message) const;
    /// When the picture that stands there was taken, or would have been; nothing where none is near.
    std::optional<WallTime> at(std::int64_t pts) const;
    void clear() { pictures_.clear(); }

private:
    struct Picture {
        WallTime capture;
        std::int64_t pts;   // 90 kHz
    };
    std::deque<Picture> pictures_;   // in order of their capture times
};

}   // namespace millrace::hub
