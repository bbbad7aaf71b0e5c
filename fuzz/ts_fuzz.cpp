#include "base/check.hpp"
#include "container/ts_muxer.hpp"
#include "container/ts_packager.hpp"
#include "container/ts_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>

using namespace millrace;

namespace {

/// A transport stream as a relay sees it: packets in, access units through, packets and a segment out.
class Relay {
public:
    void take(ts::Item item) {
        if (auto* announced = std::get_if<ts::Announced>(&item)) {
            check(announced->tracks.size() <= ts::streams_max, "no more tracks than are read");
            tracks_ = std::move(announced->tracks);
            muxer_.configure(tracks_, log_, {});
        } else if (const auto* configured = std::get_if<ts::Configured>(&item)) {
            configure(*configured);
        } else if (std::holds_alternative<ts::Stopped>(item)) {
            muxer_.unpublished(log_, {});
        } else if (const auto* message = std::get_if<media::TimedMessage>(&item)) {
            check(message->body.size() <= media::TimedMessage::bytes_max, "KLV within its bounds");
            muxer_.message(*message, log_, {});
        } else {
            write(std::get<media::AccessUnit>(std::move(item)));
        }
    }
    void end() {
        for (const media::SegmentPart& part : packager_.package(segment_)) {
            hold(part.bytes);
        }
    }

private:
    void configure(const ts::Configured& configured) {
        for (media::Track& track : tracks_) {
            if (track.id == configured.track) {
                track.config = configured.config;
            }
        }
        muxer_.configure(tracks_, log_, {});
    }
    void write(media::AccessUnit unit) {
        check(unit.config != nullptr && !unit.payload.empty(), "a unit has a config and a payload");
        muxer_.write(unit, log_, {});
        const LogChange change = log_.take_change();
        check(change.head % ts::packet_size == 0, "whole packets");
        auto track = std::ranges::find(segment_.tracks, unit.track, [](const auto& t) { return t.track.id; });
        if (track == segment_.tracks.end()) {
            const media::Track made{.id = unit.track, .kind = unit.kind(), .config = unit.config};
            segment_.tracks.push_back({.track = made, .units = {}});
            track = std::prev(segment_.tracks.end());
        }
        track->end = unit.dts;
        track->units.push_back(std::make_shared<const media::AccessUnit>(std::move(unit)));
    }
    static void hold(ByteSpan bytes) {
        check(bytes.size() % ts::packet_size == 0, "whole packets");
        for (; !bytes.empty(); bytes = bytes.subspan(ts::packet_size)) {
            check(ts::read_packet(bytes.first(ts::packet_size)).has_value(), "packets that can be read");
        }
    }

    std::vector<media::Track> tracks_;
    ts::Muxer muxer_{"fuzz"};
    ts::Packager packager_{"node", "fuzz"};
    BlockLog log_;
    media::SegmentUnits segment_;
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSpan input = std::as_bytes(std::span{data, size});
    ts::Reader reader;
    Relay relay;
    const auto drain = [&](ByteSpan piece) {
        while (std::optional<ts::Item> item = reader.next(piece)) {
            relay.take(std::move(*item));
        }
    };
    while (!input.empty()) {
        // No divisor of a packet, so that every part of it is cut somewhere.
        const ByteSpan piece = input.first(std::min<std::size_t>(input.size(), 77));
        input = input.subspan(piece.size());
        drain(piece);
    }
    reader.end();
    drain({});
    relay.end();
    return 0;
}
