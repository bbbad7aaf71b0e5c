#include "archive/shared_catalogue.hpp"

#include "archive/checksum.hpp"
#include "archive/others.hpp"
#include "base/log.hpp"

#include <algorithm>

namespace millrace::archive {

namespace {

constexpr Error away{Errc::timed_out,
                     "the catalogue that knows this recording cannot be reached now; try again later"};
constexpr Error nothing{Errc::not_found, "no such recording, or no longer"};

std::size_t files_max_of(const SharedCatalogue::Asked& asked) {
    return std::min(asked.bounds.count_max, Catalogue::found_max - 1) + 1;
}

}   // namespace

SharedCatalogue::SharedCatalogue(Background& disk, Archive& archive, const Clock& clock, CatalogueMeans means)
    : archive_{archive}, clock_{clock}, means_{std::move(means)}, errands_{disk, asking_max + 1} {
    archive_.index().watch([this](std::uint64_t file) { note_change(file); });
}

// What lies before the walk it will come to by itself.
void SharedCatalogue::note_change(std::uint64_t file) {
    if (file > walked_to_) {
        return;
    }
    changed_.insert(file);
    if (changed_.size() > changed_max) {
        changed_.clear();
        walked_to_ = 0;
    }
}

void SharedCatalogue::tend() {
    errands_.settle();
    const Instant now = clock_.now();
    if (!archive_.is_open() || busy_ || (retry_at_ && now < *retry_at_)) {
        return;
    }
    if (!told_at_ || now - *told_at_ >= tell_every) {
        told_at_ = now;
        go_on();
    }
}

void SharedCatalogue::go_on() {
    busy_ = false;
    Result<std::optional<Part>> next =
        archive_.is_open() ? next_part() : Result<std::optional<Part>>{std::nullopt};
    if (!next) {
        return put_off(next.error(), "");
    }
    if (!*next) {
        return;
    }
    const std::size_t count = (*next)->files.size();
    busy_ = errands_.ask<Told, Catalogue>(
        means_.out.thread, means_.out.end,
        [part = std::move(**next)](Catalogue& end) {
            const Result<> done = end.replace(part.ids, part.files);
            return Result<Told>{Told{done, done ? std::string{} : end.words()}};
        },
        [this, count](const Result<Told>& came) { told(*came, count); });
}

Result<std::optional<SharedCatalogue::Part>> SharedCatalogue::next_part() {
    const bool walks = walked_to_ < last_id;
    if (!walks && changed_.empty()) {
        // A name that nobody holds could become another's, and tables that are away are to be missed.
        const bool hails = clock_.now() - heard_at_ >= hail_every;
        return hails ? std::optional{Part{{last_id, last_id}, {}}} : std::nullopt;
    }
    Catalogue::Ids ids{walked_to_, last_id};
    if (!walks) {
        // Ids lie close together: what stands between two that changed costs a comparison.
        const std::uint64_t first = *changed_.begin();
        ids = {first - 1, std::min(first - 1 + Catalogue::files_max, *changed_.rbegin())};
    }
    Result<Part> part = part_of(ids, Catalogue::files_max);
    if (!part) {
        return std::unexpected(part.error());
    }
    walked_to_ = std::max(walked_to_, part->ids.last);
    changed_.erase(changed_.upper_bound(part->ids.after), changed_.upper_bound(part->ids.last));
    return std::optional{std::move(*part)};
}

/// The files of these ids, or as many as there is room for: then the ids end with the last of them.
Result<SharedCatalogue::Part> SharedCatalogue::part_of(Catalogue::Ids ids, std::size_t count_max) {
    Result<std::vector<FileRow>> rows = archive_.index().files_behind(ids.after, count_max);
    if (!rows) {
        return std::unexpected(rows.error());
    }
    if (rows->size() == count_max) {
        ids.last = std::min(ids.last, rows->back().id);
    }
    Part part{.ids = ids, .files = {}};
    for (FileRow& row : *rows) {
        if (row.id > ids.last) {
            break;
        }
        Result<std::vector<Fragment>> fragments = archive_.index().fragments_of(row.id);
        if (!fragments) {
            return std::unexpected(fragments.error());
        }
        const std::uint32_t sum = checksum(row.init);
        part.files.push_back({.row = std::move(row),
                              .init_sum = sum,
                              .fragments = std::move(*fragments),
                              .node = {},
                              .address = {}});
    }
    return part;
}

void SharedCatalogue::told(const Told& told, std::size_t files) {
    if (!told.done) {
        return put_off(told.done.error(), told.words);
    }
    counters_.files += files;
    heard_at_ = clock_.now();
    retry_at_.reset();
    retry_after_ = retry_first;
    if (counters_.away.exchange(false)) {
        log::info("archive", "the catalogue {} is back, and is told what it missed", means_.label);
    }
    go_on();
}

void SharedCatalogue::put_off(const Error& why, const std::string& words) {
    busy_ = false;
    walked_to_ = 0;
    changed_.clear();
    ++counters_.failures;
    if (!counters_.away.exchange(true)) {
        log::error(
            "archive",
            "the catalogue {} is told nothing: {}{}{}; recording goes on, and it is told all of it later",
            means_.label, why.what, words.empty() ? "" : ": ", words);
    }
    retry_at_ = clock_.now() + retry_after_;
    retry_after_ = std::min<Duration>(2 * retry_after_, retry_last);
    told_at_.reset();
}

bool SharedCatalogue::may_ask() const {
    return asking_ < asking_max && (!ask_again_at_ || clock_.now() >= *ask_again_at_);
}

void SharedCatalogue::note_answer(bool came) {
    --asking_;
    ++counters_.asked;
    counters_.unanswered += came ? 0 : 1;
    ask_again_at_ = came ? std::nullopt : std::optional{clock_.now() + ask_rest};
}

void SharedCatalogue::complete(Asked asked, Listing ours, Reply<Listing> reply) {
    if (is_whole(ours, asked.span)) {
        return reply.give(std::move(ours));
    }
    if (!may_ask()) {
        ours.catalogue_away = true;
        return reply.give(std::move(ours));
    }
    ++asking_;
    auto look = [stream = asked.stream, span = asked.span, files_max = files_max_of(asked)](Catalogue& end) {
        return end.find(stream, span, files_max);
    };
    (void)errands_.ask<std::vector<CatalogueFile>, Catalogue>(
        means_.in.thread, means_.in.end, std::move(look),
        [this, asked = std::move(asked), ours = std::move(ours),
         reply = std::move(reply)](Result<std::vector<CatalogueFile>> found) mutable {
            note_answer(found.has_value());
            ours.catalogue_away = !found;
            if (found) {
                put_together(asked, ours, std::move(*found));
            }
            reply.give(std::move(ours));
        });
}

void SharedCatalogue::put_together(const Asked& asked, Listing& listing, std::vector<CatalogueFile> files) {
    Given given{.stream = asked.stream,
                .span = asked.span,
                .ours = listing.revision,
                .added = asked.span,
                .files = {}};
    if (files.size() == files_max_of(asked)) {
        // What lies behind the last that there was room for is asked for later.
        listing.more = true;
        const WallTime last = files.back().row.begin;
        given.added.to = last > asked.span.from ? last : asked.span.to;
    }
    add_others(listing, files,
               {.span = given.added, .count_max = asked.bounds.count_max, .bucket_root = means_.bucket_root});
    given.revision = listing.revision;
    if (!asked.bounds.gives || given.revision == given.ours) {
        return;
    }
    std::set<std::uint64_t> added;
    for (const FoundFragment& one : listing.fragments) {
        added.insert(one.file);
    }
    for (CatalogueFile& file : files) {
        if (added.contains(file.row.id)) {
            given.fragments += file.fragments.size();
            given.files.push_back(std::move(file));
        }
    }
    remember(std::move(given));
}

void SharedCatalogue::remember(Given given) {
    std::erase_if(given_, [&given](const Given& one) {
        return one.stream == given.stream && one.span == given.span && one.revision == given.revision;
    });
    given_.push_front(std::move(given));
    std::size_t fragments = 0;
    for (auto at = given_.begin(); at != given_.end(); ++at) {
        fragments += at->fragments;
        if (at != given_.begin() && fragments > given_fragments_max) {
            given_.erase(at, given_.end());
            break;
        }
    }
    if (given_.size() > given_max) {
        given_.pop_back();
    }
}

Result<Listing> SharedCatalogue::list_again(const Asked& asked) {
    const std::uint64_t revision = asked.bounds.revision.value_or(0);
    const auto given = std::ranges::find_if(given_, [&](const Given& one) {
        return one.revision == revision && one.stream == asked.stream && one.span == asked.span;
    });
    if (given == given_.end()) {
        return archive_.list(asked.stream, asked.span, asked.bounds);   // nobody had anything to add
    }
    given_.splice(given_.begin(), given_, given);
    Archive::ListBounds bounds = asked.bounds;
    bounds.revision = given->ours;
    Result<Listing> listing = archive_.list(asked.stream, asked.span, bounds);
    if (listing) {
        add_others(*listing, given->files,
                   {.span = given->added, .count_max = bounds.count_max, .bucket_root = means_.bucket_root});
    }
    return listing;
}

void SharedCatalogue::find(const std::string& stream, std::uint64_t file, Then then) {
    const auto kept = std::ranges::find(kept_, file, [](const auto& one) { return one->row.id; });
    if (kept != kept_.end()) {
        kept_.splice(kept_.begin(), kept_, kept);
        const bool same = kept_.front()->row.facts.stream == stream;
        return then(same ? Found{kept_.front()} : std::unexpected(nothing));
    }
    if (!may_ask()) {
        return then(std::unexpected(away));
    }
    ++asking_;
    (void)errands_.ask<std::optional<CatalogueFile>, Catalogue>(
        means_.in.thread, means_.in.end, [file](Catalogue& end) { return end.file(file); },
        [this, stream, then = std::move(then)](Result<std::optional<CatalogueFile>> found) mutable {
            then(arrived(stream, std::move(found)));
        });
}

SharedCatalogue::Found SharedCatalogue::arrived(const std::string& stream,
                                                Result<std::optional<CatalogueFile>> found) {
    note_answer(found.has_value());
    if (!found) {
        return std::unexpected(away);
    }
    if (!*found || (*found)->row.home == Home::here || (*found)->row.state != FileState::sealed) {
        return std::unexpected(nothing);
    }
    kept_.push_front(std::make_shared<const CatalogueFile>(std::move(**found)));
    if (kept_.size() > kept_max) {
        kept_.pop_back();
    }
    return kept_.front()->row.facts.stream == stream ? Found{kept_.front()} : std::unexpected(nothing);
}

Result<Archive::Place> place_in(const CatalogueFile& file, std::uint64_t fragment) {
    const auto found = std::ranges::find(file.fragments, fragment, &Fragment::number);
    return found == file.fragments.end() ? Result<Archive::Place>{std::unexpected(nothing)}
                                         : Archive::Place{file.row, *found};
}

}   // namespace millrace::archive
