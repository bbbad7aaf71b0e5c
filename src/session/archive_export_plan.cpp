#include "archive/record.hpp"
#include "container/mp4_tables.hpp"
#include "media/time.hpp"
#include "session/archive_export.hpp"

#include <algorithm>

// Which bytes an export has, and where in it each sample is.

namespace millrace::session {

namespace {

/// Of one fragment; and of all, which a slow bucket may need.
constexpr Duration read_deadline = 30s;
constexpr Duration plan_deadline = 300s;
constexpr std::int64_t microseconds = 1'000'000;
constexpr std::int64_t microseconds_a_ms = 1'000;
/// Between two runs there is at least this, so that sound which goes on behind the last picture, or begins in
/// front of the first, overlaps with nothing.
constexpr std::int64_t seam_us_min = 500'000;
/// Changes of coding in one export.
constexpr std::size_t changes_max = 1'024;

constexpr Error too_long{Errc::exhausted, "this is more than one file holds; ask for it in parts"};
constexpr Error no_room{Errc::timed_out, "too much is exported at once; try again later, or ask for less"};

std::int64_t to_us(std::int64_t ticks, std::int64_t timescale) {
    return media::rescale_nearest(ticks, timescale, microseconds);
}

/// What stands in front of a record's samples.
struct Front {
    archive::RecordHead head;
    ByteSpan chunk;
};

Result<Front> take_front(ByteSpan& heads, std::uint64_t file) {
    const Result<archive::RecordHead> head = archive::read_head(heads, file);
    const auto size =
        head ? archive::front_size(*head, heads.subspan(archive::head_size)) : std::optional<std::size_t>{};
    if (!size || head->timescale == 0) {
        return fail(Errc::malformed, "this fragment is not as it was recorded");
    }
    const ByteSpan chunk = heads.subspan(archive::head_size, *size);
    heads = heads.subspan(archive::head_size + *size);
    return Front{*head, chunk};
}

/// When the first of a fragment's units is decoded, in microseconds.
Result<std::int64_t> earliest_time(ByteSpan heads, std::uint64_t file) {
    std::int64_t earliest = INT64_MAX;
    while (!heads.empty()) {
        const Result<Front> front = take_front(heads, file);
        if (!front) {
            return std::unexpected(front.error());
        }
        earliest = std::min(earliest, media::rescale(front->head.dts, front->head.timescale, microseconds));
    }
    return earliest;
}

/// Makes one export. Its steps are in the order of `run`.
class Planning {
public:
    Planning(Desk& desk, archive::Keeper& keeper, ExportWish wish)
        : desk_{desk},
          keeper_{keeper},
          wish_{std::move(wish)},
          plan_{.room = ExportRoom{desk}},
          deadline_{desk.executor.now() + plan_deadline} {
        plan_.stream = wish_.stream;
    }

    Task<Result<ArchiveExport>> run() {
        Result<> done = co_await find_times();
        if (done) {
            done = co_await read_codings();
        }
        if (done) {
            done = co_await read_tables();
        }
        if (!done) {
            co_return std::unexpected(done.error());
        }
        finish();
        co_return std::move(plan_);
    }

private:
    Instant soon() const { return std::min(deadline_, desk_.executor.now() + read_deadline); }

    Task<Result<Bytes>> heads_of(archive::FoundFragment one) {
        Answer<Bytes> answer{desk_.executor};
        keeper_.read_heads(plan_.stream, one.file, one.fragment.number, answer.reply());
        co_return co_await answer.within(soon());
    }

    /// The fragments that are there, from the first that can be read on, and what is added to their times.
    Task<Result<>> find_times() {
        std::vector<archive::FoundFragment>& all = wish_.listing.fragments;
        while (!all.empty()) {
            const Result<Bytes> heads = co_await heads_of(all.front());
            const Result<std::int64_t> earliest =
                heads ? earliest_time(*heads, all.front().file) : std::unexpected(heads.error());
            if (earliest) {
                shifts_ = export_shifts(wish_.listing, *earliest);
                co_return Result<>{};
            }
            if (earliest.error().code != Errc::malformed) {
                co_return std::unexpected(earliest.error());
            }
            all.erase(all.begin());
            if (!all.empty()) {
                all.front().new_coding = true;
            }
        }
        co_return fail(Errc::not_found, "what was recorded then is damaged");
    }

