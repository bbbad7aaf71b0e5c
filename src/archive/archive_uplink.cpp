#include "archive/archive.hpp"
#include "base/log.hpp"

#include <fmt/core.h>

#include <algorithm>

// What came by an uplink, and what goes by one.

namespace millrace::archive {

namespace {

constexpr std::int64_t day_us = 86'400'000'000;
constexpr std::int64_t sliver_us = Archive::sliver_us;

WallTime end_of(const Fragment& fragment) {
    return {fragment.utc.microseconds + fragment.duration_us};
}

bool overlap(const Fragment& a, const Fragment& b) {
    return a.utc.microseconds + sliver_us < end_of(b).microseconds &&
           b.utc.microseconds + sliver_us < end_of(a).microseconds;
}

}   // namespace

Result<bool> Archive::has(const std::string& stream, const std::string& run, const Fragment& fragment) {
    constexpr std::size_t beside_max = 1'000;
    if (!open_) {
        Result<> opened = closed_      ? fail(Errc::cancelled, "this node stops")
                          : is_there() ? open()
                                       : Result<>{};
        if (!opened || !open_) {
            return opened ? Result<bool>{false} : std::unexpected(opened.error());
        }
    }
    // What is on the disk, but could not be indexed when its file was given up, is here, too.
    if (const Result<> late = index_late(); !late) {
        return std::unexpected(late.error());
    }
    auto beside = index_.fragments(stream, {fragment.utc, end_of(fragment)}, beside_max);
    if (!beside) {
        return std::unexpected(beside.error());
    }
    for (const auto& [key, writing] : writing_) {
        for (const Fragment& one : writing.unindexed) {
            if (writing.row.facts.stream == stream) {
                beside->push_back({.run = writing.row.facts.run, .codecs = {}, .cause = {}, .fragment = one});
            }
        }
    }
    for (const FoundFragment& one : *beside) {
        const bool same = one.run == run && one.fragment.number == fragment.number;
        if (same && one.fragment.size == fragment.size && !one.fragment.damaged) {
            return true;
        }
        if (same || (one.run == run && overlap(one.fragment, fragment))) {
            return fail(Errc::exists, "another recording is in its place, and stays");
        }
    }
    return false;
}

void Archive::insert(UplinkedFragment one, Reply<Inserted> reply) {
    if (one.fragment.utc.microseconds > seams_.clock.utc().microseconds + day_us) {
        return reply.give(fail(Errc::refused, "it is more than a day ahead of this node's clock"));
    }
    const std::string stream = one.facts.stream;
    const Result<bool> there = has(stream, one.facts.run, one.fragment);
    if (!there || *there) {
        return reply.give(there ? Result<Inserted>{Inserted::kept} : std::unexpected(there.error()));
    }
    Result<> done = open_ ? Result<>{} : closed_ ? fail(Errc::cancelled, "this node stops") : open();
    const auto under_way = std::ranges::find_if(inserting_, [&](const Inserting& it) {
        // A file under way goes from its first fragment to `next` without a hole.
        return writing_.contains(it.key) && it.stream == stream && it.run == one.facts.run &&
               it.file == one.file && it.begin_us <= one.fragment.utc.microseconds &&
               one.fragment.offset < it.next;
    });
    if (done && under_way != inserting_.end()) {
        Writing& writing = writing_.at(under_way->key);
        writing.awaited.push_back({writing.file.size(), std::move(reply)});
        return;
    }
    done = done ? put_uplinked(one, reply) : done;
    if (!done) {
        reply.give(std::unexpected(done.error()));
    }
}

Result<> Archive::put_uplinked(UplinkedFragment& one, Reply<Inserted>& reply) {
    const auto records = read_records(one.records.span(), one.file);
    if (!records) {
        return std::unexpected(records.error());
    }
    const auto found = place_for(one);
    if (!found) {
        return std::unexpected(found.error());
    }
    Inserting& inserting = **found;
    Writing& writing = writing_.at(inserting.key);
    const ProgressRef progress = writing.progress;
    times_.note(writing.row.id, writing.file.size(), &FragmentSteps::received, one.received);
    constexpr int of_any_record = RecordHead::begins_fragment | RecordHead::key | RecordHead::discontinuity;
    for (const RecordView& record : *records) {
        if (writing.row.begin == WallTime{}) {
            writing.row.begin = record.head.utc;
            writing.row.end = record.head.utc;
        }
        RecordHead head = record.head;
        const bool last = &record == &records->back();
        head.flags = static_cast<std::uint8_t>((head.flags & of_any_record) | RecordHead::uplinked |
                                               (last ? RecordHead::ends_fragment : 0));
        writing.file.append(head, record.body);
        ++writing.unacknowledged;
        writing.unacknowledged_bytes += record.body.size();
    }
    writing.file.end_fragment();
    if (Result<> written = writing.file.write_out(); !written) {
        give_up(inserting.key, written.error());
        (void)look_for_folder();
        return written;
    }
    inserting.next = one.fragment.offset + one.fragment.size;
    inserting.used_at = seams_.clock.now();
    if (seams_.acknowledges_early) {
        reply.give(Inserted::kept);
    } else {
        writing.awaited.push_back({writing.file.size(), std::move(reply)});
    }
    unsynced_since_ = unsynced_since_.value_or(seams_.clock.now());
    return {};
}

Result<Archive::Inserting*> Archive::place_for(const UplinkedFragment& one) {
    const std::string& stream = one.facts.stream;
    std::erase_if(inserting_, [this](const Inserting& it) { return !writing_.contains(it.key); });
    for (Inserting& it : inserting_) {
        const bool goes_on = it.stream == stream && it.run == one.facts.run && it.file == one.file &&
                             it.next == one.fragment.offset;
        if (!goes_on) {
            continue;
        }
        const bool full = writing_.at(it.key).file.size() >= Inserting::size_max ||
                          end_of(one.fragment).microseconds - it.begin_us > Inserting::duration_us_max;
        if (!full) {
            return &it;
        }
        if (Result<> ended = end(it.key, {}); !ended) {
            give_up(it.key, ended.error());
        }
        break;
    }
    std::erase_if(inserting_, [this](const Inserting& it) { return !writing_.contains(it.key); });
    const auto mine = [&](const Inserting& it) { return it.stream == stream; };
    if (std::ranges::count_if(inserting_, mine) >= static_cast<std::ptrdiff_t>(Inserting::files_max)) {
        const auto oldest = std::ranges::min_element(
            inserting_, {}, [&](const Inserting& it) { return std::pair{!mine(it), it.used_at}; });
        if (Result<> ended = end(oldest->key, {}); !ended) {
            give_up(oldest->key, ended.error());
        }
        inserting_.erase(oldest);
    }
    // No stream's name has a line end, so it is nobody else's.
    const std::string key = fmt::format("{}\n{}", stream, next_id_);
    BeginFile file{.facts = one.facts, .init = one.init};
    if (Result<> begun = begin({.stream = key, .items = {}, .progress = std::make_shared<Progress>()}, file);
        !begun) {
        return std::unexpected(begun.error());
    }
    writing_.at(key).uplinked = true;
    inserting_.push_back({.key = key,
                          .stream = stream,
                          .file = one.file,
                          .run = one.facts.run,
                          .begin_us = one.fragment.utc.microseconds,
                          .used_at = seams_.clock.now()});
    return &inserting_.back();
}

void Archive::close_quiet_inserts() {
    const Instant now = seams_.clock.now();
    std::erase_if(inserting_, [&](const Inserting& it) {
        const bool there = writing_.contains(it.key);
        if (there && now - it.used_at < Inserting::quiet_max) {
            return false;
        }
        if (there) {
            if (Result<> ended = end(it.key, {}); !ended) {
                give_up(it.key, ended.error());
            }
        }
        return true;
    });
}

bool Archive::is_inserting(const std::string& stream) const {
    return std::ranges::any_of(
        inserting_, [&](const Inserting& it) { return it.stream == stream && writing_.contains(it.key); });
}

Result<bool> Archive::fill(const std::string& stream, Span span) {
    const Result<bool> filled = index_.fill_gaps(stream, span);
    const Span around{{span.from.microseconds - sliver_us}, {span.to.microseconds + sliver_us}};
    const Result<> dropped = filled && *filled ? index_.drop_slivers(stream, around, sliver_us) : Result<>{};
    return dropped ? filled : std::unexpected(dropped.error());
}

Result<> Archive::recall_revisions() {
    const auto revised = index_.revised();
    const auto with_imports = index_.with_imports();
    if (!revised || !with_imports) {
        return std::unexpected(revised ? with_imports.error() : revised.error());
    }
    for (auto& [stream, file] : imported_) {
        file = (file + 1) << revision_shift;   // above all that it was before
    }
    for (const auto& [stream, revision] : *revised) {
        imported_[stream] = std::max(imported_[stream], revision);
    }
    for (const std::string& stream : *with_imports) {
        revised_from_[stream] = 1 + imported_[stream];
    }
    return {};
}

Result<std::uint64_t> Archive::known_revision(const std::string& stream,
                                              std::optional<std::uint64_t> revision) const {
    const auto imported = imported_.find(stream);
    const auto from = revised_from_.find(stream);
    const std::uint64_t newest = 1 + (imported == imported_.end() ? 0 : imported->second);
    const std::uint64_t oldest = from == revised_from_.end() ? 1 : from->second;
    return revision && (*revision < oldest || *revision > newest)
               ? Result<std::uint64_t>{fail(Errc::not_found,
                                            "this list is no longer kept; ask for it without rev")}
               : newest;
}

Result<std::uint64_t> Archive::revision_for(const FileRow& row, bool uplinked) {
    const auto newest = uplinked ? index_.newest(row.facts.stream) : std::optional<FileRow>{};
    if (!newest) {
        return std::unexpected(newest.error());
    }
    const bool is_newest = !*newest || (*newest)->id == row.id || (*newest)->begin <= row.begin;
    if (is_newest) {
        return 0;
    }
    // Lists that were given out do not change: those that are asked for anew are other ones.
    const auto before = imported_.find(row.facts.stream);
    return 1 + std::max(before == imported_.end() ? 0 : before->second + 1, row.id << revision_shift);
}

Result<> Archive::name_gap_before(const FileRow& row) {
    if (row.facts.cause.empty()) {
        return {};
    }
    const auto gaps = index_.gaps(row.facts.stream, {{row.begin.microseconds - sliver_us}, row.begin}, 1);
    const bool there = gaps && !gaps->empty();
    return there  ? add_gap(row.facts.stream, {gaps->front().begin, gaps->front().end, row.facts.cause})
           : gaps ? Result<>{}
                  : std::unexpected(gaps.error());
}

Result<> Archive::say_gap_before(const FileRow& row) {
    const auto before = index_.end_before(row);
    if (!before || !*before) {
        return before ? Result<>{} : std::unexpected(before.error());
    }
    const auto gap = gap_between({**before, row.begin}, row.facts.cause, sliver_us);
    return gap ? add_gap(row.facts.stream, *gap) : Result<>{};
}

Result<> Archive::settle_uplinked(Writing& writing, std::span<const Fragment> indexed) {
    const FileRow& row = writing.row;
    bool fills = false;
    if (!indexed.empty()) {
        const Span span{indexed.front().utc, end_of(indexed.back())};
        const auto newest = index_.newest(row.facts.stream);
        const Result<bool> filled = newest ? fill(row.facts.stream, span) : std::unexpected(newest.error());
        Result<> done = filled ? Result<>{} : std::unexpected(filled.error());
        fills = filled.value_or(false);
        const bool is_newest = done && *newest && (*newest)->id == row.id;
        if (done && row.begin == span.from) {
            done = is_newest ? say_gap_before(row) : name_gap_before(row);
        }
        if (!done) {
            return done;
        }
        counters_.uplinked += indexed.size();
    }
    const std::uint64_t sure = writing.file.synced_size();
    std::erase_if(writing.awaited, [sure, fills](Writing::Awaited& one) {
        const bool there = one.end <= sure;
        if (there) {
            one.reply.give(fills ? Inserted::fills : Inserted::kept);
        }
        return there;
    });
    return {};
}

Result<std::vector<FoundFragment>> Archive::unacknowledged(const UplinkAsk& ask) {
    return open_ ? index_.unacknowledged(ask)
                 : Result<std::vector<FoundFragment>>{std::vector<FoundFragment>{}};
}

Result<Unacknowledged> Archive::unacknowledged(const std::string& stream) {
    return open_ ? index_.unacknowledged(stream) : Result<Unacknowledged>{Unacknowledged{}};
}

Result<std::vector<Gap>> Archive::newest_gaps(const std::string& stream, std::size_t count_max) {
    return open_ ? index_.newest_gaps(stream, count_max) : Result<std::vector<Gap>>{std::vector<Gap>{}};
}

Result<> Archive::name_gaps(const std::string& stream, std::span<const Gap> named) {
    constexpr std::size_t gaps_max = 1'000;
    if (!open_) {
        return {};
    }
    auto nameless = index_.newest_gaps(stream, gaps_max);
    if (!nameless) {
        return std::unexpected(nameless.error());
    }
    std::erase_if(*nameless, [](const Gap& gap) { return gap.cause != cause::outage; });
    Result<> done;
    for (const Gap& gap : named) {
        const bool known = std::ranges::find(cause::all, gap.cause) != cause::all.end();
        const bool meets = std::ranges::any_of(
            *nameless, [&](const Gap& one) { return one.begin < gap.end && gap.begin < one.end; });
        done = done && known && meets ? index_.name_gaps(stream, gap, sliver_us) : done;
    }
    return done;
}

Result<> Archive::acknowledge(std::uint64_t file, std::uint64_t place) {
    return open_ ? index_.acknowledge(file, place, seams_.clock.utc())
                 : fail(Errc::refused, "the archive cannot be read now");
}

}   // namespace millrace::archive
