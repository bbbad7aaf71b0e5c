#include "container/mp4_packager.hpp"

#include "container/mp4_chunk.hpp"

#include <fmt/core.h>

namespace millrace::mp4 {
namespace {

/// FNV-1a of 64 bits: to tell the few headers of one run apart, not to withstand anybody.
std::uint64_t hash_of(ByteSpan bytes) {
    std::uint64_t hash = 0xCBF29CE484222325;
    for (const std::byte byte : bytes) {
        hash = (hash ^ static_cast<std::uint8_t>(byte)) * 0x100000001B3;
    }
    return hash;
}

media::SegmentPart part_of(const media::SegmentTrack& track, std::string_view run) {
    const char letter = track.track.kind == media::Kind::audio ? 'a' : 'v';
    media::SegmentPart part;
    part.tracks = {track.track};
    part.rendition = fmt::format("{}{}", letter, track.track.id);
    part.name = fmt::format("{}/{}-{}.m4s", run, part.rendition, track.begin());
    part.bytes = chunked(track).bytes;
    part.init = init_segment({&track.track, 1}, ParameterSets::in_entry);
    part.init_name = fmt::format("{}/{}-{:016x}.mp4", run, part.rendition, hash_of(part.init));
    part.begin = track.begin();
    part.duration = track.duration();
    part.timescale = track.track.config->timescale;
    return part;
}

}   // namespace

std::vector<media::SegmentPart> Packager::package(const media::SegmentUnits& units) const {
    std::vector<media::SegmentPart> parts;
    for (const media::SegmentTrack& track : units.tracks) {
        if (track.track.config != nullptr && !track.units.empty() && carries(track.track)) {
            parts.push_back(part_of(track, units.run));
        }
    }
    return parts;
}

}   // namespace millrace::mp4
