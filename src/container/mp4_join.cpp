#include "container/mp4_join.hpp"

#include "container/mp4_box.hpp"
#include "container/mp4_chunk.hpp"
#include "container/mp4_movie.hpp"
#include "media/time.hpp"

#include <algorithm>

namespace millrace::mp4 {
namespace {

using Out = std::vector<std::byte>;

constexpr std::uint32_t default_base_is_moof = 0x020000;
constexpr std::uint32_t has_entry = 0x02;
constexpr std::uint32_t has_data_offset = 0x001;
constexpr std::uint32_t has_duration_size_flags = 0x700;
constexpr std::uint32_t non_sync = 1U << 16U;

std::unexpected<Error> strange() {
    return fail(Errc::malformed, "not a chunk as it is recorded");
}

Result<Movie> movie_of(ByteSpan init) {
    BoxPath path;
    std::optional<Movie> movie;
    const Result<> read = for_each_box(init, path, [&](const Box& box) -> Result<> {
        if (box.type != four_cc("moov") || movie) {
            return {};
        }
        Result<Movie> found = read_movie(box.body, {}, path);
        if (!found) {
            return std::unexpected(found.error());
        }
        movie = std::move(*found);
        return {};
    });
    if (!read) {
        return std::unexpected(read.error());
    }
    if (!movie) {
        return fail(Errc::malformed, "no moov");
    }
    return std::move(*movie);
}

bool has_sets(const CodedTrack& track) {
    const media::Codec codec = track.track.config->codec;
    return track.codings.size() > 1 && (codec == media::Codec::h264 || codec == media::Codec::h265);
}

/// Writes the boxes of one chunk anew. `fragment_head` has drawn them.
class Mover {
public:
    Mover(Out& out, const ChunkMove& move) : out_{out}, writer_{out}, move_{move}, place_{move.place} {}

    Result<> visit(const Box& box) {
        switch (box.type) {
            case four_cc("prft"): return write_time(box);
            case four_cc("moof"): return write_moof(box);
            case four_cc("mdat"): write_samples(box); return {};
            default: return strange();
        }
    }

private:
    std::uint64_t moved(std::uint64_t ticks) const {
        return static_cast<std::uint64_t>(move_.moved(static_cast<std::int64_t>(ticks & (UINT64_MAX >> 2U))));
    }

    Result<> write_time(const Box& box) {
        FullBox full{box};
        full.reader.skip(4);
        const std::uint64_t utc = full.reader.u64();
        const std::uint64_t time = full.reader.u64();
        if (!full.reader.ok() || full.version != 1) {
            return strange();
        }
        const OpenBox prft{out_, box.type, full.version, full.flags};
        writer_.u32(place_.track_number);
        writer_.u64(utc);
        writer_.u64(moved(time));
        return {};
    }

    Result<> write_moof(const Box& box) {
        ByteSpan rest = box.body;
        BoxPath path;
        const Result<Box> mfhd = take_box(rest, path);
        const Result<Box> traf = mfhd ? take_box(rest, path) : mfhd;
        if (!traf || mfhd->type != four_cc("mfhd") || traf->type != four_cc("traf") || !rest.empty()) {
            return strange();
        }
        const std::size_t begin = out_.size();
        {
            const OpenBox moof{out_, box.type};
            const std::size_t sequence_at = out_.size() + box_header_size + 4;
            {
                const OpenBox head{out_, four_cc("mfhd"), 0, 0};
                writer_.u32(0);
            }
            if (const Result<> written = write_traf(traf->body); !written) {
                return written;
            }
            const std::int64_t ms = media::rescale(dts_, place_.timescale, media::milliseconds_timescale);
            overwrite_u32(out_, sequence_at, static_cast<std::uint32_t>(ms));
        }
        overwrite_u32(out_, data_offset_at_,
                      static_cast<std::uint32_t>(out_.size() - begin + box_header_size));
        return {};
    }

    Result<> write_traf(ByteSpan body) {
        BoxPath path;
        const Result<Box> tfhd = take_box(body, path);
        const Result<Box> tfdt = tfhd ? take_box(body, path) : tfhd;
        const Result<Box> trun = tfdt ? take_box(body, path) : tfdt;
        if (!trun || tfhd->type != four_cc("tfhd") || tfdt->type != four_cc("tfdt") ||
            trun->type != four_cc("trun") || FullBox{*tfhd}.flags != default_base_is_moof) {
            return strange();
        }
        const OpenBox traf{out_, four_cc("traf")};
        {
            const OpenBox box{out_, tfhd->type, 0, default_base_is_moof | has_entry};
            writer_.u32(place_.track_number);
            writer_.u32(place_.entry);
        }
        FullBox time{*tfdt};
        dts_ = static_cast<std::int64_t>(moved(time.reader.u64()));
        if (!time.reader.ok() || time.version != 1) {
            return strange();
        }
        {
            const OpenBox box{out_, tfdt->type, 1, 0};
            writer_.u64(static_cast<std::uint64_t>(dts_));
        }
        return write_trun(*trun);
    }

    Result<> write_trun(const Box& box) {
        FullBox full{box};
        const std::uint32_t samples = full.reader.u32();
        full.reader.skip(4);
        const std::uint32_t duration = full.reader.u32();
        const std::uint32_t size = full.reader.u32();
        const std::uint32_t flags = full.reader.u32();
        constexpr std::uint32_t wanted = has_data_offset | has_duration_size_flags;
        if (!full.reader.ok() || (full.flags & wanted) != wanted || samples == 0) {
            return strange();
        }
        sets_ = move_.sets_before((flags & non_sync) == 0);
        if (size > UINT32_MAX - sets_.size()) {
            return strange();
        }
        const OpenBox trun{out_, box.type, full.version, full.flags};
        writer_.u32(samples);
        data_offset_at_ = out_.size();
        writer_.u32(0);
        writer_.u32(duration);
        writer_.u32(size + static_cast<std::uint32_t>(sets_.size()));
        writer_.u32(flags);
        writer_.bytes(full.reader.rest());
        return {};
    }

