#include "media/track.hpp"
#include "media/access_unit.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::media {

std::string_view name(Codec codec) {
    switch (codec) {
        case Codec::h264: return "h264";
        case Codec::h265: return "h265";
        case Codec::av1: return "av1";
        case Codec::aac: return "aac";
        case Codec::opus: return "opus";
        case Codec::mp3: return "mp3";
        case Codec::mjpeg: return "mjpeg";
        case Codec::pcma: return "pcma";
        case Codec::pcmu: return "pcmu";
        case Codec::g722: return "g722";
        case Codec::l16: return "l16";
    }
    return "unknown";
}

bool TrackConfig::same_coding(const TrackConfig& other) const {
    return codec == other.codec && timescale == other.timescale && vps == other.vps && sps == other.sps &&
           pps == other.pps && extra == other.extra && sample_rate == other.sample_rate &&
           channels == other.channels &&
           // Nothing else of MJPEG's configuration says it.
           (codec != Codec::mjpeg || (width == other.width && height == other.height));
}

std::string codec_list(std::span<const Track> tracks) {
    std::vector<std::string_view> listed;
    std::string list;
    for (const Track& track : tracks) {
        if (track.config == nullptr ||
            std::ranges::find(listed, track.config->codec_string) != listed.end()) {
            continue;
        }
        listed.push_back(track.config->codec_string);
        list += list.empty() ? "" : ",";
        list += track.config->codec_string;
    }
    return list;
}

std::string_view name(CaptureTime::Label label) {
    switch (label) {
        case CaptureTime::Label::arrival: return "arrival";
        case CaptureTime::Label::sender: return "sender";
        case CaptureTime::Label::capture: return "capture";
    }
    return "arrival";
}

std::optional<CaptureTime::Label> capture_label_of(std::string_view word) {
    for (const auto label :
         {CaptureTime::Label::arrival, CaptureTime::Label::sender, CaptureTime::Label::capture}) {
        if (word == name(label)) {
            return label;
        }
    }
    return std::nullopt;
}

std::int64_t AccessUnit::dts_ms() const {
    return rescale_nearest(dts, config->timescale, milliseconds_timescale);
}

std::int64_t AccessUnit::pts_ms() const {
    return rescale_nearest(pts, config->timescale, milliseconds_timescale);
}

}   // namespace millrace::media
