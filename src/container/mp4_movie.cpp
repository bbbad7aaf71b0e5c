#include "container/mp4_movie.hpp"

#include "container/mp4_language.hpp"
#include "container/mp4_reader.hpp"
#include "container/mp4_sample_entry.hpp"
#include "media/time.hpp"

#include <algorithm>
#include <map>

namespace millrace::mp4 {
namespace {

std::unexpected<Error> cut_short() {
    return fail(Errc::malformed, "cut short");
}

bool is_timescale(std::int64_t ticks) {
    return ticks > 0 && ticks <= timescale_max;
}

std::unexpected<Error> progressive() {
    return fail(Errc::unsupported, "a progressive file: only fragmented MP4 is read here, use FFmpeg");
}

/// One edit list: an empty edit delays the track, the first other one says where its media begins.
struct Edits {
    std::int64_t empty = 0;   // in the movie's timescale
    std::int64_t media_time = 0;
};

class MovieParser {
public:
    MovieParser(Movie before, BoxPath& path) : before_{std::move(before)}, path_{path} {}

    Result<Movie> parse(ByteSpan moov);

private:
    Result<> visit_moov(const Box& box);
    Result<> visit_trak(const Box& box);
    Result<> read_media(const Box& box);
    Result<> read_sample_table(const Box& box);
    Result<> read_mvhd(const Box& box);
    Result<> read_tkhd(const Box& box);
    Result<> read_mdhd(const Box& box);
    Result<> read_elst(const Box& box);
    Result<> read_stsd(const Box& box);
    Result<> read_stsz(const Box& box);
    Result<> read_stsc(const Box& box);
    Result<> read_trex(const Box& box);
    Result<> read_children(const Box& box, Result<> (MovieParser::*visit)(const Box&));
    Result<> finish_trak();
    Result<> keep_config(MovieTrack& track, SampleEntry entry);
    Result<> finish_movie();

    Movie before_;
    BoxPath& path_;
    Movie movie_;
    std::map<std::uint32_t, SampleDefaults> defaults_;
    std::int64_t movie_timescale_ = 1;
    std::vector<Edits> edits_;   // one a track
    bool has_samples_ = false;
    bool has_mvex_ = false;

