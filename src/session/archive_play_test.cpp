#include "session/archive_play.hpp"

#include "session/archive_for_tests.hpp"

namespace millrace::session {
namespace {

class ArchivePlay : public toys::ArchiveTest {
protected:
    web::Route route_ = archive_play(desk_, {keeper_, stills_, exports_});
};

TEST_F(ArchivePlay, knows_its_addresses) {
    for (const char* path :
         {"/live/cam/archive.m3u8", "/live/cam/archive.mp4", "/live/cam/archive.ts", "/live/cam/archive.jpg",
          "/live/cam/archive/1.mp4", "/api/v1/recordings/live/cam"}) {
        EXPECT_TRUE(route_.matches(path)) << path;
    }
    for (const char* path : {"/", "/archive.mp4", "/live/cam", "/live/cam.mp4", "/api/v1/streams/live/cam"}) {
        EXPECT_FALSE(route_.matches(path)) << path;
    }
}

TEST_F(ArchivePlay, a_list_leads_to_that_of_a_revision_whose_segments_are_there) {
    record(75);
    const toys::Fetched first = get(route_, "/live/cam/archive.m3u8", "to=2100-01-01T00:00:00Z");
    EXPECT_EQ(first.status, 302);
    EXPECT_EQ(first.header("Location"), "archive.m3u8?to=2100-01-01T00:00:00Z&rev=1");
    const toys::Fetched list = get(route_, "/live/cam/archive.m3u8", "to=2100-01-01T00:00:00Z&rev=1");
    EXPECT_EQ(list.status, 200);
    EXPECT_NE(list.text().find("#EXT-X-ENDLIST"), std::string::npos);
    int segments = 0;
    for (std::size_t at = list.text().find("archive/1-"); at != std::string::npos;
         at = list.text().find("archive/1-", at + 1)) {
        const std::string name = list.text().substr(at, list.text().find('\n', at) - at);
        EXPECT_EQ(get(route_, "/live/cam/" + name).status, 200) << name;
        ++segments;
    }
    EXPECT_EQ(segments, 3);
    EXPECT_EQ(get(route_, "/live/cam/archive/1.mp4").status, 200);
    EXPECT_EQ(get(route_, "/live/cam/archive.m3u8", "rev=2").status, 404);
}

TEST_F(ArchivePlay, case_90_only_what_the_index_has_is_served) {
    record(50);
    for (const char* path :
         {"/live/cam/archive/2.mp4", "/live/cam/archive/1-1.m4s", "/live/cam/archive/index",
          "/live/other/archive/1.mp4", "/live/cam/archive/../1.mp4", "/live/cam/archive/1.mp4x"}) {
        const int status = get(route_, path).status;
        EXPECT_TRUE(status == 404 || status == 400) << path << ": " << status;
    }
}

TEST_F(ArchivePlay, row_2_24_the_document_says_what_is_there_and_what_is_missing) {
    record(50);
    world_.time.run_for(60s);
    camera_.restart();
    record(50, "1800000063-00000002");
    const toys::Fetched said = get(route_, "/api/v1/recordings/live/cam");
    EXPECT_EQ(said.header("Content-Type"), "application/json");
    EXPECT_NE(said.text().find(R"("cause":"publisher gone")"), std::string::npos) << said.text();
    EXPECT_NE(said.text().find(R"("total":2,"recording":false,"complete":true)"), std::string::npos);
}

TEST_F(ArchivePlay, a_picture_is_of_a_moment_that_was_recorded) {
    record(50);
    EXPECT_EQ(get(route_, "/live/cam/archive.jpg").status, 400);
    EXPECT_EQ(get(route_, "/live/cam/archive.jpg", "at=2001-01-01T00:00:00Z").status, 404);
}

TEST_F(ArchivePlay, times_are_checked) {
    for (const char* query :
         {"from=noon", "to=2026-01-01", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z"}) {
        EXPECT_EQ(get(route_, "/live/cam/archive.m3u8", query).status, 400) << query;
    }
}

}   // namespace
}   // namespace millrace::session
