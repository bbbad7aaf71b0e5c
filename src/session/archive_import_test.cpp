#include "session/archive_import.hpp"

#include "container/mp4_samples.hpp"
#include "session/archive_for_tests.hpp"
#include "session/archive_play.hpp"

namespace millrace::session {
namespace {

class ArchiveImport : public toys::ArchiveTest {
protected:
    toys::Fetched put(std::string name, std::string body, std::string query = {}) {
        return fetch(import_, {.method = "PUT",
                               .path = "/api/v1/recordings/" + name,
                               .query = std::move(query),
                               .headers = {{"Content-Length", std::to_string(body.size())}},
                               .body = std::move(body)});
    }
    std::string export_of(std::string name) { return get(play_, "/" + name + "/archive.mp4").text(); }

    web::Route play_ = archive_play(desk_, {keeper_, stills_, exports_});
    web::Route import_ = archive_import(desk_, keeper_);
};

TEST_F(ArchiveImport, an_export_comes_back_frame_by_frame_into_another_stream) {
    record(50, "1800000000-00000001", true);
    change_coding(31);
    record(100);
    const std::string file = export_of("live/cam");
    const toys::Fetched said = put("live/copy", file);
    EXPECT_EQ(said.status, 201);
    EXPECT_NE(said.text().find(R"("left_out":0)"), std::string::npos) << said.text();
    const auto before = mp4::samples::read_file(as_bytes(file));
    const auto after = mp4::samples::read_file(as_bytes(export_of("live/copy")));
    EXPECT_EQ(after.error, "");
    for (const media::TrackId track : {media::TrackId{0}, media::TrackId{1}}) {
        const auto sent = before.units_of(track);
        const auto got = after.units_of(track);
        ASSERT_EQ(got.size(), sent.size());
        for (std::size_t at = 0; at < sent.size(); ++at) {
            EXPECT_EQ(got[at].payload, sent[at].payload) << at;
            EXPECT_EQ(got[at].dts - got[0].dts, sent[at].dts - sent[0].dts) << at;
        }
    }
}

TEST_F(ArchiveImport, the_same_again_changes_nothing) {
    record(100);
    const std::string file = export_of("live/cam");
    const toys::Fetched said = put("live/cam", file);
    EXPECT_EQ(said.status, 201);
    EXPECT_EQ(said.text(), R"({"fragments":0,"bytes":0,"left_out":2})");
    EXPECT_EQ(export_of("live/cam"), file);
}

TEST_F(ArchiveImport, a_file_over_the_limit_is_413) {
    record(100);
    Settings settings = *desk_.settings;
    settings.import_bytes_max = 1000;
    desk_.settings = std::make_shared<const Settings>(std::move(settings));
    const toys::Fetched said = put("live/copy", export_of("live/cam"));
    EXPECT_EQ(said.status, 413);
    EXPECT_EQ(desk_.imports, 0U);
}

TEST_F(ArchiveImport, what_cannot_be_imported_is_said_in_words) {
    EXPECT_EQ(put("live/copy", "hello, world: this is no film").status, 400);
    EXPECT_EQ(put("live/copy", "").status, 400);
    EXPECT_EQ(put("live/..", "a").status, 400);
    EXPECT_EQ(put("live/copy", "a", "from=noon").status, 400);
    EXPECT_EQ(desk_.imports, 0U);
}

}   // namespace
}   // namespace millrace::session
