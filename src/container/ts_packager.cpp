#include "container/ts_packager.hpp"

#include "container/ts_elementary.hpp"
#include "media/time.hpp"

#include <fmt/core.h>

#include <algorithm>
#include <tuple>

namespace millrace::ts {
namespace {

constexpr std::string_view rendition = "ts";

/// A unit and its place among those of all tracks.
struct Placed {
    std::int64_t dts = 0;    // 90 kHz
    std::size_t place = 0;   // by tracks
    const media::AccessUnit* unit = nullptr;

    bool operator<(const Placed& other) const {
        return std::tie(dts, place) < std::tie(other.dts, other.place);
    }
};

/// The units of the carried tracks in the order of their decoding times, but the first of `leader` first.
std::vector<Placed> interleave(std::span<const media::SegmentTrack* const> tracks,
                               const media::SegmentTrack& leader) {
    std::vector<Placed> order;
    for (const media::SegmentTrack* const track : tracks) {
        for (const media::AccessUnitRef& unit : track->units) {
            const std::int64_t scale = unit->config->timescale;
            order.push_back({media::rescale(unit->dts, scale, clock_rate), order.size(), unit.get()});
        }
    }
    std::sort(order.begin(), order.end());
    const auto first = std::ranges::find(order, leader.units.front().get(), &Placed::unit);
    std::rotate(order.begin(), first, first + 1);
    return order;
}

}   // namespace

Packager::Packager(std::string node_start, std::string_view service_name)
    : node_start_{std::move(node_start)}, multiplexer_{service_name} {
}

bool Packager::carries(const media::Track& track) const {
    return ts::carries(track);
}

std::vector<media::SegmentPart> Packager::package(const media::SegmentUnits& segment) {
    std::vector<const media::SegmentTrack*> carried;
    media::SegmentPart part;
    std::size_t size = 0;
    for (const media::SegmentTrack& track : segment.tracks) {
        if (!carries(track.track) || track.units.empty() || carried.size() == tracks_max) {
            continue;
        }
        carried.push_back(&track);
        part.tracks.push_back(track.track);
        for (const media::AccessUnitRef& unit : track.units) {
            size += unit->payload.size() + 2 * packet_size;
        }
    }
    if (carried.empty()) {
        return {};
    }
    multiplexer_.configure(part.tracks);
    multiplexer_.expect(segment.messages);
    multiplexer_.begin_segment();
    const auto leads = [this](const media::SegmentTrack* track) {
        return track->track.id == multiplexer_.clock_track();
    };
    const media::SegmentTrack& leader = **std::ranges::find_if(carried, leads);
    std::vector<std::byte> bytes;
    bytes.reserve(size + size / 32 + 8 * packet_size);
    auto message = segment.messages.begin();
    for (const Placed& placed : interleave(carried, leader)) {
        multiplexer_.write(bytes, *placed.unit);
        for (; message != segment.messages.end() && message->pts <= placed.dts; ++message) {
            multiplexer_.write(bytes, *message);
        }
    }
    for (; message != segment.messages.end(); ++message) {
        multiplexer_.write(bytes, *message);
    }
    part.timescale = leader.track.config->timescale;
    part.begin = leader.begin();
    part.duration = leader.duration();
    multiplexer_.run_on(bytes, leader.end, part.timescale);
    part.rendition = rendition;
    part.name = fmt::format("{}/{}/ts-{}.ts", segment.run, node_start_, segment.cut.number);
    part.bytes = Bytes{std::move(bytes)};
    std::vector<media::SegmentPart> parts;
    parts.push_back(std::move(part));
    return parts;
}

}   // namespace millrace::ts
