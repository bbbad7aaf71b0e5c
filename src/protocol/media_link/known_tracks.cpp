#include "protocol/media_link/known_tracks.hpp"

#include "media/av1.hpp"
#include "media/jpeg.hpp"
#include "media/nal.hpp"

namespace millrace::media_link {

namespace {

bool has_nal_units(media::Codec codec) {
    return codec == media::Codec::h264 || codec == media::Codec::h265;
}

}   // namespace

Result<> KnownTracks::take(media::Track& track) {
    if (track.id >= tracks_max) {
        return fail(Errc::exhausted, "a track beyond the link's last");
    }
    media::ConfigRef& known = configs_[track.id];
    if (track.config == nullptr) {
        return {};   // announced
    }
    if (known != nullptr && known->same_coding(*track.config) &&
        known->frame_rate == track.config->frame_rate) {
        track.config = known;   // said again: nothing changed
    }
    known = track.config;
    return {};
}

Result<> KnownTracks::take(media::AccessUnit& unit) const {
    if (unit.track >= tracks_max || configs_[unit.track] == nullptr) {
        return fail(Errc::malformed, "an access unit of no track");
    }
    unit.config = configs_[unit.track];
    if (has_nal_units(unit.config->codec)) {
        const Result<std::vector<ByteSpan>> nals = media::split_length_prefixed(unit.payload, 4);
        if (!nals) {
            return std::unexpected(nals.error());
        }
    } else if (unit.config->codec == media::Codec::av1) {
        const Result<std::vector<ByteSpan>> obus = media::av1::split_temporal_unit(unit.payload);
        if (!obus) {
            return std::unexpected(obus.error());
        }
    } else if (unit.config->codec == media::Codec::mjpeg) {
        const Result<media::jpeg::Facts> picture = media::jpeg::read(unit.payload);
        if (!picture || picture->size != unit.payload.size()) {
            return fail(Errc::malformed, "a picture that is no JPEG");
        }
    }
    return {};
}

}   // namespace millrace::media_link
