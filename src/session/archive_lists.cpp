#include "session/archive_lists.hpp"

#include "base/date_time.hpp"
#include "base/web.hpp"

#include <fmt/format.h>

#include <charconv>

namespace millrace::session {

namespace {

using archive::FoundFragment;

constexpr std::int64_t second = 1'000'000;
/// A hole between two fragments that is one; below it is what rounding and audio make.
constexpr std::int64_t hole_us_min = 300'000;
/// EXT-X-TARGETDURATION of a list that grows: no segment of a run is longer.
constexpr std::int64_t growing_target = 11;

WallTime end_of(const FoundFragment& one) {
    return {one.fragment.utc.microseconds + one.fragment.duration_us};
}

bool goes_on(const FoundFragment& before, const FoundFragment& next) {
    const std::int64_t hole = next.fragment.utc.microseconds - end_of(before).microseconds;
    return before.run == next.run && before.node == next.node && hole < hole_us_min && hole > -hole_us_min;
}

std::string with_query(std::string address, std::string_view query) {
    return query.empty() ? address : fmt::format("{}?{}", address, query);
}

}   // namespace

std::optional<std::uint64_t> whole_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    const bool whole = error == std::errc{} && end == text.data() + text.size() && !text.empty();
    return whole ? std::optional{value} : std::nullopt;
}

Result<hls::MediaPlaylist> archive_list(const archive::Listing& listing, const ArchiveListAsk& ask) {
    if (listing.fragments.empty()) {
        return fail(Errc::not_found, "nothing of this stream was recorded then");
    }
    hls::MediaPlaylist list{.type = ask.open_ended ? hls::PlaylistType::event : hls::PlaylistType::vod,
                            .independent = true,
                            .ended = !ask.open_ended || !listing.recording,
                            .segments = {}};
    list.segments.reserve(listing.fragments.size());
    // The list begins with the segment that has the moment; players begin with the moment itself.
    list.start = std::chrono::microseconds{std::max<std::int64_t>(
        0, ask.from.microseconds - listing.fragments.front().fragment.utc.microseconds)};
    const FoundFragment* before = nullptr;
    std::shared_ptr<const hls::InitSection> init;
    for (const FoundFragment& one : listing.fragments) {
        if (before == nullptr || before->file != one.file) {
            init = std::make_shared<const hls::InitSection>(
                hls::InitSection{.uri = with_query(fmt::format("archive/{}.mp4", one.file), ask.query)});
        }
        const bool breaks =
            before != nullptr && (one.fragment.discontinuity || one.new_coding || !goes_on(*before, one));
        list.segments.push_back(
            {.uri = with_query(fmt::format("archive/{}-{}.m4s", one.file, one.fragment.number), ask.query),
             .duration = std::chrono::microseconds{one.fragment.duration_us},
             .title = {},
             .range = {},
             .init = init,
             .utc = one.fragment.utc,
             .discontinuity = breaks});
        list.independent = list.independent && one.fragment.key;
        list.target_duration =
            std::max(list.target_duration, (one.fragment.duration_us + second / 2) / second);
        before = &one;
    }
    list.target_duration = std::max<std::int64_t>(list.target_duration, ask.open_ended ? growing_target : 1);
    return list;
}

namespace {

std::string time_or_null(const std::optional<WallTime>& at) {
    return at ? '"' + date_time_text(*at) + '"' : "null";
}

/// `,"fragments":[…]`: when each was, and when what was done with it here.
std::string fragments_json(const archive::Listing& listing) {
    std::string all;
    for (const FoundFragment& one : listing.fragments) {
        all += fmt::format(
            R"({}{{"file":{},"run":{},"number":{},"captured":"{}","to":"{}","bytes":{},"received":{},)"
            R"("stored":{},"sent":{},"acknowledged":{},"served":{}}})",
            all.empty() ? "" : ",", one.file, web::json_quoted(one.run), one.fragment.number,
            date_time_text(one.fragment.utc), date_time_text(end_of(one)), one.fragment.size,
            time_or_null(one.steps.received), time_or_null(one.steps.stored), time_or_null(one.steps.sent),
            time_or_null(one.acknowledged), time_or_null(one.steps.served));
    }
    return fmt::format(R"(,"fragments":[{}])", all);
}

/// `,"elsewhere":[…]`: what only other nodes have.
std::string elsewhere_json(const archive::Listing& listing) {
    std::string all;
    for (const archive::Elsewhere& one : listing.elsewhere) {
        all += fmt::format(R"({}{{"node":{},"address":{},"from":"{}","to":"{}","bytes":{}}})",
                           all.empty() ? "" : ",", web::json_quoted(one.node),
                           one.address.empty() ? "null" : web::json_quoted(one.address),
                           date_time_text(one.span.from), date_time_text(one.span.to), one.bytes);
    }
    return fmt::format(R"(,"elsewhere":[{}])", all);
}

}   // namespace

std::string recordings_json(const archive::Listing& listing, bool with_fragments) {
    std::string items;
    std::size_t total = 0;
    for (std::size_t at = 0; at < listing.fragments.size();) {
        const std::size_t begin = at;
        std::uint64_t bytes = 0;
        std::uint64_t away = 0;
        do {
            const FoundFragment& one = listing.fragments[at++];
            bytes += one.fragment.size;
            away += one.home == archive::Home::bucket ? one.fragment.size : 0;
        } while (at < listing.fragments.size() && goes_on(listing.fragments[at - 1], listing.fragments[at]) &&
                 !listing.fragments[at].new_coding);
        const FoundFragment& first = listing.fragments[begin];
        items += fmt::format(R"({}{{"from":"{}","to":"{}","bytes":{},"bucket_bytes":{},"fragments":{},)"
                             R"("run":{},"codecs":{}{}}})",
                             total++ == 0 ? "" : ",", date_time_text(first.fragment.utc),
                             date_time_text(end_of(listing.fragments[at - 1])), bytes, away, at - begin,
                             web::json_quoted(first.run), web::json_quoted(first.codecs),
                             first.node.empty() ? "" : R"(,"node":)" + web::json_quoted(first.node));
    }
    std::string gaps;
    for (const archive::Gap& gap : listing.gaps) {
        gaps += fmt::format(R"({}{{"from":"{}","to":"{}","cause":{}}})", gaps.empty() ? "" : ",",
                            date_time_text(gap.begin), date_time_text(gap.end), web::json_quoted(gap.cause));
    }
    return fmt::format(R"({{"items":[{}],"gaps":[{}],"total":{},"recording":{},"complete":{}{}{}{}}})", items,
                       gaps, total, listing.recording, !listing.more,
                       listing.elsewhere.empty() ? std::string{} : elsewhere_json(listing),
                       listing.catalogue_away ? R"(,"catalogue_away":true)" : "",
                       with_fragments ? fragments_json(listing) : std::string{});
}

std::optional<ArchiveName> read_archive_name(std::string_view name) {
    constexpr std::string_view media = ".m4s";
    constexpr std::string_view before = ".mp4";
    ArchiveName read;
    if (name.ends_with(before)) {
        const auto file = whole_number(name.substr(0, name.size() - before.size()));
        read.file = file.value_or(0);
        return file ? std::optional{read} : std::nullopt;
    }
    const std::size_t dash = name.find('-');
    if (!name.ends_with(media) || dash == std::string_view::npos) {
        return std::nullopt;
    }
    const auto file = whole_number(name.substr(0, dash));
    read.number = whole_number(name.substr(dash + 1, name.size() - dash - 1 - media.size()));
    read.file = file.value_or(0);
    return file && read.number ? std::optional{read} : std::nullopt;
}

}   // namespace millrace::session
