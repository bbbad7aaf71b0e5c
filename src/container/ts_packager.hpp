#pragma once

#include "container/ts_multiplexer.hpp"
#include "media/segment.hpp"

#include <string>
#include <vector>

namespace millrace::ts {

/// Makes HLS media segments of MPEG-TS (RFC 8216 §3.2): each begins with PAT, PMT and SDT, then its first
/// picture with a clock value. One for the life of a form, because continuity counters run on across
/// segments; that is also why its names hold this node's start. Home worker.
class Packager {
public:
    /// `node_start` is a name's part; `service_name` is said in the SDT.
    Packager(std::string node_start, std::string_view service_name);

    bool carries(const media::Track& track) const;
    /// They stand in it as in an endless answer, behind the unit that their time follows.
    static constexpr bool takes_messages = true;
    /// One part with all carried tracks, "RUN/NODE_START/ts-NUMBER.ts"; none if it carries none.
    std::vector<media::SegmentPart> package(const media::SegmentUnits& segment);

private:
    std::string node_start_;
    Multiplexer multiplexer_;
};

}   // namespace millrace::ts