    // The trak being read.
    MovieTrack track_;
    std::optional<SampleEntry> entry_;
    Edits edit_;
};

Result<> MovieParser::read_children(const Box& box, Result<> (MovieParser::*visit)(const Box&)) {
    return for_each_box(box.body, path_, [&](const Box& child) { return (this->*visit)(child); });
}

Result<Movie> MovieParser::parse(ByteSpan moov) {
    Result<> read = read_children({.type = four_cc("moov"), .body = moov}, &MovieParser::visit_moov);
    if (read) {
        read = finish_movie();
    }
    if (!read) {
        return std::unexpected(read.error());
    }
    return std::move(movie_);
}

Result<> MovieParser::visit_moov(const Box& box) {
    switch (box.type) {
        case four_cc("mvhd"): return read_mvhd(box);
        case four_cc("mvex"): has_mvex_ = true; return read_children(box, &MovieParser::visit_moov);
        case four_cc("trex"): return read_trex(box);
        case four_cc("moof"):
        case four_cc("moov"): return fail(Errc::malformed, "a box that stands in no other");
        case four_cc("trak"): break;
        default: return {};
    }
    if (movie_.tracks.size() == Reader::tracks_max) {
        return fail(Errc::exhausted, "too many tracks");
    }
    track_ = {};
    entry_.reset();
    edit_ = {};
    if (const Result<> read = read_children(box, &MovieParser::visit_trak); !read) {
        return read;
    }
    return finish_trak();
}

Result<> MovieParser::visit_trak(const Box& box) {
    switch (box.type) {
        case four_cc("tkhd"): return read_tkhd(box);
        case four_cc("edts"): return read_children(box, &MovieParser::visit_trak);
        case four_cc("elst"): return read_elst(box);
        case four_cc("mdia"): return read_children(box, &MovieParser::read_media);
        default: return {};
    }
}

Result<> MovieParser::read_media(const Box& box) {
    switch (box.type) {
        case four_cc("mdhd"): return read_mdhd(box);
        case four_cc("minf"): return read_children(box, &MovieParser::read_media);
        case four_cc("stbl"): return read_children(box, &MovieParser::read_sample_table);
        default: return {};
    }
}

Result<> MovieParser::read_sample_table(const Box& box) {
    switch (box.type) {
        case four_cc("stsd"): return read_stsd(box);
        case four_cc("stsz"): return read_stsz(box);
        case four_cc("stsc"): return read_stsc(box);
        default: return {};
    }
}

Result<> MovieParser::read_mvhd(const Box& box) {
    FullBox full{box};
    full.reader.skip(full.version == 1 ? 16 : 8);
    movie_timescale_ = full.reader.u32();
    if (!full.reader.ok() || !is_timescale(movie_timescale_)) {
        return fail(Errc::malformed, "no timescale, or one beyond belief");
    }
    return {};
}

Result<> MovieParser::read_tkhd(const Box& box) {
    FullBox full{box};
    full.reader.skip(full.version == 1 ? 16 : 8);
    track_.number = full.reader.u32();
    if (!full.reader.ok() || track_.number == 0) {
        return fail(Errc::malformed, "no track number");
    }
    return {};
}

Result<> MovieParser::read_mdhd(const Box& box) {
    FullBox full{box};
    full.reader.skip(full.version == 1 ? 16 : 8);
    track_.timescale = full.reader.u32();
    full.reader.skip(full.version == 1 ? 8 : 4);
    track_.track.language = unpacked_language(full.reader.u16());
    if (!full.reader.ok() || !is_timescale(track_.timescale)) {
        return fail(Errc::malformed, "no timescale, or one beyond belief");
    }
    return {};
}

// §8.6.6: entries u32 | { duration u32 or u64 | media time s32 or s64, -1: empty | rate u32 }…
Result<> MovieParser::read_elst(const Box& box) {
    FullBox full{box};
    const bool wide = full.version == 1;
    const std::uint32_t entries = full.reader.u32();
    if (entries > full.reader.remaining() / (wide ? 20 : 12)) {
        return fail(Errc::malformed, "more entries than it has bytes");
    }
    for (std::uint32_t i = 0; i < entries; ++i) {
        const std::uint64_t duration = wide ? full.reader.u64() : full.reader.u32();
        const std::int64_t media_time = wide ? static_cast<std::int64_t>(full.reader.u64())
                                             : static_cast<std::int32_t>(full.reader.u32());
        full.reader.skip(4);
        if (media_time >= 0) {
            edit_.media_time = media_time;
            break;
        }
        if (duration > static_cast<std::uint64_t>(seconds_max * timescale_max)) {
            return fail(Errc::malformed, "an empty edit beyond belief");
        }
        edit_.empty = static_cast<std::int64_t>(duration);
    }
    return {};
}

Result<> MovieParser::read_stsd(const Box& box) {
    FullBox full{box};
    if (full.reader.u32() == 0 || !full.reader.ok()) {
        return fail(Errc::malformed, "no sample entry");
    }
    return for_each_box(full.reader.rest(), path_, [this](const Box& entry) -> Result<> {
        if (entry_) {
            return {};
        }
        Result<std::optional<SampleEntry>> read = read_sample_entry(entry, path_);
        if (!read) {
            return std::unexpected(read.error());
        }
        entry_ = std::move(*read);
        return {};
    });
}

// §8.7.3: size of all u32, 0: samples u32 × { size u32 }
Result<> MovieParser::read_stsz(const Box& box) {
    FullBox full{box};
    const std::uint32_t size = full.reader.u32();
    const std::uint32_t samples = full.reader.u32();
    if (!full.reader.ok()) {
        return cut_short();
    }
    if (size == 0 && samples > full.reader.remaining() / 4) {
        return fail(Errc::malformed, "more samples than it has bytes");
    }
    has_samples_ = has_samples_ || samples != 0;
    return {};
}

// §8.7.4: entries u32 | { first chunk u32 | samples a chunk u32 | sample entry u32 }…
Result<> MovieParser::read_stsc(const Box& box) {
    FullBox full{box};
    const std::uint32_t entries = full.reader.u32();
    if (!full.reader.ok() || entries > full.reader.remaining() / 12) {
        return fail(Errc::malformed, "more entries than it has bytes");
    }
    for (std::uint32_t i = 0; i < entries; ++i) {
        full.reader.skip(4);
        if (full.reader.u32() == 0) {
            return fail(Errc::malformed, "a chunk of no samples");
        }
        full.reader.skip(4);
    }
    return {};
}

Result<> MovieParser::read_trex(const Box& box) {
    FullBox full{box};
    const std::uint32_t number = full.reader.u32();
    full.reader.skip(4);
    SampleDefaults defaults;
    defaults.duration = full.reader.u32();
    defaults.size = full.reader.u32();
    defaults.flags = full.reader.u32();
    if (!full.reader.ok()) {
        return cut_short();
    }
    if (defaults_.size() < Reader::tracks_max) {
        defaults_[number] = defaults;
    }
    return {};
}

Result<> MovieParser::finish_trak() {
    if (track_.number == 0 || movie_.find(track_.number) != nullptr) {
        return fail(Errc::malformed, "a track without a number of its own");
    }
    track_.track.id = static_cast<media::TrackId>(movie_.tracks.size());
    if (entry_) {
        if (const Result<> kept = keep_config(track_, std::move(*entry_)); !kept) {
            return kept;
        }
    }
    edits_.push_back(edit_);
    movie_.tracks.push_back(std::move(track_));
    return {};
}

Result<> MovieParser::keep_config(MovieTrack& track, SampleEntry entry) {
    MovieTrack* before = before_.find(track.number);
    const bool same_codec = before != nullptr && before->carried && before->codec == entry.codec;
    track.carried = true;
    track.codec = entry.codec;
    track.length_size = entry.length_size;
    track.track.kind = media::kind_of(entry.codec);
    if (track.track.kind == media::Kind::video) {
        track.pictures = same_codec ? std::move(before->pictures) : media::PictureReader{entry.codec};
        if (entry.config) {
            if (const Result<> taken = track.pictures->configure(std::move(*entry.config)); !taken) {
                return taken;
            }
        }
        track.track.config = track.pictures->config();
        return {};
    }
    if (entry.config->timescale == 0) {
        // MP3 of a rate that the entry cannot say; its first frame will.
        entry.config->timescale = entry.config->sample_rate = static_cast<std::uint32_t>(track.timescale);
    }
    const bool same = same_codec && before->track.config->same_coding(*entry.config);
    track.track.config =
        same ? before->track.config : std::make_shared<const media::TrackConfig>(std::move(*entry.config));
    return {};
}

Result<> MovieParser::finish_movie() {
    if (has_samples_ || !has_mvex_) {
        return progressive();
    }
    for (std::size_t i = 0; i < movie_.tracks.size(); ++i) {
        MovieTrack& track = movie_.tracks[i];
        track.defaults = defaults_[track.number];
        const Edits& edit = edits_[i];
        if (!believable(edit.media_time, track.timescale) || !believable(edit.empty, movie_timescale_)) {
            return fail(Errc::malformed, "an edit beyond belief");
        }
        track.shift = media::rescale(edit.empty, movie_timescale_, track.timescale) - edit.media_time;
    }
    const bool any = std::ranges::any_of(movie_.tracks, &MovieTrack::carried);
    if (!any) {
        return fail(Errc::unsupported, "no track of a codec we carry");
    }
    return {};
}

}   // namespace

MovieTrack* Movie::find(std::uint32_t number) {
    const auto track = std::ranges::find(tracks, number, &MovieTrack::number);
    return track == tracks.end() ? nullptr : &*track;
}

Result<Movie> read_movie(ByteSpan moov, Movie before, BoxPath& path) {
    return MovieParser{std::move(before), path}.parse(moov);
}

}   // namespace millrace::mp4
