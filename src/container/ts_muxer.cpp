#include "container/ts_muxer.hpp"

#include "container/ts_elementary.hpp"

namespace millrace::ts {

bool Muxer::carries(const media::Track& track) const {
    return ts::carries(track);
}

bool Muxer::configure(std::span<const media::Track> tracks, BlockLog&, Instant) {
    multiplexer_.configure(tracks);
    return true;
}

void Muxer::write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
    packets_.clear();
    multiplexer_.write(packets_, unit);
    if (!packets_.empty()) {
        log.message({packets_}, now);
    }
    if (multiplexer_.has_video()) {
        resume_ = {};
    } else if (!std::ranges::equal(resume_, multiplexer_.last_tables())) {
        resume_ = Bytes::copy(multiplexer_.last_tables());
    }
}

void Muxer::message(const media::TimedMessage& message, BlockLog& log, Instant now) {
    packets_.clear();
    multiplexer_.write(packets_, message);
    if (!packets_.empty()) {
        log.message({packets_}, now);
    }
}

void Muxer::end(BlockLog& log, Instant now) {
    packets_.clear();
    multiplexer_.stop(packets_);
    if (!packets_.empty()) {
        log.message({packets_}, now);
    }
}

}   // namespace millrace::ts
