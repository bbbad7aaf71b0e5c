#include "archive/others.hpp"

#include "archive/checksum.hpp"
#include "base/byte_writer.hpp"

#include <algorithm>
#include <map>

namespace millrace::archive {

namespace {

/// What two clocks may be apart: so much of a fragment may be there already.
constexpr std::int64_t overlap_us_max = 250'000;
/// A shorter hole is none, as in an archive of one node.
constexpr std::int64_t hole_us_min =
    std::chrono::duration_cast<std::chrono::microseconds>(Archive::hole_min).count();
constexpr std::size_t elsewhere_max = 1'000;
/// Of revisions of lists that others added to: no archive has one so high of its own.
constexpr std::uint64_t added_bit = std::uint64_t{1} << 63U;
constexpr WallTime ever{INT64_MAX / 4};

WallTime end_of(const Fragment& one) {
    return {one.utc.microseconds + one.duration_us};
}

/// Stretches of time that do not touch.
class Covered {
public:
    void add(Span span) {
        if (span.to <= span.from) {
            return;
        }
        auto at = first_behind(span.from);
        while (at != spans_.end() && at->first <= span.to) {
            span.from = std::min(span.from, at->first);
            span.to = std::max(span.to, at->second);
            at = spans_.erase(at);
        }
        spans_.emplace(span.from, span.to);
    }
    std::int64_t overlap_us(Span span) const {
        std::int64_t sum = 0;
        for (auto at = first_behind(span.from); at != spans_.end() && at->first < span.to; ++at) {
            const WallTime from = std::max(span.from, at->first);
            const WallTime to = std::min(span.to, at->second);
            sum += std::max<std::int64_t>(0, to.microseconds - from.microseconds);
        }
        return sum;
    }
    /// What of a gap is not covered, without slivers.
    void cut(const Gap& gap, std::vector<Gap>& into) const {
        WallTime from = gap.begin;
        const auto keep = [&](WallTime to) {
            const bool whole = from == gap.begin && to == gap.end;
            if (whole || to.microseconds - from.microseconds > hole_us_min) {
                into.push_back({from, to, gap.cause});
            }
        };
        for (auto at = first_behind(from); at != spans_.end() && at->first < gap.end; ++at) {
            if (from < at->first) {
                keep(at->first);
            }
            from = std::max(from, at->second);
        }
        if (from < gap.end) {
            keep(gap.end);
        }
    }

private:
    /// The first that ends at `time` or later.
    std::map<WallTime, WallTime>::const_iterator first_behind(WallTime time) const {
        auto at = spans_.upper_bound(time);
        return at != spans_.begin() && std::prev(at)->second >= time ? std::prev(at) : at;
    }

    std::map<WallTime, WallTime> spans_;
};

class Adding {
public:
    Adding(Listing& listing, const OthersAsk& ask) : listing_{listing}, ask_{ask} {
        for (const FoundFragment& one : listing.fragments) {
            covered_.add({one.fragment.utc, end_of(one.fragment)});
        }
        if (listing.fragments.empty()) {
            return;
        }
        const WallTime end = end_of(listing.fragments.back().fragment);
        if (listing.more) {
            ask_.span.to = std::min(ask_.span.to, end);
        }
        if (listing.recording) {
            covered_.add({end, ever});   // what comes next is ours
        }
    }

    void add(const CatalogueFile& file) {
        const FileRow& row = file.row;
        const bool played = row.home != Home::here && row.state == FileState::sealed &&
                            !ask_.bucket_root.empty() && row.bucket.starts_with(ask_.bucket_root);
        bool begins = true;
        for (const Fragment& one : file.fragments) {
            const Span span{one.utc, end_of(one)};
            const bool asked = span.from < ask_.span.to && ask_.span.from < span.to && !one.damaged;
            if (!asked || covered_.overlap_us(span) > std::min(overlap_us_max, one.duration_us / 2)) {
                continue;
            }
            covered_.add(span);
            if (played) {
                take(file, one, std::exchange(begins, false));
            } else {
                note_elsewhere(file, one);
            }
        }
    }