    /// All that players read before; only then is it known what stands in front of key frames.
    Task<Result<>> read_codings() {
        std::size_t coding = 0;
        std::size_t changes = 0;
        for (const archive::FoundFragment& one : wish_.listing.fragments) {
            if (codings_.empty() || one.new_coding) {
                Answer<Bytes> answer{desk_.executor};
                keeper_.init(plan_.stream, one.file, answer.reply());
                const Result<Bytes> init = co_await answer.within(soon());
                const Result<std::size_t> added =
                    init ? plan_.movie.add(*init) : std::unexpected(init.error());
                if (!added || ++changes > changes_max) {
                    co_return added
                        ? fail(Errc::exhausted, "its coding changes more often than one file holds")
                        : std::unexpected(added.error());
                }
                coding = *added;
            }
            codings_.push_back(coding);
        }
        for (const mp4::CodedTrack& track : plan_.movie.tracks()) {
            tables_.push_back({.track = track, .tables = {}});
        }
        const archive::Fragment& last = wish_.listing.fragments.back().fragment;
        init_ = plan_.movie.init((last.media_us + last.duration_us + shifts_.back()) / microseconds_a_ms);
        media_size_ = init_.size();
        co_return Result<>{};
    }

    Task<Result<>> read_tables() {
        for (std::size_t at = 0; at < wish_.listing.fragments.size(); ++at) {
            const archive::FoundFragment& one = wish_.listing.fragments[at];
            const Result<Bytes> heads = co_await heads_of(one);
            ArchiveExport::Piece piece{.file = one.file,
                                       .number = one.fragment.number,
                                       .room = plan_.movie.sets_size_max(),
                                       .coding = codings_[at],
                                       .shift_us = shifts_[at]};
            const bool last = at + 1 == wish_.listing.fragments.size();
            const Result<std::vector<Placed>> placed =
                heads ? place(piece, *heads, one, last) : std::unexpected(heads.error());
            if (placed) {
                add(*placed);
            } else if (placed.error().code != Errc::malformed) {
                co_return std::unexpected(placed.error());
            } else {
                co_await look_closer(one);
            }
            if (tables_size() > ArchiveExport::tables_size_max) {
                co_return std::unexpected(too_long);
            }
            if (!plan_.room.grow_to(tables_size())) {
                co_return std::unexpected(no_room);
            }
            if (placed && piece.size > 0) {
                media_size_ += piece.size;
                plan_.pieces.push_back(piece);
            }
        }
        const bool any = std::ranges::any_of(tables_, [](const auto& one) { return !one.tables.empty(); });
        co_return any ? Result<>{} : fail(Errc::not_found, "nothing of this stream was recorded then");
    }

    /// What cannot be understood is damaged, unless its checksums say otherwise: from now on it is a gap.
    Task<> look_closer(archive::FoundFragment one) {
        Answer<Bytes> answer{desk_.executor};
        keeper_.read_records(plan_.stream, one.file, one.fragment.number, answer.reply());
        (void)co_await answer.within(soon());
    }

    /// A chunk in the export.
    struct Placed {
        std::size_t track = 0;
        std::uint32_t entry = 1;
        std::uint64_t offset = 0;
        std::vector<mp4::SampleTables::Sample> samples;
    };

    /// Where the chunks of a fragment are in the export, which it makes larger by `piece.size`.
    Result<std::vector<Placed>> place(ArchiveExport::Piece& piece, ByteSpan heads,
                                      const archive::FoundFragment& one, bool last) {
        std::vector<Placed> found;
        std::size_t room = piece.room;
        while (!heads.empty()) {
            const Result<Front> front = take_front(heads, piece.file);
            if (!front) {
                return std::unexpected(front.error());
            }
            const std::size_t grows = std::exchange(room, 0);
            const auto to = plan_.movie.place(piece.coding, mp4::track_number(front->head.track));
            Result<Placed> placed = Placed{};
            if (to) {
                placed = place_chunk(*front, export_move(*to, piece, grows), piece.coding);
            }
            if (!placed) {
                return std::unexpected(placed.error());
            }
            if (front->head.begins() && !placed->samples.empty()) {
                learn_span(one, *placed, last);
            }
            if (exported_at(front->head, piece) >= plan_.end_us) {
                continue;
            }
            piece.size += archive::head_size + front->head.body_size + grows;
            if (to) {
                std::uint64_t bytes = 0;
                for (const mp4::SampleTables::Sample& sample : placed->samples) {
                    bytes += sample.size;
                }
                placed->offset = media_size_ + piece.size - bytes;   // they stand last in the record
                found.push_back(std::move(*placed));
            }
        }
        return found;
    }

    Result<Placed> place_chunk(const Front& front, const mp4::ChunkMove& move, std::size_t coding) {
        const auto chunk = plan_.movie.samples(coding, front.chunk);
        if (!chunk || front.chunk.size() + chunk->bytes != front.head.body_size ||
            chunk->track_number != mp4::track_number(front.head.track)) {
            return fail(Errc::malformed, "this fragment is not as it was recorded");
        }
        Placed placed{.track = 0, .entry = move.place.entry};
        while (mp4::track_number(tables_[placed.track].track.track.id) != move.place.track_number) {
            ++placed.track;
        }
        std::size_t sets = move.sets_before(chunk->samples.front().key).size();
        const std::int64_t first = chunk->samples.front().dts;
        for (const mp4::PlacedSample& sample : chunk->samples) {
            const std::int64_t dts = move.moved(first) + sample.dts - first;
            placed.samples.push_back(
                {.dts = dts,
                 .pts = dts + sample.pts - sample.dts,
                 .duration = sample.duration,
                 .size = static_cast<std::uint32_t>(sample.size + std::exchange(sets, 0)),
                 .key = sample.key});
        }
        return placed;
    }

