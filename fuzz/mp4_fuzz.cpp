#include "base/check.hpp"
#include "container/mp4_muxer.hpp"
#include "container/mp4_packager.hpp"
#include "container/mp4_reader.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <variant>

using namespace millrace;

namespace {

/// A file as a relay sees it: bytes in, access units through, endless MP4 and segments out.
class Relay {
public:
    void take(const mp4::Item& item) {
        if (const auto* opened = std::get_if<mp4::Opened>(&item)) {
            tracks_ = opened->tracks;
            configure();
            return;
        }
        if (std::holds_alternative<mp4::Ended>(item)) {
            for (Form* form : {&http_, &source_}) {
                form->muxer.unpublished(form->log, {});
            }
            return;
        }
        const auto& unit = std::get<media::AccessUnit>(item);
        check(unit.config != nullptr && !unit.payload.empty(), "a unit has a config and a payload");
        const auto track = std::ranges::find(tracks_, unit.track, &media::Track::id);
        check(track != tracks_.end(), "a unit is of a track that was opened");
        if (track->config != unit.config) {
            track->config = unit.config;
            configure();
        }
        segment_.track = *track;
        segment_.units = {std::make_shared<const media::AccessUnit>(unit)};
        segment_.end = unit.dts + unit.duration;
        (void)packager_.package({.run = "r", .cut = {}, .tracks = {segment_}});
        for (Form* form : {&http_, &source_}) {
            form->muxer.write(unit, form->log, {});
            (void)form->log.take_change();
        }
    }

private:
    struct Form {
        mp4::Muxer muxer;
        BlockLog log;
    };
    void configure() {
        for (Form* form : {&http_, &source_}) {
            form->muxer.configure(tracks_, form->log, {});
            (void)form->muxer.lead(tracks_);
        }
    }

    std::vector<media::Track> tracks_;
    media::SegmentTrack segment_;
    mp4::Packager packager_;
    Form http_{mp4::Muxer{mp4::Period::ends}, {}};
    Form source_{mp4::Muxer{mp4::Period::restarts}, {}};
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSpan input = std::as_bytes(std::span{data, size});
    mp4::Reader reader;
    Relay relay;
    while (!input.empty()) {
        // In pieces of 61 bytes, so that every part of a box is cut somewhere.
        ByteSpan piece = input.first(std::min<std::size_t>(input.size(), 61));
        input = input.subspan(piece.size());
        while (true) {
            const Result<std::optional<mp4::Item>> item = reader.next(piece);
            if (!item) {
                (void)reader.failed_in();
                return 0;
            }
            if (!*item) {
                break;
            }
            relay.take(**item);
        }
    }
    (void)reader.finish();
    return 0;
}