    void finish() {
        if (added_.empty()) {
            return;
        }
        listing_.revision += std::uint64_t{sum_of_added()} << 32U;
        listing_.revision |= added_bit;
        end_gaps();
        const auto by_time = [](const FoundFragment& one, const FoundFragment& other) {
            return one.fragment.utc < other.fragment.utc;
        };
        std::ranges::sort(added_, by_time);
        std::vector<FoundFragment> all;
        all.reserve(listing_.fragments.size() + added_.size());
        std::ranges::merge(listing_.fragments, added_, std::back_inserter(all), by_time);
        for (std::size_t at = 1; at < all.size(); ++at) {
            join(all[at - 1], all[at]);
        }
        if (all.size() > ask_.count_max) {
            all.resize(ask_.count_max);
            listing_.more = true;
        }
        listing_.fragments = std::move(all);
        std::ranges::sort(listing_.gaps, {}, [](const Gap& gap) { return gap.begin; });
    }

private:
    void take(const CatalogueFile& file, const Fragment& one, bool begins) {
        const FileRow& row = file.row;
        files_[row.id] = &file;
        filled_.add({one.utc, end_of(one)});
        added_.push_back({.file = row.id,
                          .run = row.facts.run,
                          .codecs = row.facts.codecs,
                          .file_begins = begins,
                          .cause = row.facts.cause,
                          .home = Home::bucket,
                          .fragment = one,
                          .node = file.node});
    }

    void note_elsewhere(const CatalogueFile& file, const Fragment& one) {
        std::vector<Elsewhere>& all = listing_.elsewhere;
        const bool goes_on = !all.empty() && all.back().node == file.node &&
                             one.utc.microseconds - all.back().span.to.microseconds <= hole_us_min;
        if (!goes_on && all.size() < elsewhere_max) {
            all.push_back({file.node, file.address, {one.utc, one.utc}, 0});
        }
        if (goes_on || all.back().span.from == one.utc) {
            all.back().span.to = std::max(all.back().span.to, end_of(one));
            all.back().bytes += one.size;
        }
    }

    std::uint32_t sum_of_added() const {
        std::vector<std::byte> bytes;
        ByteWriter out{bytes};
        for (const FoundFragment& one : added_) {
            out.u64(one.file);
            out.u64(one.fragment.number);
        }
        return checksum(bytes) | 1U;
    }

    void end_gaps() {
        std::vector<Gap> left;
        for (const Gap& gap : listing_.gaps) {
            filled_.cut(gap, left);
        }
        listing_.gaps = std::move(left);
    }

    /// Two that follow each other, one of which at least is another node's.
    void join(const FoundFragment& before, FoundFragment& next) {
        if (before.file == next.file || (before.node.empty() && next.node.empty())) {
            return;
        }
        next.new_coding = before.node != next.node || init_sum(before) != init_sum(next);
        const WallTime end = end_of(before.fragment);
        const bool told = std::ranges::any_of(
            listing_.gaps, [&](const Gap& gap) { return gap.begin < next.fragment.utc && end < gap.end; });
        if (next.fragment.utc.microseconds - end.microseconds > hole_us_min && !told) {
            listing_.gaps.push_back({end, next.fragment.utc, cause_between(before, next)});
        }
    }
    std::uint32_t init_sum(const FoundFragment& one) const { return files_.at(one.file)->init_sum; }
    std::string cause_between(const FoundFragment& before, const FoundFragment& next) const {
        const auto file = files_.find(before.file);
        const std::string sealed = file == files_.end() ? "" : file->second->row.seal_cause;
        return !next.cause.empty() ? next.cause : !sealed.empty() ? sealed : std::string{cause::outage};
    }

    Listing& listing_;
    OthersAsk ask_;
    Covered covered_;   // what this node has, and what was added
    Covered filled_;    // what was added
    std::vector<FoundFragment> added_;
    std::map<std::uint64_t, const CatalogueFile*> files_;
};

}   // namespace

bool is_whole(const Listing& ours, Span span) {
    if (ours.fragments.empty() || ours.fragments.front().fragment.utc > span.from) {
        return false;
    }
    WallTime end = end_of(ours.fragments.front().fragment);
    for (const FoundFragment& one : ours.fragments) {
        if (one.fragment.utc.microseconds - end.microseconds > hole_us_min) {
            return false;
        }
        end = std::max(end, end_of(one.fragment));
    }
    return ours.more || ours.recording || end >= span.to;
}

void add_others(Listing& listing, const std::vector<CatalogueFile>& files, const OthersAsk& ask) {
    Adding adding{listing, ask};
    for (const CatalogueFile& file : files) {
        adding.add(file);
    }
    adding.finish();
}

}   // namespace millrace::archive
