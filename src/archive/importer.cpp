#include "archive/importer.hpp"

#include "container/mp4_init.hpp"
#include "media/time.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

namespace millrace::archive {

namespace {

constexpr std::int64_t microseconds = 1'000'000;

std::int64_t micros(std::int64_t ticks, const media::TrackConfig& config) {
    return media::rescale(ticks, config.timescale, microseconds);
}

}   // namespace

Importer::Importer(std::string stream, std::optional<WallTime> from, std::uint64_t number)
    : stream_{std::move(stream)}, key_{fmt::format("{} import {}", stream_, number)}, from_{from} {
}

Result<> Importer::read(ByteSpan& bytes) {
    while (ready_.empty() && !bytes.empty()) {
        const Result<bool> more = step(bytes);
        if (!more || !*more) {
            return more ? Result<>{} : std::unexpected(more.error());
        }
    }
    return {};
}

/// Takes one item; false where there is none in these bytes.
Result<bool> Importer::step(ByteSpan& bytes) {
    Result<std::optional<mp4::Item>> item = reader_.next(bytes);
    if (!item) {
        return std::unexpected(item.error());
    }
    if (!*item) {
        return false;
    }
    if (auto* const opened = std::get_if<mp4::Opened>(&**item)) {
        tracks_ = std::move(opened->tracks);
        const bool pictures = std::ranges::any_of(
            tracks_, [](const media::Track& track) { return track.kind == media::Kind::video; });
        lead_ = pictures ? media::Kind::video : media::Kind::audio;
    } else if (auto* const unit = std::get_if<media::AccessUnit>(&**item)) {
        if (const Result<> taken = take(std::move(*unit)); !taken) {
            return std::unexpected(taken.error());
        }
    }
    return true;
}

Result<> Importer::finish() {
    ByteSpan nothing;
    const Result<bool> left = step(nothing);   // out of the box that ended with the last byte
    Result<> whole = left ? reader_.finish() : std::unexpected(left.error());
    chunker_.finish();
    const Result<> gathered = gather();
    close_fragment();
    if (!whole) {
        return whole;
    }
    return offset_us_ ? gathered : fail(Errc::unsupported, "there is nothing in it that can be recorded");
}

std::optional<ImportedFragment> Importer::next() {
    if (ready_.empty()) {
        return std::nullopt;
    }
    ImportedFragment one = std::move(ready_.front());
    ready_.pop_front();
    return one;
}

/// When the file's first unit was.
Result<> Importer::place(const media::AccessUnit& unit) {
    const std::int64_t at = micros(unit.pts, *unit.config);
    if (from_ && !offset_us_) {
        offset_us_ = from_->microseconds - at;
    }
    const bool says = !from_ && unit.capture.utc != WallTime{};
    if (says && (!offset_us_ || std::abs(unit.capture.utc.microseconds - at - *offset_us_) > jump_us)) {
        offset_us_ = unit.capture.utc.microseconds - at;
    }
    return offset_us_ ? Result<>{}
                      : fail(Errc::malformed, "the file does not say when it was recorded; say from=TIME");
}

/// Whether a fragment begins with this unit of the leading kind.
bool Importer::begins(const media::AccessUnit& unit, std::int64_t at) const {
    const bool another = configs_[unit.track] != nullptr && configs_[unit.track] != unit.config;
    const bool jumped = lead_at_ && (at < *lead_at_ || at - *lead_at_ > jump_us);
    if (!cut_at_ || another || jumped) {
        return unit.key || cut_at_;
    }
    const std::int64_t long_so_far = at - *cut_at_;
    return unit.key ? long_so_far >= fragment_us_min : long_so_far >= fragment_us_max;
}

Result<> Importer::take(media::AccessUnit unit) {
    if (unit.track >= configs_.size()) {
        return {};
    }
    if (const Result<> placed = place(unit); !placed) {
        return placed;
    }
    if (unit.kind() == lead_) {
        const std::int64_t at = micros(unit.dts, *unit.config);
        if (begins(unit, at)) {
            const WallTime utc{micros(unit.pts, *unit.config) + *offset_us_};
            next_number_ = std::max(next_number_ + 1, static_cast<std::uint64_t>(std::max<std::int64_t>(
                                                          utc.microseconds / microseconds, 0)));
            const bool jumped = lead_at_ && (at < *lead_at_ || at - *lead_at_ > jump_us);
            unit.cut = std::make_shared<const media::Cut>(media::Cut{.number = next_number_,
                                                                     .discontinuity = jumped,
                                                                     .independent = unit.key,
                                                                     .time = unit.pts,
                                                                     .timescale = unit.config->timescale,
                                                                     .utc = utc});
            cut_at_ = at;
        }
        lead_at_ = at;
        configs_[unit.track] = unit.config;
    }
    unit.capture.utc = {micros(unit.pts, *unit.config) + *offset_us_};
    chunker_.take(std::make_shared<const media::AccessUnit>(std::move(unit)));
    return gather();
}

Result<> Importer::gather() {
    while (std::optional<CutChunk> made = chunker_.next()) {
        put(std::move(*made));
        if (open_ && open_->bytes > fragment_size_max) {
            return fail(Errc::exhausted, "its key frames are too far apart, or its pictures too large");
        }
    }
    return {};
}

void Importer::put(CutChunk made) {
    const std::int64_t timescale = made.track.config->timescale;
    if (made.begins) {
        close_fragment();
        open_.emplace();
        open_->span = {made.cut->utc, made.cut->utc};
    }
    if (!open_) {
        return;
    }
    const std::int64_t length = media::rescale(made.chunk.duration, timescale, microseconds);
    if (media::kind_of(made.track.config->codec) == lead_) {
        open_->span.to.microseconds += length;
    }
    const auto same = std::ranges::find(open_->tracks, made.track.id, &media::Track::id);
    if (same == open_->tracks.end()) {
        open_->tracks.push_back(made.track);
    }
    const bool key = made.chunk.key && (!made.begins || made.cut->independent);
    const auto flags = (made.begins ? RecordHead::begins_fragment : 0) | (key ? RecordHead::key : 0) |
                       (made.begins && made.cut->discontinuity ? RecordHead::discontinuity : 0);
    const WallTime utc =
        made.begins ? made.cut->utc
                    : WallTime{media::rescale(made.chunk.dts, timescale, microseconds) + *offset_us_};
    open_->bytes += made.chunk.bytes.size();
    open_->chunks.push_back({.head = {.track = made.track.id,
                                      .flags = static_cast<std::uint8_t>(flags),
                                      .fragment = made.cut->number,
                                      .dts = made.chunk.dts,
                                      .duration = std::max<std::int64_t>(made.chunk.duration, 0),
                                      .timescale = static_cast<std::uint32_t>(timescale),
                                      .utc = utc},
                             .bytes = std::move(made.chunk.bytes)});
}

void Importer::close_fragment() {
    if (open_) {
        std::ranges::sort(open_->tracks, {}, &media::Track::id);
        ready_.push_back(std::move(*open_));
        open_.reset();
    }
}

/// Whether the file of the archive under way takes this fragment.
bool Importer::goes_on(const ImportedFragment& fragment) const {
    if (!file_ || file_->bytes >= file_size_max ||
        fragment.span.from.microseconds - file_->begin.microseconds > file_us_max ||
        std::abs(fragment.span.from.microseconds - file_->end.microseconds) > jump_us) {
        return false;
    }
    return std::ranges::all_of(fragment.tracks, [this](const media::Track& track) {
        return std::ranges::any_of(file_->tracks, [&](const media::Track& has) {
            return has.id == track.id && has.config->same_coding(*track.config);
        });
    });
}

Batch Importer::batch(ImportedFragment fragment) {
    Batch batch{.stream = key_, .items = {}, .progress = progress_};
    if (!goes_on(fragment)) {
        for (media::Track& track : fragment.tracks) {
            const auto known = std::ranges::find(tracks_, track.id, &media::Track::id);
            track.language = known == tracks_.end() ? std::string{} : known->language;
        }
        const std::string run =
            fmt::format("{}{}", fragment.span.from.microseconds / microseconds, imported_run_ending);
        const bool same_run =
            file_ && std::abs(fragment.span.from.microseconds - file_->end.microseconds) <= jump_us;
        file_ = File{.tracks = fragment.tracks,
                     .run = same_run ? file_->run : run,
                     .bytes = 0,
                     .begin = fragment.span.from,
                     .end = fragment.span.from};
        batch.items.emplace_back(
            BeginFile{.facts = {.stream = stream_,
                                .run = file_->run,
                                .codecs = media::codec_list(fragment.tracks),
                                .cause = {}},
                      .init = mp4::init_segment(fragment.tracks, mp4::ParameterSets::in_entry)});
    }
    file_->bytes += fragment.bytes;
    file_->end = fragment.span.to;
    progress_->bytes_under_way += fragment.bytes;
    for (PutChunk& chunk : fragment.chunks) {
        batch.items.emplace_back(std::move(chunk));
    }
    return batch;
}

Batch Importer::end() {
    file_.reset();
    return {.stream = key_, .items = {EndFile{}}, .progress = progress_};
}

}   // namespace millrace::archive
