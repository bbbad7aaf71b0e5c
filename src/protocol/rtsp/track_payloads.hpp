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

/// The payload type of a track of ours, in every description and log alike (formats with one of their own
/// have that).
constexpr std::uint8_t payload_type_of(media::TrackId track) {
    return static_cast<std::uint8_t>(96 + track % 32);
}

/// The format in which a configured track leaves; one of data is KLV (rtp/klv.hpp).
Result<rtp::Format> format_of(const media::Track& track);

/// The description of a stream that we offer or announce: a media line for each configured track that has a
/// payload format, in order, with controls trackID=0, trackID=1 and so on. `formats` has one entry a line.
struct Offer {
    sdp::Description description;
    std::vector<rtp::Format> formats;
    std::vector<media::TrackId> tracks;
};
Offer offer_of(std::span<const media::Track> tracks, std::string_view title);

}   // namespace millrace::rtsp
