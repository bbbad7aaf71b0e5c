#include "archive/others.hpp"

#include <fmt/core.h>
#include <gtest/gtest.h>

namespace millrace::archive {
namespace {

constexpr std::int64_t second = 1'000'000;
constexpr std::string_view root = "test://bucket/";

WallTime at(std::int64_t seconds) {
    return {seconds * second};
}

Fragment fragment(std::int64_t from, std::int64_t to) {
    return {.number = static_cast<std::uint64_t>(from),
            .size = 100,
            .utc = at(from),
            .duration_us = (to - from) * second,
            .key = true};
}

/// What this node has: fragments of two seconds.
Listing ours(std::initializer_list<std::pair<std::int64_t, std::int64_t>> spans) {
    Listing listing;
    for (const auto& [from, to] : spans) {
        for (std::int64_t time = from; time < to; time += 2) {
            listing.fragments.push_back({.file = static_cast<std::uint64_t>(from + 1),
                                         .run = "run",
                                         .file_begins = time == from,
                                         .fragment = fragment(time, time + 2)});
        }
    }
    return listing;
}

/// A file of another node, likewise.
CatalogueFile theirs(std::uint64_t node, std::int64_t from, std::int64_t to, Home home = Home::bucket) {
    CatalogueFile file{.row = {.id = node << file_id_bits | static_cast<std::uint64_t>(from + 1),
                               .facts = {.stream = "live/cam", .run = "other", .codecs = "avc1"},
                               .seal_cause = "publisher gone",
                               .state = FileState::sealed,
                               .begin = at(from),
                               .end = at(to),
                               .home = home,
                               .bucket = std::string{root} + "b/"},
                       .init_sum = 7,
                       .fragments = {},
                       .node = fmt::format("n{}", node),
                       .address = {}};
    for (std::int64_t time = from; time < to; time += 2) {
        file.fragments.push_back(fragment(time, time + 2));
    }
    return file;
}

constexpr Span always{{0}, {INT64_MAX / 4}};

void add(Listing& listing, const std::vector<CatalogueFile>& files, Span span = always,
         std::size_t count_max = 1000) {
    add_others(listing, files, {.span = span, .count_max = count_max, .bucket_root = root});
}

/// "0 2 n1:4* 6": where fragments begin and whose they are; a mark where players read something anew.
std::string text(const Listing& listing) {
    std::string all;
    for (const FoundFragment& one : listing.fragments) {
        all += fmt::format("{}{}{}{}{}", all.empty() ? "" : " ", one.node, one.node.empty() ? "" : ":",
                           one.fragment.utc.microseconds / second, one.new_coding ? "*" : "");
    }
    return all;
}

std::string gaps(const Listing& listing) {
    std::string all;
    for (const Gap& gap : listing.gaps) {
        all += fmt::format("{}{}-{} {}", all.empty() ? "" : ", ", gap.begin.microseconds / second,
                           gap.end.microseconds / second, gap.cause);
    }
    return all;
}

TEST(Others, fill_what_this_node_lacks_and_its_gaps_end_there) {
    Listing listing = ours({{0, 4}, {20, 24}});
    listing.gaps.push_back({at(4), at(20), "outage"});
    const std::uint64_t before = listing.revision;
    add(listing, {theirs(1, 2, 12)});
    EXPECT_EQ(text(listing), "0 2 n1:4* n1:6 n1:8 n1:10 20* 22");
    EXPECT_EQ(gaps(listing), "12-20 outage");
    EXPECT_NE(listing.revision, before);
    EXPECT_EQ(listing.fragments[2].home, Home::bucket);
    EXPECT_TRUE(listing.fragments[2].file_begins);
    EXPECT_FALSE(listing.fragments[3].file_begins);
}

TEST(Others, add_nothing_to_what_is_whole_and_its_revision_stays) {
    Listing listing = ours({{0, 10}});
    const Listing before = listing;
    add(listing, {theirs(1, 0, 10), theirs(2, 4, 8, Home::here)});
    EXPECT_EQ(text(listing), text(before));
    EXPECT_EQ(listing.revision, before.revision);
    EXPECT_TRUE(listing.elsewhere.empty());
}

TEST(Others, stand_in_their_order_and_the_first_that_has_a_moment_counts) {
    Listing listing;
    add(listing, {theirs(2, 0, 6), theirs(1, 2, 8), theirs(1, 8, 12)});
    EXPECT_EQ(text(listing), "n2:0 n2:2 n2:4 n1:6* n1:8 n1:10");
    EXPECT_EQ(gaps(listing), "");
}

TEST(Others, name_the_holes_between_what_they_have) {
    Listing listing;
    CatalogueFile later = theirs(1, 30, 34);
    later.row.facts.cause = "disk full";
    add(listing, {theirs(1, 0, 4), theirs(1, 10, 14), later});
    EXPECT_EQ(gaps(listing), "4-10 publisher gone, 14-30 disk full");
}

TEST(Others, are_named_where_they_alone_can_play_it) {
    Listing listing = ours({{0, 4}});
    CatalogueFile strange = theirs(2, 20, 24);
    strange.row.bucket = "test://another/b/";
    CatalogueFile open = theirs(1, 40, 44, Home::both);
    open.row.state = FileState::open;
    add(listing, {theirs(1, 2, 10, Home::here), strange, open, theirs(1, 44, 46, Home::here)});
    EXPECT_EQ(text(listing), "0 2");
    ASSERT_EQ(listing.elsewhere.size(), 3U);
    EXPECT_EQ(listing.elsewhere[0].node, "n1");
    EXPECT_EQ(listing.elsewhere[0].span, (Span{at(4), at(10)}));
    EXPECT_EQ(listing.elsewhere[0].bytes, 300U);
    EXPECT_EQ(listing.elsewhere[1].node, "n2");
    EXPECT_EQ(listing.elsewhere[2].span, (Span{at(40), at(46)}));
}

TEST(Others, add_nothing_behind_what_is_being_recorded_nor_outside_of_what_is_asked) {
    Listing recorded = ours({{0, 4}});
    recorded.recording = true;
    add(recorded, {theirs(1, 2, 10)});
    EXPECT_EQ(text(recorded), "0 2");
    Listing asked;
    add(asked, {theirs(1, 0, 10)}, {at(3), at(6)});
    EXPECT_EQ(text(asked), "n1:2 n1:4");
    Listing cut = ours({{4, 8}});
    cut.more = true;
    add(cut, {theirs(1, 0, 12)});
    EXPECT_EQ(text(cut), "n1:0 n1:2 4* 6") << "what is behind comes with the next part";
}

TEST(Others, are_as_many_as_are_asked_for) {
    Listing listing;
    add(listing, {theirs(1, 0, 10)}, always, 3);
    EXPECT_EQ(text(listing), "n1:0 n1:2 n1:4");
    EXPECT_TRUE(listing.more);
}

TEST(Others, are_asked_only_where_something_may_lack) {
    EXPECT_TRUE(is_whole(ours({{0, 10}}), {at(1), at(9)}));
    EXPECT_FALSE(is_whole(ours({{0, 10}}), {at(1), at(11)}));
    EXPECT_FALSE(is_whole(ours({{2, 10}}), {at(1), at(9)}));
    EXPECT_FALSE(is_whole(ours({{0, 4}, {6, 10}}), {at(1), at(9)}));
    EXPECT_FALSE(is_whole(Listing{}, {at(1), at(9)}));
    Listing recorded = ours({{0, 10}});
    recorded.recording = true;
    EXPECT_TRUE(is_whole(recorded, {at(1), {INT64_MAX / 4}}));
}

TEST(CatalogueFragments, come_back_as_they_were_and_nothing_else_is_taken) {
    std::vector<Fragment> all{fragment(0, 2), fragment(2, 4)};
    all[0].discontinuity = true;
    all[1].damaged = true;
    all[1].offset = 12'345;
    all[1].media_us = -7;
    const std::vector<std::byte> bytes = packed_fragments(all);
    const auto read = read_packed_fragments(bytes);
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, all);
    for (std::size_t size = 0; size < bytes.size(); ++size) {
        const auto cut = read_packed_fragments(ByteSpan{bytes}.first(size));
        EXPECT_EQ(cut.has_value(), size == 1 || size == 50) << size;
    }
    all[0].utc = {INT64_MAX};
    EXPECT_FALSE(read_packed_fragments(packed_fragments(all)));
    all[0].utc = {};
    all[0].duration_us = -1;
    EXPECT_FALSE(read_packed_fragments(packed_fragments(all)));
    all[0].duration_us = 0;
    all[0].size = UINT64_MAX;
    EXPECT_FALSE(read_packed_fragments(packed_fragments(all)));
}

}   // namespace
}   // namespace millrace::archive
