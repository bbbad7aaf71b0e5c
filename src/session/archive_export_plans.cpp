#include "session/archive_export_plans.hpp"

#include "base/fnv.hpp"

#include <algorithm>

namespace millrace::session {

namespace {

/// Another number for another listing: of its fragments, where they are and what joins them.
std::uint64_t print_of(const archive::Listing& listing) {
    Fnv print;
    for (const archive::FoundFragment& one : listing.fragments) {
        const archive::Fragment& fragment = one.fragment;
        print.add(one.file).add(fragment.number).add(fragment.offset).add(fragment.size);
        print.add(static_cast<std::uint64_t>(fragment.utc.microseconds));
        print.add(static_cast<std::uint64_t>(fragment.media_us)).add(one.new_coding ? 1 : 0);
    }
    return print.sum();
}

std::size_t bytes_of(const ArchiveExport& plan) {
    std::size_t sum = plan.pieces.size() * sizeof(ArchiveExport::Piece);
    for (const Bytes& piece : plan.head) {
        sum += piece.size();
    }
    return sum;
}

}   // namespace

Task<Result<ExportPlans::Plan>> ExportPlans::plan(archive::Keeper& keeper, ExportWish wish) {
    Kept one{.stream = wish.stream, .span = wish.span, .print = print_of(wish.listing), .plan = {}};
    if (Plan kept = find(wish, one.print)) {
        co_return kept;
    }
    // Who needs room has it before those that nobody sends now.
    while (!kept_.empty() && desk_.export_bytes > ExportRoom::bytes_max - ArchiveExport::tables_size_max) {
        kept_.pop_back();
    }
    ++planned_;
    Result<ArchiveExport> made = co_await plan_export(desk_, keeper, std::move(wish));
    if (!made) {
        co_return std::unexpected(made.error());
    }
    one.plan = std::make_shared<const ArchiveExport>(std::move(*made));
    one.bytes = bytes_of(*one.plan);
    Plan plan = one.plan;
    keep(std::move(one));
    co_return plan;
}

ExportPlans::Plan ExportPlans::find(const ExportWish& wish, std::uint64_t print) {
    const auto found = std::ranges::find_if(kept_, [&](const Kept& one) {
        return one.print == print && one.stream == wish.stream && one.span == wish.span;
    });
    if (found == kept_.end()) {
        return nullptr;
    }
    found->used_at = desk_.executor.now();
    kept_.splice(kept_.begin(), kept_, found);
    return found->plan;
}

void ExportPlans::keep(Kept one) {
    one.used_at = desk_.executor.now();
    kept_.push_front(std::move(one));
    std::size_t bytes = 0;
    std::size_t count = 0;
    const auto first_beyond = std::ranges::find_if(kept_, [&](const Kept& each) {
        bytes += each.bytes;
        return ++count > kept_max || bytes > bytes_max;
    });
    kept_.erase(first_beyond, kept_.end());
    if (!old_.armed()) {
        desk_.executor.timers().arm(old_, desk_.executor.now() + kept_for);
    }
}

void ExportPlans::drop_old() {
    const Instant now = desk_.executor.now();
    std::erase_if(kept_, [now](const Kept& one) { return now - one.used_at >= kept_for; });
    if (!kept_.empty()) {
        desk_.executor.timers().arm(old_, kept_.back().used_at + kept_for);
    }
}

}   // namespace millrace::session