    /// The fragment's UTC is that of its first unit, when it is shown: so it is known when what is asked for
    /// begins, and where this is the last fragment, ends.
    void learn_span(const archive::FoundFragment& one, const Placed& begins, bool last) {
        const std::int64_t timescale = tables_[begins.track].track.track.config->timescale;
        const std::int64_t shown_us = to_us(begins.samples.front().pts, timescale);
        const std::int64_t begin_us = wish_.span.from.microseconds - one.fragment.utc.microseconds;
        if (!lead_) {
            lead_ = begins.track;
            from_us_ = begin_us > 0 ? std::optional{shown_us + begin_us} : std::nullopt;
        }
        const std::int64_t end_us = wish_.span.to.microseconds - one.fragment.utc.microseconds;
        if (last && end_us < one.fragment.duration_us + seam_us_min) {
            plan_.end_us = shown_us + end_us;
        }
    }

    void add(const std::vector<Placed>& chunks) {
        for (const Placed& chunk : chunks) {
            mp4::SampleTables& tables = tables_[chunk.track].tables;
            tables.add_chunk(chunk.offset, chunk.entry);
            const std::int64_t timescale = tables_[chunk.track].track.track.config->timescale;
            for (const mp4::SampleTables::Sample& sample : chunk.samples) {
                tables.add(sample);
                const bool may_begin =
                    chunk.track == lead_ && from_us_ && to_us(sample.pts, timescale) >= *from_us_;
                if (may_begin && sample.pts < first_shown_.value_or(INT64_MAX)) {
                    first_shown_ = sample.pts;
                }
            }
        }
    }

    std::size_t tables_size() const {
        std::size_t size = 0;
        for (const mp4::TabledTrack& track : tables_) {
            size += track.tables.size();
        }
        return size;
    }

    /// What is shown begins with the first picture at or after the moment that is asked for; with everything
    /// where that is before all.
    mp4::ShownSpan shown() const {
        if (first_shown_) {
            return {*first_shown_, tables_[*lead_].track.track.config->timescale, plan_.end_us};
        }
        std::int64_t earliest = INT64_MAX;
        for (const mp4::TabledTrack& track : tables_) {
            if (!track.tables.empty()) {
                earliest =
                    std::min(earliest, to_us(track.tables.begin(), track.track.track.config->timescale));
            }
        }
        return {earliest, microseconds, plan_.end_us};
    }

    void finish() {
        const mp4::ShownSpan span = shown();
        std::erase_if(tables_, [](const mp4::TabledTrack& track) { return track.tables.empty(); });
        plan_.head = mp4::progressive_head(tables_, span, media_size_);
        plan_.head.push_back(init_);
    }

    Desk& desk_;
    archive::Keeper& keeper_;
    ExportWish wish_;
    ArchiveExport plan_;
    Instant deadline_;
    std::vector<std::int64_t> shifts_;
    std::vector<std::size_t> codings_;   // one a fragment
    std::vector<mp4::TabledTrack> tables_;
    Bytes init_;
    std::uint64_t media_size_ = 0;
    std::optional<std::size_t> lead_;   // the track whose unit begins the first fragment
    std::optional<std::int64_t> from_us_;
    std::optional<std::int64_t> first_shown_;   // in ticks of the lead
};

}   // namespace

std::vector<std::int64_t> export_shifts(const archive::Listing& listing, std::int64_t earliest_us) {
    std::vector<std::int64_t> shifts;
    shifts.reserve(listing.fragments.size());
    const archive::FoundFragment* before = nullptr;
    for (const archive::FoundFragment& one : listing.fragments) {
        const archive::Fragment& fragment = one.fragment;
        if (before == nullptr) {
            shifts.push_back(-earliest_us);
        } else {
            const archive::Fragment& first = listing.fragments.front().fragment;
            const std::int64_t by_the_wall =
                fragment.utc.microseconds - first.utc.microseconds + first.media_us - earliest_us;
            const std::int64_t end = before->fragment.media_us + before->fragment.duration_us + shifts.back();
            const std::int64_t as_before = fragment.media_us + shifts.back();
            const std::int64_t begin = before->run == one.run
                                           ? std::min(as_before, end + hole_us_max)
                                           : std::clamp(by_the_wall, end + seam_us_min, end + hole_us_max);
            shifts.push_back(begin - fragment.media_us);
        }
        before = &one;
    }
    return shifts;
}

Task<Result<ArchiveExport>> plan_export(Desk& desk, archive::Keeper& keeper, ExportWish wish) {
    Planning planning{desk, keeper, std::move(wish)};
    co_return co_await planning.run();
}

}   // namespace millrace::session
