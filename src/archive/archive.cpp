#include "archive/archive.hpp"

#include "base/log.hpp"

#include <algorithm>

namespace millrace::archive {

namespace {

WallTime later(WallTime at, std::int64_t microseconds) {
    return {at.microseconds + microseconds};
}

}   // namespace

void Archive::note(const Error& why) {
    const std::string words{why.what};
    const bool early = why.code == Errc::refused;   // what is open goes on
    if (alarm_ != words && (alarm_.empty() || !early)) {
        log::error("archive", "nothing {}is recorded: {}", early ? "new " : "", words);
        alarm_ = words;
    }
}

void Archive::write(Batch batch) {
    std::size_t bytes = 0;
    Result<> done = open_     ? Result<>{}
                    : closed_ ? Result<>{fail(Errc::cancelled, "this node stops")}
                              : open();
    if (!done) {
        note(done.error());
        batch.progress->trouble = Progress::Trouble::failed;
    }
    for (const BatchItem& item : batch.items) {
        if (const auto* const chunk = std::get_if<PutChunk>(&item)) {
            bytes += chunk->bytes.size();
        }
        if (done) {
            done = take(batch, item);
        }
    }
    const auto writing = writing_.find(batch.stream);
    if (done && writing != writing_.end()) {
        done = writing->second.file.write_out();
        unsynced_since_ = unsynced_since_.value_or(seams_.clock.now());
    }
    if (!done && open_) {
        give_up(batch.stream, done.error());
        (void)look_for_folder();
        batch.progress->trouble =
            done.error().code == Errc::exhausted ? Progress::Trouble::full : Progress::Trouble::failed;
    }
    batch.progress->bytes_under_way -= bytes;
    batch.progress->under_way = false;
}

Result<bool> Archive::import(const std::string& stream, Span span, Batch batch) {
    constexpr std::int64_t overlap_us_max = 250'000;   // what two clocks may be apart
    if (closed_) {
        return fail(Errc::cancelled, "this node stops");
    }
    if (Result<> ready = open_ ? Result<>{} : open(); !ready) {
        return std::unexpected(ready.error());
    }
    const std::int64_t overlap =
        std::min(overlap_us_max, (span.to.microseconds - span.from.microseconds) / 2);
    const auto there = index_.fragments(stream, {later(span.from, overlap), later(span.to, -overlap)}, 1);
    if (!there) {
        return std::unexpected(there.error());
    }
    if (!there->empty()) {
        return false;
    }
    const ProgressRef progress = batch.progress;
    const std::uint64_t id = next_id_;
    write(std::move(batch));
    if (progress->trouble != Progress::Trouble::none) {
        return progress->trouble == Progress::Trouble::full ? fail(Errc::exhausted, "the disk is full")
                                                            : fail(Errc::io, "the disk failed");
    }
    if (next_id_ != id) {
        imported_[stream] = std::max(imported_[stream] + 1, id << revision_shift);
        revised_from_[stream] = 1 + imported_[stream];
    }
    if (const Result<bool> filled = index_.fill_gaps(stream, span); !filled) {
        return std::unexpected(filled.error());
    }
    return true;
}

Result<> Archive::take(const Batch& batch, const BatchItem& item) {
    if (const auto* const begun = std::get_if<BeginFile>(&item)) {
        return begin(batch, *begun);
    }
    if (const auto* const chunk = std::get_if<PutChunk>(&item)) {
        return put(batch, *chunk);
    }
    return end(batch.stream, std::get<EndFile>(item).cause);
}

Result<> Archive::begin(const Batch& batch, const BeginFile& item) {
    if (Result<> ended = end(batch.stream, {}); !ended) {
        return ended;
    }
    if (low_) {
        remove_some();
        if (low_) {
            return fail(Errc::exhausted, why_low_);
        }
    }
    if (Result<> late = index_late(); !late) {
        return late;
    }
    const auto before = index_.newest(batch.stream);
    if (!before) {
        return std::unexpected(before.error());
    }
    const auto gap_before = index_.newest_gap(batch.stream);
    if (!gap_before) {
        return std::unexpected(gap_before.error());
    }
    const auto first = index_.first_begin(batch.stream);
    if (!first) {
        return std::unexpected(first.error());
    }
    FileFacts facts = item.facts;
    facts.before_end = *before ? std::optional{(*before)->end} : *gap_before;
    facts.first_begin = *first;
    const std::uint64_t id = next_id_++;
    Result<ChunkFile> file = ChunkFile::make(seams_.folder, id, facts, item.init);
    if (!file) {
        // What a full disk left of it is no file of ours.
        const Result<> gone = seams_.folder.remove(file_name(id));
        if (!gone && leftovers_.size() < late_max) {
            leftovers_.insert(id);
        }
        return std::unexpected(file.error());
    }
    Writing writing{.file = std::move(*file),
                    .row = {.id = id, .facts = item.facts, .seal_cause = {}, .init = item.init},
                    .progress = batch.progress,
                    // Where retention took the newest file, the gap goes on.
                    .gap_from = facts.before_end,
                    .gap_cause = item.facts.cause};
    if (writing.gap_cause.empty() && *before) {
        writing.gap_cause = (*before)->seal_cause;
    }
    writing_.insert_or_assign(batch.stream, std::move(writing));
    alarm_.clear();
    return {};
}

Result<> Archive::put(const Batch& batch, const PutChunk& item) {
    const auto found = writing_.find(batch.stream);
    if (found == writing_.end()) {
        return {};   // of a file that was given up; its recorder knows by now
    }
    Writing& writing = found->second;
    if (writing.row.begin == WallTime{}) {
        writing.row.begin = item.head.utc;
        writing.row.end = item.head.utc;
    }
    writing.file.append(item.head, item.bytes);
    ++writing.unacknowledged;
    writing.unacknowledged_bytes += item.bytes.size();
    if (seams_.acknowledges_early) {
        batch.progress->acknowledged += std::exchange(writing.unacknowledged, 0);
    }
    return {};
}

Result<> Archive::sync(Writing& writing) {
    if (Result<> synced = writing.file.sync(); !synced) {
        return synced;
    }
    writing.progress->acknowledged += std::exchange(writing.unacknowledged, 0);
    counters_.bytes += writing.unacknowledged_bytes;
    writing.progress->bytes += std::exchange(writing.unacknowledged_bytes, 0);
    std::ranges::move(writing.file.take_synced(), std::back_inserter(writing.unindexed));
    return {};
}

std::optional<Gap> Archive::gap_between(Span hole, std::string_view told, std::int64_t told_us_min) {
    constexpr auto untold_us_min = std::chrono::duration_cast<std::chrono::microseconds>(hole_min).count();
    if (hole.to.microseconds - hole.from.microseconds <= (told.empty() ? untold_us_min : told_us_min)) {
        return std::nullopt;
    }
    return Gap{hole.from, hole.to, std::string{told.empty() ? cause::outage : told}};
}

std::optional<Gap> Archive::gap_before(const Writing& writing) {
    return writing.gap_from ? gap_between({*writing.gap_from, writing.row.begin}, writing.gap_cause, 0)
                            : std::nullopt;
}

Result<> Archive::index_fragments(Writing& writing) {
    const std::vector<Fragment>& sure = writing.unindexed;
    const bool nothing_yet =
        writing.row.begin == WallTime{};   // not a chunk: nor is it known what is missing
    if (sure.empty() && (writing.rowed || nothing_yet) && writing.row.state == FileState::open) {
        return {};
    }
    FileRow& row = writing.row;
    row.bytes = writing.file.synced_size();
    if (!sure.empty()) {
        row.end = std::max(row.end, later(sure.back().utc, sure.back().duration_us));
    }
    const Result<std::uint64_t> revision = revision_for(row, writing.uplinked);
    Result<> put = revision ? index_.put_file(row, sure, *revision) : std::unexpected(revision.error());
    if (!put) {
        return put;
    }
    for (const Fragment& one : sure) {
        times_.note(row.id, one.offset, &FragmentSteps::stored, seams_.clock.utc());
    }
    if (*revision > 0 && !sure.empty()) {
        imported_[row.facts.stream] = *revision - 1;
    }
    writing.rowed = true;
    counters_.fragments += sure.size();
    const std::vector<Fragment> indexed = std::exchange(writing.unindexed, {});
    if (const std::optional<Gap> gap = gap_before(writing)) {
        if (Result<> added = add_gap(row.facts.stream, *gap); !added) {
            return added;
        }
    }
    writing.gap_from.reset();
    return writing.uplinked ? settle_uplinked(writing, indexed) : Result<>{};
}

void Archive::count_gap(std::string_view why) {
    const auto known = std::ranges::find(cause::all, why);
    ++counters_.gaps[static_cast<std::size_t>(known == cause::all.end() ? 0 : known - cause::all.begin())];
}

Result<> Archive::add_gap(const std::string& stream, const Gap& gap) {
    Result<> added = index_.add_gap(stream, gap);
    if (added) {
        count_gap(gap.cause);
    }
    return added;
}

Result<> Archive::end(const std::string& stream, const std::string& why) {
    const auto found = writing_.find(stream);
    if (found == writing_.end()) {
        return {};
    }
    Writing& writing = found->second;
    if (Result<> sealed = writing.file.seal(why); !sealed) {
        return sealed;
    }
    removed_at_.reset();
    writing.row.state = FileState::sealed;
    writing.row.seal_cause = why;
    Result<> done = sync(writing);
    done = done ? index_fragments(writing) : done;
    if (done) {
        writing_.erase(found);
    }
    return done;
}

void Archive::give_up(const std::string& stream, const Error& why) {
    note(why);
    ++counters_.failures;
    const auto found = writing_.find(stream);
    if (found == writing_.end()) {
        return;
    }
    Writing& writing = found->second;
    writing.row.state = FileState::cut;
    cut_since_ = seams_.clock.now();
    writing.row.seal_cause = why.code == Errc::exhausted ? cause::disk_full : cause::disk_failed;
    // What the last sync made sure of; the rest of it is not believed.
    std::ranges::move(writing.file.take_rest(), std::back_inserter(writing.unindexed));
    if (!index_fragments(writing) && late_.size() < late_max) {
        const std::optional<Gap> gap = gap_before(writing);
        late_.push_back({std::move(writing.row), std::move(writing.unindexed), gap, writing.uplinked});
    }
    writing_.erase(found);
    if (why.code == Errc::malformed) {
        log::error("archive", "the index is damaged; it is made again from the files");
        open_ = false;
    }
}

Result<> Archive::index_late() {
    while (!late_.empty()) {
        const Late& late = late_.back();
        const std::string& stream = late.row.facts.stream;
        const Result<std::uint64_t> revision = revision_for(late.row, late.uplinked);
        Result<> done = revision ? index_.put_file(late.row, late.fragments, *revision)
                                 : std::unexpected(revision.error());
        if (done && *revision > 0) {
            imported_[stream] = *revision - 1;
        }
        done = done && late.gap ? add_gap(stream, *late.gap) : done;
        if (done && !late.fragments.empty()) {
            const Fragment& last = late.fragments.back();
            const Span span{late.fragments.front().utc, later(last.utc, last.duration_us)};
            const Result<bool> filled = fill(stream, span);
            done = filled ? done : std::unexpected(filled.error());
        }
        const auto newest = index_.newest(late.row.facts.stream);
        if (done && !late.gap && newest && *newest && (*newest)->id == late.row.id) {
            done = say_gap_before(late.row);
        }
        if (!done) {
            return done;
        }
        late_.pop_back();
    }
    // A row is not on the disk for sure, a seal is: without it a start after a power cut would believe more
    // of such a file than was said of it, and have twice what came again meanwhile.
    if (cut_since_ && seams_.clock.now() >= *cut_since_) {
        seal_cut_files();
    }
    return {};
}

void Archive::seal_cut_files() {
    const auto rows = index_.files();
    bool all = rows.has_value();
    for (const FileRow& row : rows ? *rows : std::vector<FileRow>{}) {
        const Result<> sealed = row.state == FileState::cut ? recover_one(row.id, row) : Result<>{};
        all = all && (sealed || sealed.error().code == Errc::not_found);
    }
    // One that cannot be read keeps nothing else waiting.
    cut_since_ = all ? std::nullopt : std::optional{seams_.clock.now() + tend_every};
}

Result<> Archive::look_for_folder() {
    Result<> there = seams_.folder.still_there();
    if (!there && there.error().code != Errc::refused) {
        for (const auto& [stream, writing] : writing_) {
            writing.progress->trouble = Progress::Trouble::failed;
        }
        writing_.clear();
        index_.close();
        open_ = false;
    }
    return there;
}

void Archive::sync_all() {
    const Instant since = *std::exchange(unsynced_since_, std::nullopt);
    bool some_new = false;
    for (auto& [stream, writing] : writing_) {
        writing.file.hasten();
        some_new = some_new || writing.file.is_new();
    }
    if (some_new && seams_.folder.sync_names()) {
        for (auto& [stream, writing] : writing_) {
            writing.file.names_are_synced();
        }
    }
    std::map<std::string, Error> failed;
    for (auto& [stream, writing] : writing_) {
        const Result<> synced = writing.file.unsynced() ? sync(writing) : Result<>{};
        if (!synced) {
            failed.emplace(stream, synced.error());
        }
    }
    const auto waited = std::chrono::duration_cast<std::chrono::microseconds>(seams_.clock.now() - since);
    const auto microseconds = static_cast<std::uint64_t>(waited.count());
    counters_.sync_us_max = std::max<std::uint64_t>(counters_.sync_us_max, microseconds);
    // Nobody's bytes wait for another's rows.
    for (auto& [stream, writing] : writing_) {
        const Result<> put = failed.contains(stream) ? Result<>{} : index_fragments(writing);
        if (!put) {
            failed.emplace(stream, put.error());
        }
    }
    for (const auto& [stream, error] : failed) {
        const ProgressRef progress = writing_.at(stream).progress;
        give_up(stream, error);
        progress->trouble =
            error.code == Errc::exhausted ? Progress::Trouble::full : Progress::Trouble::failed;
    }
}

void Archive::tend() {
    const Instant now = seams_.clock.now();
    if (unsynced_since_ && now - *unsynced_since_ >= sync_every) {
        sync_all();
    }
    if (open_ && now - tended_at_ >= tend_every) {
        tended_at_ = now;
        close_quiet_inserts();
        if (const Result<> there = look_for_folder(); !there) {
            note(there.error());
            return;
        }
        (void)index_late();
        (void)say_late();
        remove_leftovers();
        make_room();
    }
}

void Archive::remove_leftovers() {
    std::erase_if(leftovers_,
                  [this](std::uint64_t id) { return seams_.folder.remove(file_name(id)).has_value(); });
}

void Archive::close(const std::string& why) {
    std::vector<std::string> streams;
    for (const auto& [stream, writing] : writing_) {
        streams.push_back(stream);
    }
    for (const std::string& stream : streams) {
        if (const Result<> ended = end(stream, why); !ended) {
            give_up(stream, ended.error());
        }
    }
    if (open_) {
        (void)index_late();
        (void)say_late();
        open_ = false;
        seal_cut_files();
        remove_leftovers();
    }
    index_.close();
    open_ = false;
    closed_ = true;
}

}   // namespace millrace::archive
