#include "session/hls_lists.hpp"

#include "container/m3u8_writer.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <cmath>

namespace millrace::session {

namespace {

constexpr std::int64_t microseconds_timescale = 1'000'000;

std::string address(const ListAddresses& addresses, std::string_view name) {
    std::string text = addresses.folder;
    text += name;
    if (!addresses.query.empty()) {
        text.append("?").append(addresses.query);
    }
    return text;
}

/// Both ends rounded on the run's timeline: neighbours share theirs, so errors do not add up.
Duration duration_of(const media::SegmentPart& part) {
    const auto rounded = [&](std::int64_t time) {
        return media::rescale_nearest(time, part.timescale, microseconds_timescale);
    };
    return std::chrono::microseconds{rounded(part.begin + part.duration) - rounded(part.begin)};
}

/// When the part begins by the capture clock. Pictures begin with the cut; audio frames begin where they do.
WallTime utc_of(const media::Cut& cut, const media::SegmentPart& part) {
    if (part.tracks.empty() || part.tracks.front().kind != media::Kind::audio) {
        return cut.utc;
    }
    const std::int64_t begin = media::rescale_nearest(part.begin, part.timescale, microseconds_timescale);
    const std::int64_t at = media::rescale_nearest(cut.time, cut.timescale, microseconds_timescale);
    return {cut.utc.microseconds + begin - at};
}

/// Writes the segments of one rendition, whose init section mostly stays the same.
class RenditionLister {
public:
    RenditionLister(std::string_view rendition, const ListAddresses& addresses)
        : rendition_{rendition}, addresses_{addresses} {}

    hls::MediaSegment segment(const hub::SegmentEntry& entry) {
        hls::MediaSegment segment{
            .utc = entry.cut.utc, .discontinuity = entry.cut.discontinuity, .unpublished = entry.unpublished};
        const auto part = std::ranges::find(entry.parts, rendition_, &media::SegmentPart::rendition);
        if (part == entry.parts.end()) {
            segment.gap = true;
            segment.uri = address(addresses_, fmt::format("gap/{}-{}", rendition_, entry.cut.number));
            segment.duration =
                std::chrono::microseconds{std::llround(entry.seconds() * microseconds_timescale)};
            return segment;
        }
        found_ = true;
        segment.uri = address(addresses_, part->name);
        segment.duration = duration_of(*part);
        segment.utc = utc_of(entry.cut, *part);
        if (!part->init_name.empty()) {
            const std::string init = address(addresses_, part->init_name);
            if (init_ == nullptr || init_->uri != init) {
                init_ = std::make_shared<const hls::InitSection>(hls::InitSection{init, {}});
            }
            segment.init = init_;
        }
        return segment;
    }
    bool found() const { return found_; }

private:
    std::string_view rendition_;
    const ListAddresses& addresses_;
    std::shared_ptr<const hls::InitSection> init_;
    bool found_ = false;
};

std::string rendition_of(const media::Track& track) {
    return fmt::format("{}{}", track.kind == media::Kind::audio ? 'a' : 'v', track.id);
}

/// Audio tracks of one coding: a player takes one of them (RFC 8216 §4.3.4.1.1: what a group offers must be
/// playable by whoever can play its variant).
struct AudioGroup {
    std::string codec;
    std::string name;
    std::vector<const media::Track*> tracks;
};

/// Builds the list of lists.
class VariantLister {
public:
    VariantLister(const hub::SegmentList& list, const ListAddresses& addresses)
        : list_{list}, addresses_{addresses} {
        for (const media::Track& track : list.tracks) {
            if (track.config != nullptr && track.kind == media::Kind::video) {
                videos_.push_back(&track);
            } else if (track.config != nullptr && track.kind == media::Kind::audio) {
                add_audio(track);
            }
        }
    }

