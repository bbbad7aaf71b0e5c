#include "archive/archive.hpp"
#include "base/log.hpp"

#include <algorithm>
#include <set>

// What an archive does when it begins, and what it removes.

namespace millrace::archive {

namespace {

constexpr std::int64_t second = 1'000'000;

WallTime end_of(const Fragment& fragment) {
    return {fragment.utc.microseconds + fragment.duration_us};
}

/// What a player reads before a file's fragments.
Result<Bytes> init_in(FolderFile& file, const FileScan& found) {
    std::vector<std::byte> init(found.init_size);
    const Result<std::size_t> read = file.read(found.init_offset, init);
    return read ? Result<Bytes>{std::move(init)} : std::unexpected(read.error());
}

/// Its row stays as long as its archive is open: the gap behind it begins there, and has its cause.
Result<> emptied(FolderFile& file) {
    const Result<> none = file.truncate(0);
    return none ? file.sync() : none;
}

/// Nothing in it was ever acknowledged.
Result<> dropped(Index& index, Folder& folder, std::uint64_t id, bool known) {
    Result<> gone = known ? index.remove_file(id) : Result<>{};
    return gone ? folder.remove(file_name(id)) : gone;
}

/// Why the floor of the disk is not reached though all that may go went, or would be of no help.
std::string_view why_full(const Stock& stock, std::uint64_t free_min) {
    std::uint64_t ours = 0;
    for (const Stock::File& file : stock.files) {
        ours += file.open ? 0 : file.bytes;
    }
    const bool pinned = std::ranges::any_of(stock.files, &Stock::File::pinned);
    if (std::ranges::any_of(stock.files, &Stock::File::unmoved) && stock.free + ours >= free_min) {
        return "the disk is full, with recordings that the bucket does not have yet; bring the bucket back, "
               "or make room";
    }
    return pinned && stock.free + ours >= free_min
               ? "the disk is full, with recordings that are pinned; unpin some, or make room"
               : "the disk is full";
}

}   // namespace

Result<> Archive::open() {
    closed_ = false;
    writing_.clear();
    inserting_.clear();
    late_.clear();
    unsaid_.clear();
    Result<> done = seams_.folder.claim();
    done = done ? pins_.load() : done;
    done = done ? index_.open() : done;
    done = done ? recover_files() : done;
    if (!done && done.error().code == Errc::malformed) {   // the index is damaged
        log::warning("archive", "the index is damaged; it is made again from the files");
        done = index_.begin_anew();
        done = done ? recover_files() : done;
    }
    const auto last = done ? index_.last_time() : Result<std::optional<WallTime>>{std::nullopt};
    if (last && *last) {
        trust_.remember(**last);
    }
    auto imported = done ? index_.imported() : std::unexpected(done.error());
    open_ = imported.has_value();
    if (!open_) {
        index_.close();
        return std::unexpected(imported.error());
    }
    imported_ = std::move(*imported);
    return recall_revisions();
}

Result<> Archive::recover_files() {
    const auto names = seams_.folder.names();
    if (!names) {
        return std::unexpected(names.error());
    }
    const auto rows = index_.files();
    if (!rows) {
        return std::unexpected(rows.error());
    }
    std::set<std::uint64_t> there;
    for (const std::string& name : *names) {
        if (const auto id = file_id(name)) {
            there.insert(*id);
        }
    }
    std::map<std::uint64_t, const FileRow*> known;
    for (const FileRow& row : *rows) {
        known[row.id] = &row;
        next_id_ = std::max(next_id_, row.id + 1);
        const bool lies_here = there.contains(row.id);
        Result<> done = row.home != Home::here ? recover_moved(row, lies_here)
                        : lies_here            ? Result<>{}
                                               : drop_lost(row);
        if (!done) {
            return done;
        }
    }
    if (rows->empty() && there.empty() && !bucket_.empty()) {
        // The bucket may have files of an archive that was here before: no id of theirs is given again.
        next_id_ = std::max(next_id_, static_cast<std::uint64_t>(seams_.clock.utc().microseconds / second));
    }
    for (const std::uint64_t id : there) {
        next_id_ = std::max(next_id_, id + 1);
        const auto row = known.find(id);
        if (row != known.end() && row->second->state == FileState::sealed) {
            continue;
        }
        const auto its_row = row == known.end() ? std::nullopt : std::optional{*row->second};
        if (Result<> done = recover_one(id, its_row, rows->empty()); !done) {
            return done;
        }
    }
    return {};
}

Result<> Archive::drop_lost(const FileRow& row) {
    const auto gaps = index_.gaps(row.facts.stream, {row.begin, row.end}, 1);
    if (!gaps) {
        return std::unexpected(gaps.error());
    }
    const bool told = !gaps->empty() && gaps->front().begin <= row.begin && gaps->front().end >= row.end;
    if (!told) {
        log::error("archive", "{} is not in the folder any more", file_name(row.id));
        if (Result<> added = add_gap(row.facts.stream, {row.begin, row.end, std::string{cause::file_lost}});
            !added) {
            return added;
        }
    }
    return index_.remove_file(row.id);
}

Result<> Archive::recover_one(std::uint64_t id, std::optional<FileRow> known, bool index_is_new) {
    auto file = seams_.folder.open(file_name(id), Folder::Open::existing);
    if (!file) {
        return std::unexpected(file.error());
    }
    if (known && known->state == FileState::cut) {
        // What is behind the last sync may be in the system's cache and not on the disk, for good.
        const Result<std::uint64_t> size = (*file)->size();
        const Result<> cut = size && *size > known->bytes ? (*file)->truncate(known->bytes) : Result<>{};
        if (!size || !cut) {
            return std::unexpected(size ? cut.error() : size.error());
        }
    }
    const std::string why{known && !known->seal_cause.empty() ? known->seal_cause
                                                              : std::string{cause::crash}};
    Result<FileScan> found =
        recover(**file, id, why,
                index_is_new ? std::nullopt : std::optional{known ? known->bytes : std::uint64_t{0}});
    if (!found && found.error().code != Errc::malformed) {
        return std::unexpected(found.error());
    }
    if (found && found->init_size == 0 && known) {
        found->facts = known->facts;   // its first record is damaged: the row knows what stood there
    }
    const bool empty = !found || found->fragments.empty();
    if (!empty && found->facts.stream.empty()) {
        log::error("archive", "{} has recordings, but not of which stream; it is left alone", file_name(id));
        return {};
    }
    if (empty) {
        return open_ ? emptied(**file) : dropped(index_, seams_.folder, id, known.has_value());
    }
    FileRow row{.id = id, .facts = found->facts, .seal_cause = found->cause, .state = FileState::sealed};
    if (found->init_size > 0) {
        Result<Bytes> init = init_in(**file, *found);
        if (!init) {
            return std::unexpected(init.error());
        }
        row.init = std::move(*init);
    } else if (const auto stored = index_.file(id); stored && *stored) {
        row.init = (*stored)->init;
    }
    row.begin = found->fragments.front().utc;
    row.end = end_of(found->fragments.back());
    row.bytes = found->size;
    const auto before = index_.newest(row.facts.stream);
    if (!before) {
        return std::unexpected(before.error());
    }
    const bool is_late = found->uplinked && *before && row.begin < (*before)->begin;
    if (Result<> put = index_.put_file(row, found->fragments, is_late ? next_id_ << revision_shift : 0);
        !put) {
        return put;
    }
    // A crash may have come between the rows of what an uplink brought and the end of the gap.
    if (const Result<bool> filled =
            found->uplinked ? fill(row.facts.stream, {row.begin, row.end}) : Result<bool>{false};
        !filled) {
        return std::unexpected(filled.error());
    }
    ++recovered_;
    return known ? Result<>{} : say_gaps_before(row, *before, found->uplinked);
}

Result<> Archive::say_gaps_before(const FileRow& row, const std::optional<FileRow>& before, bool uplinked) {
    constexpr auto hole_us_min = std::chrono::duration_cast<std::chrono::microseconds>(hole_min).count();
    const bool in_time = !uplinked && !row.facts.run.ends_with("-import");
    const auto from = before ? std::optional{before->end} : row.facts.first_begin;
    if (in_time && from && row.facts.before_end && *row.facts.before_end <= row.begin &&
        row.facts.before_end->microseconds - from->microseconds > hole_us_min) {
        // There was more, and no file has it. The oldest go first, but for what is pinned or waits.
        const std::string& stream = row.facts.stream;
        const bool went = !before || pins_.hold(stream, {before->begin, before->end}) ||
                          uplinks_.contains(stream) || !bucket_.empty();
        const Result<> said = add_gap(
            stream, {*from, *row.facts.before_end, std::string{went ? cause::retention : cause::file_lost}});
        const auto gap = gap_between({*row.facts.before_end, row.begin}, row.facts.cause, 0);
        return said && gap ? add_gap(stream, *gap) : said;
    }
    if (!before) {
        return {};
    }
    // As it was named when the file began.
    const std::string& told = row.facts.cause.empty() && !uplinked ? before->seal_cause : row.facts.cause;
    const auto gap = gap_between({before->end, row.begin}, told, uplinked ? sliver_us : 0);
    return gap ? add_gap(row.facts.stream, *gap) : Result<>{};
}

void Archive::make_room() {
    const Instant now = seams_.clock.now();
    const std::uint64_t free = seams_.folder.free_bytes().value_or(0);
    const bool low = free < keep_.free_min;
    counters_.free_bytes = free;
    if (low || low_ || !removed_at_ || now - *removed_at_ >= remove_every) {
        removed_at_ = now;
        remove_some();
    }
}

void Archive::remove_some() {
    (void)say_late();
    const auto rows = index_.files();
    const Result<std::uint64_t> free = seams_.folder.free_bytes();
    if (!rows || !free) {
        note(rows ? free.error() : rows.error());
        return;
    }
    const bool held = trust_.holds();
    Stock stock{.free = *free, .now = trust_.believe(seams_.clock.utc(), seams_.clock.now())};
    if (trust_.holds() && !held) {
        log::warning("archive",
                     "the clock jumped by more than an hour, or nothing ran for so long: nothing is "
                     "removed for its age today");
    }
    if (stock.now) {
        (void)index_.remember_time(*stock.now);
    }
    for (const FileRow& row : *rows) {
        const bool unsaid = std::ranges::find(unsaid_, row.id, &FileRow::id) != unsaid_.end();
        if (unsaid || row.home == Home::bucket) {
            continue;
        }
        stock.files.push_back({.id = row.id,
                               .stream = row.facts.stream,
                               .span = {row.begin, row.end},
                               .bytes = row.bytes,
                               .open = row.state == FileState::open,
                               .pinned = pins_.hold(row.facts.stream, {row.begin, row.end}),
                               .unmoved = !bucket_.empty() && !is_moved(row)});
    }
    const std::set<std::uint64_t> sent = index_.acknowledged_files().value_or(std::set<std::uint64_t>{});
    for (Stock::File& file : stock.files) {
        const FileRow& row = *std::ranges::find(*rows, file.id, &FileRow::id);
        file.unsent = uplinks_.contains(row.facts.stream) && !sent.contains(file.id) &&
                      !row.facts.run.ends_with("-import");
    }
    believed_ = stock.now;
    const std::vector<std::uint64_t> going = to_remove(stock, keep_);
    std::vector<FileRow> moved;
    for (const std::uint64_t id : going) {
        const auto row = std::ranges::find(*rows, id, &FileRow::id);
        if (std::ranges::find(stock.files, id, &Stock::File::id)->unsent) {
            ++counters_.unsent_lost;
            log::error("archive",
                       "{}: {} goes though the server of its uplink does not have all of it: the disk, or "
                       "storage.keep, has no more room for what waits",
                       row->facts.stream, file_name(id));
        }
        if (row->home == Home::both) {
            moved.push_back(*row);
        } else if (const Result<> removed = remove(*row); !removed) {
            note(removed.error());
            return;
        }
    }
    if (const Result<> gone = move_out(moved); !gone) {
        note(gone.error());
        return;
    }
    const std::uint64_t left = going.empty() ? *free : seams_.folder.free_bytes().value_or(0);
    low_ = left < keep_.free_min;
    counters_.full = low_;
    counters_.free_bytes = left;
    counters_.clock_held = trust_.holds();
    if (low_) {
        why_low_ = why_full(stock, keep_.free_min);
        stop_at_floor();
    }
}

void Archive::stop_at_floor() {
    for (const auto& [stream, writing] : writing_) {
        writing.progress->trouble = Progress::Trouble::full;
    }
    while (!writing_.empty()) {
        const std::string stream = writing_.begin()->first;
        if (const Result<> ended = end(stream, std::string{cause::disk_full}); !ended) {
            give_up(stream, ended.error());
        }
    }
    note({Errc::exhausted, why_low_});
}

Result<std::vector<Span>> Archive::pins(const std::string& stream) {
    if (!open_ && is_there()) {
        return fail(Errc::refused, "the archive cannot be read now");
    }
    std::vector<Span> spans;
    for (const Pin& pin : pins_.all()) {
        if (pin.stream == stream) {
            spans.push_back(pin.span);
        }
    }
    std::ranges::sort(spans, {}, [](const Span& span) { return std::pair{span.from, span.to}; });
    return spans;
}

Result<> Archive::pin(Pin pin) {
    Result<> opened = open_ || closed_ ? Result<>{} : open();
    return opened ? pins_.add(std::move(pin)) : opened;
}

Result<> Archive::unpin(const Pin& pin) {
    Result<> opened = open_ || closed_ ? Result<>{} : open();
    removed_at_.reset();
    return opened ? pins_.remove(pin) : opened;
}

Result<> Archive::remove(const FileRow& row) {
    // The gap's words first: a crash leaves a gap with files in it, never a hole without a cause.
    const auto no_room = [](const Result<>& done) { return !done && done.error().code == Errc::exhausted; };
    Result<> said = index_.note_retention(row);
    if (!said && !no_room(said)) {
        return said;
    }
    if (Result<> gone = seams_.folder.remove(file_name(row.id)); !gone) {
        return gone;
    }
    count_gap(cause::retention);
    said = said ? index_.remove_file(row.id) : said;
    if (no_room(said)) {
        // Not a page was free for the words: they come once there is room. After a crash it is "file lost".
        unsaid_.push_back(row);
        return {};
    }
    return said;
}

Result<> Archive::move_out(std::span<const FileRow> rows) {
    // The rows first, and on the disk for sure: without them a file that went would be a lost one.
    for (const FileRow& row : rows) {
        if (Result<> put = index_.put_home(row.id, Home::bucket, row.bucket); !put) {
            return put;
        }
    }
    if (Result<> synced = rows.empty() ? Result<>{} : index_.sync(); !synced) {
        return synced;
    }
    for (const FileRow& row : rows) {
        if (Result<> gone = seams_.folder.remove(file_name(row.id)); !gone) {
            return gone;
        }
    }
    return {};
}

Result<> Archive::say_late() {
    while (!unsaid_.empty()) {
        Result<> done = index_.note_retention(unsaid_.back());
        done = done ? index_.remove_file(unsaid_.back().id) : done;
        if (!done) {
            return done;
        }
        unsaid_.pop_back();
    }
    return {};
}

}   // namespace millrace::archive
