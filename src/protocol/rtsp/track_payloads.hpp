#pragma once

#include "media/track.hpp"
#include "protocol/rtp/format.hpp"
#include "protocol/sdp/description.hpp"

#include <optional>
#include <span>

namespace millrace::rtsp {

/// The first payload of a media line that we can read, as RTP wants it. An error says in words why there is
/// none.
Result<rtp::Format> payload_of(const sdp::Media& media);

/// The description of a stream that we offer or announce: a media line for each configured track that has a
/// payload format, in order, with controls trackID=0, trackID=1 and so on. `formats` has one entry a line.
struct Offer {
    sdp::Description description;
    std::vector<rtp::Format> formats;
    std::vector<media::TrackId> tracks;
};
Offer offer_of(std::span<const media::Track> tracks, std::string_view title);

}   // namespace millrace::rtsp
