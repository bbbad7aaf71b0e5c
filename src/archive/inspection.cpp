#include "archive/inspection.hpp"

#include "archive/chunk_file.hpp"
#include "archive/pins.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace millrace::archive {

namespace {

constexpr Span always{{INT64_MIN / 4}, {INT64_MAX / 4}};
constexpr std::size_t rows_max = 10'000'000;

class Inspector {
public:
    Inspector(Folder& folder, Index& index, Closeness closeness)
        : folder_{folder}, index_{index}, closeness_{closeness} {}

    Result<Inspection> run(const InspectionProgress& progress);

private:
    void fault(std::string words) {
        if (++found_.fault_count <= Inspection::faults_max) {
            found_.faults.push_back(std::move(words));
        }
    }
    Result<> look_at(const FileRow& row);
    Result<> compare(const FileRow& row, FolderFile& file);

    Folder& folder_;
    Index& index_;
    Closeness closeness_;
    Inspection found_;
};

Result<> Inspector::compare(const FileRow& row, FolderFile& file) {
    const std::string name = file_name(row.id);
    const Result<FileScan> found =
        scan(file, row.id, closeness_ == Closeness::bodies ? Depth::bodies : Depth::heads);
    if (!found) {
        fault(fmt::format("{}: {}", name, found.error().what));
        return {};
    }
    if (found->damaged > 0) {
        fault(fmt::format("{}: {} places are not as they were written", name, found->damaged));
    }
    if (row.state == FileState::sealed && !found->sealed) {
        fault(fmt::format("{}: its end is not as it was written", name));
    }
    if (found->init_size == 0) {
        fault(fmt::format("{}: its beginning is not as it was written", name));
    }
    const auto indexed = index_.fragments_of(row.id);
    if (!indexed) {
        return std::unexpected(indexed.error());
    }
    for (const Fragment& one : *indexed) {
        const auto same = std::ranges::find(found->fragments, one.offset, &Fragment::offset);
        if (one.damaged) {
            fault(fmt::format("{}: fragment {} is damaged", name, one.number));
        } else if (same == found->fragments.end() || same->number != one.number || same->size != one.size) {
            fault(fmt::format("{}: fragment {} is in the index, but not so in the file", name, one.number));
        }
    }
    const std::size_t more = found->fragments.size() - std::min(found->fragments.size(), indexed->size());
    if (row.state == FileState::sealed && more > 0) {
        fault(fmt::format("{}: {} fragments are not in the index", name, more));
    }
    return {};
}

Result<> Inspector::look_at(const FileRow& row) {
    const std::string name = file_name(row.id);
    if (row.home == Home::bucket) {
        ++found_.in_bucket;
        return {};
    }
    auto file = folder_.open(name, Folder::Open::existing);
    if (!file) {
        fault(fmt::format("{}: {}", name, file.error().what));
        return {};
    }
    const Result<std::uint64_t> size = (*file)->size();
    if (!size) {
        return std::unexpected(size.error());
    }
    ++found_.files;
    found_.bytes += *size;
    if (row.state != FileState::sealed) {
        fault(fmt::format("{}: was not closed in good order; a node that starts recovers it", name));
    } else if (*size != row.bytes) {
        fault(fmt::format("{}: has {} bytes; the index says {}", name, *size, row.bytes));
    }
    return closeness_ == Closeness::index ? Result<>{} : compare(row, **file);
}

Result<Inspection> Inspector::run(const InspectionProgress& progress) {
    if (const Result<std::string> sound = index_.integrity(); !sound || !sound->empty()) {
        fault(fmt::format("the index is damaged: {}", sound ? *sound : std::string{sound.error().what}));
        return std::move(found_);
    }
    const auto rows = index_.files();
    const auto names = folder_.names();
    const auto count = index_.fragment_count();
    if (!rows || !names || !count) {
        return fail(Errc::io, "the archive cannot be read");
    }
    found_.fragments = *count;
    std::set<std::uint64_t> known;
    std::set<std::string> streams;
    for (const FileRow& row : *rows) {
        known.insert(row.id);
        streams.insert(row.facts.stream);
        if (Result<> looked = look_at(row); !looked) {
            return std::unexpected(looked.error());
        }
        progress(known.size(), rows->size());
    }
    for (const std::string& name : *names) {
        if (const auto id = file_id(name); id && !known.contains(*id)) {
            fault(fmt::format("{}: is not in the index; a node that starts puts it there", name));
        }
    }
    Pins pins{folder_};
    if (const Result<> loaded = pins.load(); !loaded || pins.damaged() > 0) {
        fault(pins.unknown() ? "the pinned ranges are damaged: which they were is lost"
                             : "one of the two lists of pinned ranges is damaged; the next change mends it");
    }
    for (const std::string& stream : streams) {
        found_.gaps += index_.gaps(stream, always, rows_max).value_or(std::vector<Gap>{}).size();
    }
    return std::move(found_);
}

}   // namespace

Result<Inspection> inspect(Folder& folder, Random& random, Closeness closeness,
                           const InspectionProgress& progress) {
    const auto names = folder.names();
    if (!names) {
        return std::unexpected(names.error());
    }
    if (std::ranges::find(*names, Index::file_name) == names->end()) {
        return fail(Errc::not_found, "there is no archive");
    }
    if (const Result<> claimed = folder.claim(); !claimed) {
        return std::unexpected(claimed.error());
    }
    Index index{folder, random};
    if (const Result<> opened = index.open(); !opened) {
        if (opened.error().code != Errc::malformed) {
            return std::unexpected(opened.error());
        }
        return Inspection{.fault_count = 1,
                          .faults = {"the index is damaged; a node that starts makes it again"}};
    }
    return Inspector{folder, index, closeness}.run(progress);
}

}   // namespace millrace::archive
