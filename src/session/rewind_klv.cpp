#include "session/rewind_klv.hpp"

#include "protocol/rtp/klv.hpp"
#include "protocol/rtsp/muxer.hpp"

#include <algorithm>

namespace millrace::session {

RewindKlv::RewindKlv() : track_{rtsp::klv_track()} {
}

void RewindKlv::add(std::deque<media::AccessUnit>& units, const ArchiveReading& reading,
                    const RewindLine& line) const {
    const std::vector<media::Track>& tracks = reading.tracks();
    if (std::ranges::find(tracks, track_.id, &media::Track::id) != tracks.end()) {
        return;
    }
    std::size_t at = 0;
    for (const media::TimedMessage& message : reading.results()) {
        if (message.kind != media::TimedMessage::Kind::klv) {
            continue;
        }
        media::AccessUnit unit = rtp::klv_unit(message, track_.config);
        unit.track = track_.id;
        while (at < units.size() && line.decoded_at(units[at]) <= line.shown_at(unit)) {
            ++at;
        }
        units.insert(units.begin() + static_cast<std::ptrdiff_t>(at++), std::move(unit));
    }
}

bool RewindKlv::is_among(const std::deque<media::AccessUnit>& units) const {
    return std::ranges::any_of(units, [this](const media::AccessUnit& one) {
        return one.track == track_.id && one.config == track_.config;
    });
}

}   // namespace millrace::session