    void write_samples(const Box& box) {
        const OpenBox mdat{out_, box.type};
        writer_.bytes(sets_);
        writer_.bytes(box.body);
    }

    Out& out_;
    ByteWriter writer_;
    const ChunkMove& move_;
    const ChunkPlace& place_;
    ByteSpan sets_;
    std::int64_t dts_ = 0;
    std::size_t data_offset_at_ = 0;
};

}   // namespace

Result<std::size_t> JoinedMovie::add(ByteSpan init) {
    Result<Movie> movie = movie_of(init);
    if (!movie) {
        return std::unexpected(movie.error());
    }
    Coding coding;
    for (const MovieTrack& track : movie->tracks) {
        if (!track.carried || track.track.config == nullptr) {
            continue;
        }
        const Result<Joined> joined = join(track.track, track.number, coding);
        if (!joined) {
            return std::unexpected(joined.error());
        }
        coding.push_back(*joined);
    }
    const auto known = std::ranges::find(codings_, coding);
    const auto number = static_cast<std::size_t>(known - codings_.begin());
    if (known == codings_.end()) {
        codings_.push_back(std::move(coding));
        movies_.push_back(std::move(*movie));
    }
    return number;
}

Result<JoinedMovie::Joined> JoinedMovie::join(const media::Track& track, std::uint32_t number,
                                              const Coding& beside) {
    constexpr Error too_many{Errc::exhausted, "these are more codings than one file holds"};
    for (std::size_t at = 0; at < tracks_.size(); ++at) {
        CodedTrack& into = tracks_[at];
        const media::TrackConfig& first = *into.track.config;
        const bool fits = first.codec == track.config->codec && first.timescale == track.config->timescale &&
                          into.track.language == track.language &&
                          std::ranges::find(beside, at, &Joined::track) == beside.end();
        const auto entry = std::ranges::find_if(
            into.codings, [&](const media::ConfigRef& coding) { return coding->same_coding(*track.config); });
        const auto place = static_cast<std::size_t>(entry - into.codings.begin());
        if (!fits || (entry == into.codings.end() && track.kind == media::Kind::audio)) {
            continue;
        }
        if (entry == into.codings.end()) {
            if (place == entries_max) {
                return std::unexpected(too_many);
            }
            into.codings.push_back(track.config);
        }
        return Joined{.number = number, .track = at, .entry = place};
    }
    if (tracks_.size() == tracks_max) {
        return std::unexpected(too_many);
    }
    tracks_.push_back({.track = track, .codings = {track.config}});
    tracks_.back().track.id = static_cast<media::TrackId>(tracks_.size() - 1);
    return Joined{.number = number, .track = tracks_.size() - 1, .entry = 0};
}

std::optional<ChunkPlace> JoinedMovie::place(std::size_t coding, std::uint32_t number) const {
    const auto joined = std::ranges::find(codings_[coding], number, &Joined::number);
    if (joined == codings_[coding].end()) {
        return std::nullopt;
    }
    const CodedTrack& track = tracks_[joined->track];
    return ChunkPlace{
        .track_number = track_number(track.track.id),
        .entry = static_cast<std::uint32_t>(joined->entry) + 1,
        .timescale = track.track.config->timescale,
        .sets = has_sets(track) ? sets_in_band(*track.codings[joined->entry]) : std::vector<std::byte>{}};
}

Result<JoinedMovie::ChunkSamples> JoinedMovie::samples(std::size_t coding, ByteSpan head) {
    ByteSpan rest = head;
    BoxPath path;
    Result<Box> box = take_box(rest, path);
    if (box && box->type == four_cc("prft")) {
        path.leave();
        box = take_box(rest, path);
    }
    if (!box || box->type != four_cc("moof") || rest.size() != box_header_size) {
        return strange();
    }
    const std::uint64_t end = head.size() - rest.size();
    const MoofPlace place{.begin = end - box_header_size - box->body.size(), .end = end};
    Movie& movie = movies_[coding];
    Result<MovieFragment> fragment = read_fragment(box->body, place, movie, path);
    if (!fragment || fragment->samples.empty() || fragment->samples.front().offset != head.size()) {
        return strange();
    }
    ChunkSamples found{.track_number = movie.tracks[fragment->samples.front().track].number,
                       .samples = std::move(fragment->samples)};
    for (const PlacedSample& sample : found.samples) {
        if (sample.offset != head.size() + found.bytes || sample.track != found.samples.front().track) {
            return strange();
        }
        found.bytes += sample.size;
    }
    return found;
}

std::size_t JoinedMovie::sets_size_max() const {
    std::size_t size = 0;
    for (const CodedTrack& track : tracks_) {
        for (const media::ConfigRef& coding : track.codings) {
            size = std::max(size, has_sets(track) ? sets_in_band(*coding).size() : 0);
        }
    }
    return size;
}

Result<> move_chunk(std::vector<std::byte>& out, ByteSpan chunk, const ChunkMove& move) {
    Mover mover{out, move};
    BoxPath path;
    return for_each_box(chunk, path, [&](const Box& box) { return mover.visit(box); });
}

}   // namespace millrace::mp4
