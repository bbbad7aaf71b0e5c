#include "archive/archive.hpp"
#include "base/log.hpp"

#include <algorithm>

// What an archive is asked: what there is, and its bytes.

namespace millrace::archive {

namespace {

constexpr std::int64_t hole_us_min =
    std::chrono::duration_cast<std::chrono::microseconds>(Archive::hole_min).count();

WallTime end_of(const Fragment& fragment) {
    return {fragment.utc.microseconds + fragment.duration_us};
}

}   // namespace

Result<Listing> Archive::list(const std::string& stream, Span span, ListBounds bounds) {
    Listing listing;
    const Result<std::uint64_t> newest = known_revision(stream, bounds.revision);
    if (!newest) {
        return std::unexpected(newest.error());
    }
    if (!open_) {
        return alarm_.empty() ? Result<Listing>{listing}
                              : fail(Errc::refused, "the archive cannot be read now");
    }
    auto fragments =
        index_.fragments(stream, span, bounds.count_max + 1, bounds.revision.value_or(Index::any_revision));
    auto gaps = index_.gaps(stream, span, bounds.count_max);
    if (!fragments || !gaps) {
        return std::unexpected(fragments ? gaps.error() : fragments.error());
    }
    listing.more = fragments->size() > bounds.count_max;
    if (listing.more) {
        fragments->pop_back();
    }
    listing.gaps = std::move(*gaps);
    listing.recording = writing_.contains(stream) || is_inserting(stream);
    listing.revision = bounds.revision.value_or(*newest);
    Bytes init;
    bool changed = false;
    for (FoundFragment& one : *fragments) {
        if (one.file_begins) {
            const auto row = index_.file(one.file);
            const Bytes next = row && *row ? (*row)->init : Bytes{};
            changed = changed || (one.file != fragments->front().file && init != next);
            init = next;
        }
        if (one.fragment.damaged) {
            listing.gaps.push_back({one.fragment.utc, end_of(one.fragment), std::string{cause::damaged}});
        } else {
            // Where a file's first fragment is damaged, the next one has its coding.
            one.new_coding = std::exchange(changed, false);
            one.steps = times_.of(one.file, one.fragment.offset);
            listing.fragments.push_back(std::move(one));
        }
    }
    for (std::size_t at = 1; at < listing.fragments.size(); ++at) {
        const WallTime end = end_of(listing.fragments[at - 1].fragment);
        const WallTime next = listing.fragments[at].fragment.utc;
        const bool told = std::ranges::any_of(
            listing.gaps, [&](const Gap& gap) { return gap.begin < next && end < gap.end; });
        if (next.microseconds - end.microseconds > hole_us_min && !told) {
            listing.gaps.push_back({end, next, std::string{cause::damaged}});
        }
    }
    std::ranges::sort(listing.gaps, {}, [](const Gap& gap) { return gap.begin; });
    return listing;
}

Result<std::vector<hub::RecordedStream>> Archive::streams() {
    if (!open_) {
        return alarm_.empty() ? Result<std::vector<hub::RecordedStream>>{std::vector<hub::RecordedStream>{}}
                              : fail(Errc::refused, "the archive cannot be read now");
    }
    Result<std::vector<hub::RecordedStream>> all = index_.streams();
    if (all) {
        for (hub::RecordedStream& one : *all) {
            one.recording = writing_.contains(one.name) || is_inserting(one.name);
        }
    }
    return all;
}

Result<Archive::Place> Archive::place_of(const std::string& stream, std::uint64_t file,
                                         std::uint64_t number) {
    constexpr Error nothing{Errc::not_found, "no such recording, or no longer"};
    if (!open_) {
        return fail(Errc::refused, "the archive cannot be read now");
    }
    auto row = index_.file(file);
    const auto found = index_.fragment(file, number);
    if (!row || !found) {
        return std::unexpected(row ? found.error() : row.error());
    }
    if (!*row || !*found || (*row)->facts.stream != stream) {
        return std::unexpected(nothing);
    }
    return Place{std::move(**row), (*found)->fragment};
}

Result<Bytes> Archive::read(const std::string& stream, std::uint64_t file, std::uint64_t number, Form form) {
    const Result<Place> place = place_of(stream, file, number);
    Result<Bytes> bytes = place ? read(*place, form) : std::unexpected(place.error());
    if (place && !bytes && bytes.error().code == Errc::malformed) {
        note_damaged(*place);
    }
    return bytes;
}

Result<Bytes> Archive::read(const Place& place, Form form) {
    if (place.row.home == Home::bucket) {
        return fail(Errc::timed_out,
                    "this recording lies in a bucket, and storage.objects of this node names none");
    }
    auto opened = seams_.folder.open(file_name(place.row.id), Folder::Open::existing);
    return opened ? read_fragment(**opened, place.row.id, place.fragment, form)
                  : std::unexpected(opened.error());
}

void Archive::note_damaged(const Place& place) {
    log::error("archive", "{}: fragment {} of {} is not as it was recorded", place.row.facts.stream,
               place.fragment.number, file_name(place.row.id));
    (void)index_.mark_damaged(place.row.id, place.fragment.number);
}

Result<Bytes> Archive::init(const std::string& stream, std::uint64_t file) {
    const auto row = index_.file(file);
    if (!row) {
        return std::unexpected(row.error());
    }
    if (!*row || (*row)->facts.stream != stream || (*row)->init.empty()) {
        return fail(Errc::not_found, "no such recording, or no longer");
    }
    return (*row)->init;
}

}   // namespace millrace::archive
