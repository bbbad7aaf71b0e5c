#include "base/check.hpp"
#include "container/flv_muxer.hpp"
#include "container/flv_reader.hpp"
#include "protocol/rtmp/muxer.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>

using namespace millrace;

namespace {

/// A file as a relay sees it: tags in, access units through, tags and RTMP messages out.
class Relay {
public:
    void take(const flv::Tag& tag) {
        Result<std::optional<flv::Item>> item = reader_.read(tag.type, tag.timestamp_ms, tag.body);
        if (!item || !*item) {
            return;
        }
        if (const auto* configured = std::get_if<flv::Configured>(&**item)) {
            configure(configured->track, configured->config);
        } else if (const auto* unit = std::get_if<media::AccessUnit>(&**item)) {
            check(unit->config != nullptr && !unit->payload.empty(), "a unit has a config and a payload");
            if (tracks_[unit->track].config != unit->config) {
                configure(unit->track, unit->config);
            }
            write(*unit);
        }
    }
    void end() {
        flv_.end(flv_log_, {});
        rtmp_.end(rtmp_log_, {});
        (void)flv_.lead(tracks_);
    }

private:
    void configure(media::TrackId id, const media::ConfigRef& config) {
        tracks_[id] = {.id = id, .kind = media::kind_of(config->codec), .config = config};
        flv_.configure(tracks_, flv_log_, {});
        rtmp_.configure(tracks_, rtmp_log_, {});
    }
    void write(const media::AccessUnit& unit) {
        if (unit.key) {
            flv_log_.mark_entrance(flv_.resume());
            rtmp_log_.mark_entrance(rtmp_.resume());
        }
        flv_.write(unit, flv_log_, {});
        rtmp_.write(unit, rtmp_log_, {});
        (void)flv_log_.take_change();
        (void)rtmp_log_.take_change();
    }

    flv::TagReader reader_;
    std::array<media::Track, 2> tracks_{
        {{.id = flv::video_track}, {.id = flv::audio_track, .kind = media::Kind::audio}}};
    flv::Muxer flv_;
    rtmp::Muxer rtmp_;
    BlockLog flv_log_;
    BlockLog rtmp_log_;
};

}   // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    ByteSpan input = std::as_bytes(std::span{data, size});
    flv::Splitter splitter;
    Relay relay;
    while (true) {
        // In pieces of seven bytes, so that every part of a tag is cut somewhere.
        ByteSpan piece = input.first(std::min<std::size_t>(input.size(), 7));
        input = input.subspan(piece.size());
        while (true) {
            const Result<std::optional<flv::Tag>> tag = splitter.next(piece);
            if (!tag) {
                return 0;
            }
            if (!*tag) {
                break;
            }
            relay.take(**tag);
        }
        if (input.empty()) {
            break;
        }
    }
    relay.end();
    return 0;
}
