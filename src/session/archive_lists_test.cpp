#include "session/archive_lists.hpp"

#include "container/m3u8_writer.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr std::int64_t start = 1'800'000'000'000'000;

archive::FoundFragment fragment(std::uint64_t file, std::uint64_t number, std::int64_t second) {
    return {.file = file,
            .run = "1800000000-00000001",
            .codecs = "avc1.64001f",
            .cause = {},
            .fragment = {.number = number,
                         .offset = 0,
                         .size = 1000,
                         .utc = {start + second * 1'000'000},
                         .media_us = second * 1'000'000,
                         .duration_us = 2'000'000,
                         .key = true}};
}

TEST(ArchiveLists, list_what_was_recorded_with_its_gaps_as_discontinuities) {
    archive::Listing listing;
    listing.fragments = {fragment(1, 10, 0), fragment(1, 11, 2), fragment(2, 12, 4), fragment(3, 20, 60)};
    const auto list = archive_list(listing, {.query = "token=a"});
    ASSERT_TRUE(list);
    EXPECT_EQ(hls::write(*list), R"(#EXTM3U
#EXT-X-VERSION:6
#EXT-X-TARGETDURATION:2
#EXT-X-MEDIA-SEQUENCE:0
#EXT-X-PLAYLIST-TYPE:VOD
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MAP:URI="archive/1.mp4?token=a"
#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:00.000Z
#EXTINF:2.000000,
archive/1-10.m4s?token=a
#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:02.000Z
#EXTINF:2.000000,
archive/1-11.m4s?token=a
#EXT-X-MAP:URI="archive/2.mp4?token=a"
#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:00:04.000Z
#EXTINF:2.000000,
archive/2-12.m4s?token=a
#EXT-X-DISCONTINUITY
#EXT-X-MAP:URI="archive/3.mp4?token=a"
#EXT-X-PROGRAM-DATE-TIME:2027-01-15T08:01:00.000Z
#EXTINF:2.000000,
archive/3-20.m4s?token=a
#EXT-X-ENDLIST
)");
}

TEST(ArchiveLists, say_where_in_the_first_segment_the_moment_is_that_was_asked_for) {
    archive::Listing listing;
    listing.fragments = {fragment(1, 10, 0), fragment(1, 11, 2)};
    const auto within = archive_list(listing, {.query = {}, .from = {start + 1'250'000}});
    ASSERT_TRUE(within);
    EXPECT_NE(hls::write(*within).find("#EXT-X-START:TIME-OFFSET=1.250000,PRECISE=YES\n"), std::string::npos);
    const auto before = archive_list(listing, {.query = {}, .from = {start - 5'000'000}});
    ASSERT_TRUE(before);
    EXPECT_EQ(hls::write(*before).find("EXT-X-START"), std::string::npos);
}

TEST(ArchiveLists, an_open_end_is_an_event_that_ends_with_the_recording) {
    archive::Listing listing;
    listing.fragments = {fragment(1, 10, 0)};
    listing.recording = true;
    const auto growing = archive_list(listing, {.open_ended = true});
    ASSERT_TRUE(growing);
    EXPECT_EQ(growing->type, hls::PlaylistType::event);
    EXPECT_FALSE(growing->ended);
    EXPECT_EQ(growing->target_duration, 11);
    listing.recording = false;
    EXPECT_TRUE(archive_list(listing, {.open_ended = true})->ended);
    EXPECT_EQ(archive_list({}, {}).error().code, Errc::not_found);
}

TEST(ArchiveLists, the_document_joins_what_has_no_gap) {
    archive::Listing listing;
    listing.fragments = {fragment(1, 10, 0), fragment(1, 11, 2), fragment(2, 20, 60)};
    listing.gaps = {{{start + 4'000'000}, {start + 60'000'000}, "publisher gone"}};
    EXPECT_EQ(recordings_json(listing),
              R"({"items":[{"from":"2027-01-15T08:00:00.000Z","to":"2027-01-15T08:00:04.000Z","bytes":2000,)"
              R"("bucket_bytes":0,"fragments":2,"run":"1800000000-00000001","codecs":"avc1.64001f"},)"
              R"({"from":"2027-01-15T08:01:00.000Z","to":"2027-01-15T08:01:02.000Z","bytes":1000,)"
              R"("bucket_bytes":0,"fragments":1,"run":"1800000000-00000001","codecs":"avc1.64001f"}],)"
              R"("gaps":[{"from":"2027-01-15T08:00:04.000Z","to":"2027-01-15T08:01:00.000Z",)"
              R"("cause":"publisher gone"}],)"
              R"("total":2,"recording":false,"complete":true})");
}

TEST(ArchiveLists, addresses_are_numbers_and_nothing_else) {
    EXPECT_EQ(read_archive_name("12.mp4")->file, 12U);
    EXPECT_EQ(read_archive_name("12-1763646000.m4s")->number, 1763646000U);
    for (const char* name : {"", ".mp4", "a.mp4", "12", "12.m4s", "-1.m4s", "1-.m4s", "1-2-3.m4s", "../1.mp4",
                             "0000000001.mp4/", "1-2.mp4"}) {
        EXPECT_FALSE(read_archive_name(name)) << name;
    }
}

TEST(ArchiveLists, say_what_other_nodes_put_into_the_bucket_and_what_they_alone_have) {
    archive::Listing listing;
    listing.fragments = {fragment(1, 10, 0), fragment(1, 11, 2)};
    listing.fragments[1].node = "north";
    listing.fragments[1].home = archive::Home::bucket;
    EXPECT_EQ(recordings_json(listing).find("elsewhere"), std::string::npos);
    listing.elsewhere.push_back({.node = "south",
                                 .address = "",
                                 .span = {{start + 60'000'000}, {start + 70'000'000}},
                                 .bytes = 5000});
    listing.catalogue_away = true;
    EXPECT_EQ(recordings_json(listing),
              R"({"items":[{"from":"2027-01-15T08:00:00.000Z","to":"2027-01-15T08:00:02.000Z","bytes":1000,)"
              R"("bucket_bytes":0,"fragments":1,"run":"1800000000-00000001","codecs":"avc1.64001f"},)"
              R"({"from":"2027-01-15T08:00:02.000Z","to":"2027-01-15T08:00:04.000Z","bytes":1000,)"
              R"("bucket_bytes":1000,"fragments":1,"run":"1800000000-00000001","codecs":"avc1.64001f",)"
              R"("node":"north"}],"gaps":[],"total":2,"recording":false,"complete":true,)"
              R"("elsewhere":[{"node":"south","address":null,"from":"2027-01-15T08:01:00.000Z",)"
              R"("to":"2027-01-15T08:01:10.000Z","bytes":5000}],"catalogue_away":true})");
}

}   // namespace
}   // namespace millrace::session