    hls::MultivariantPlaylist lists() {
        hls::MultivariantPlaylist all;
        for (const AudioGroup& group : groups_) {
            for (const media::Track* track : group.tracks) {
                if (videos_.empty()) {
                    all.variants.push_back(variant(*track));
                } else {
                    all.renditions.push_back(rendition(group, *track));
                }
            }
        }
        for (const media::Track* video : videos_) {
            for (const AudioGroup& group : groups_) {
                all.variants.push_back(variant(*video, &group));
            }
            if (groups_.empty()) {
                all.variants.push_back(variant(*video));
            }
        }
        return all;
    }

private:
    void add_audio(const media::Track& track) {
        const std::string& codec = track.config->codec_string;
        auto group = std::ranges::find(groups_, codec, &AudioGroup::codec);
        if (group == groups_.end()) {
            const std::string name = groups_.empty() ? "audio" : fmt::format("audio-{}", groups_.size() + 1);
            group = groups_.insert(groups_.end(), AudioGroup{codec, name, {}});
        }
        group->tracks.push_back(&track);
    }

    std::string list_of(const media::Track& track) const {
        return address(addresses_, rendition_of(track) + ".m3u8");
    }
    hub::BitRates rates_of(const media::Track& track) const {
        const auto found = list_.rates.find(rendition_of(track));
        return found == list_.rates.end() ? hub::BitRates{} : found->second;
    }

    hls::Rendition rendition(const AudioGroup& group, const media::Track& track) const {
        return {.group = group.name,
                .name = fmt::format("Audio {}", track.id),
                .language = track.language,
                .uri = list_of(track),
                .is_default = &track == group.tracks.front(),
                .autoselect = true,
                .channels = track.config->channels > 0 ? std::to_string(track.config->channels) : ""};
    }

    hls::Variant variant(const media::Track& track, const AudioGroup* group = nullptr) const {
        const media::TrackConfig& config = *track.config;
        hub::BitRates most;   // of what may be played with it
        for (const media::Track* audio :
             group != nullptr ? group->tracks : std::vector<const media::Track*>{}) {
            most.peak_bps = std::max(most.peak_bps, rates_of(*audio).peak_bps);
            most.average_bps = std::max(most.average_bps, rates_of(*audio).average_bps);
        }
        const hub::BitRates own = rates_of(track);
        hls::Variant variant{.uri = list_of(track),
                             .bandwidth = with_headroom(own.peak_bps + most.peak_bps),
                             .average_bandwidth = own.average_bps + most.average_bps,
                             .codecs = config.codec_string};
        if (track.kind == media::Kind::video) {
            variant.width = config.width;
            variant.height = config.height;
            variant.frame_rate = list_.frame_rate > 0 ? list_.frame_rate : config.frame_rate;
        }
        if (group != nullptr) {
            variant.codecs += ',' + group->codec;
            variant.audio = group->name;
        }
        return variant;
    }

    /// Players ask once; later segments may be somewhat larger than all before.
    static std::uint64_t with_headroom(std::uint64_t peak_bps) {
        constexpr std::uint64_t step = 1000;
        return (peak_bps + peak_bps / 10 + step) / step * step;
    }

    const hub::SegmentList& list_;
    const ListAddresses& addresses_;
    std::vector<const media::Track*> videos_;
    std::vector<AudioGroup> groups_;
};

}   // namespace

Result<std::string> media_list(const hub::SegmentList& list, std::string_view rendition,
                               const ListAddresses& addresses) {
    if (list.segments.empty()) {
        return fail(Errc::not_found, "the stream has no segment yet");
    }
    const media::Cut& first = list.segments.front()->cut;
    // RFC 8216 §6.2.2: the number before the first segment's own tag, which is still in the list.
    hls::MediaPlaylist text{
        .target_duration = list.target_duration,
        .media_sequence = first.number,
        .discontinuity_sequence = first.discontinuity_sequence - (first.discontinuity ? 1 : 0),
        .independent = list.independent,
        .ended = list.ended};
    RenditionLister lister{rendition, addresses};
    for (const hub::SegmentEntryRef& entry : list.segments) {
        text.segments.push_back(lister.segment(*entry));
    }
    // What it once had may come again, and whoever has that list asks for it still.
    if (!lister.found() && !list.rates.contains(rendition)) {
        return fail(Errc::not_found, "the stream has no such media list");
    }
    return hls::write(text);
}

std::string multivariant_list(const hub::SegmentList& list, const ListAddresses& addresses) {
    return hls::write(VariantLister{list, addresses}.lists());
}

}   // namespace millrace::session
