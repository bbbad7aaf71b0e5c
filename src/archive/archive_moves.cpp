#include "archive/archive.hpp"

#include <algorithm>

// Files whose home is the bucket.

namespace millrace::archive {

Result<> Archive::note_moved(const FileRow& row) {
    removed_at_.reset();
    return index_.put_home(row.id, Home::both, bucket_);
}

Result<> Archive::adopt(const FileRow& row, std::span<const Fragment> fragments) {
    if (const auto known = index_.file(row.id); !known || *known) {
        return known ? fail(Errc::exists, "another recording has its number")
                     : std::unexpected(known.error());
    }
    next_id_ = std::max(next_id_, row.id + 1);
    Result<> done = index_.put_file(row, fragments);
    const Result<bool> filled = done ? index_.fill_gaps(row.facts.stream, {row.begin, row.end})
                                     : Result<bool>{std::unexpected(done.error())};
    return filled ? Result<>{} : std::unexpected(filled.error());
}

Result<std::vector<FileRow>> Archive::to_forget(const Keep& keep) {
    const auto rows = index_.files();
    if (!rows) {
        return std::unexpected(rows.error());
    }
    Stock stock{.files = {}, .free = keep.free_min, .now = believed_};
    for (const FileRow& row : *rows) {
        if (is_moved(row)) {
            // What is here as well is kept there as long.
            stock.files.push_back({.id = row.id,
                                   .stream = row.facts.stream,
                                   .span = {row.begin, row.end},
                                   .bytes = row.bytes,
                                   .open = row.home == Home::both,
                                   .pinned = pins_.hold(row.facts.stream, {row.begin, row.end})});
        }
    }
    std::vector<FileRow> going;
    for (const std::uint64_t id : to_remove(stock, keep)) {
        going.push_back(*std::ranges::find(*rows, id, &FileRow::id));
    }
    return going;
}

Result<> Archive::note_retention(const FileRow& row) {
    Result<> said = index_.note_retention(row);
    if (said) {
        count_gap(cause::retention);
    }
    return said;
}

Result<> Archive::recover_moved(const FileRow& row, bool there) {
    if (row.home == Home::bucket && there) {
        return seams_.folder.remove(file_name(row.id));   // a crash came before it went
    }
    return row.home == Home::both && !there ? index_.put_home(row.id, Home::bucket, row.bucket) : Result<>{};
}

}   // namespace millrace::archive
