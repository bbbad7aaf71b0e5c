#include "session/archive_export.hpp"

#include "container/mp4_samples.hpp"
#include "session/archive_for_tests.hpp"
#include "session/archive_play.hpp"

namespace millrace::session {
namespace {

archive::FoundFragment fragment(std::string run, std::int64_t media_s, std::int64_t wall_s) {
    return {.run = std::move(run),
            .fragment = {.utc = {wall_s * 1'000'000},
                         .media_us = media_s * 1'000'000,
                         .duration_us = 2'000'000,
                         .key = true}};
}

TEST(ArchiveExport, times_begin_at_zero_and_go_on_as_the_clock_on_the_wall_did) {
    archive::Listing listing;
    listing.fragments = {fragment("a", 100, 1000), fragment("a", 102, 1002), fragment("b", 7, 1060),
                         fragment("b", 9, 1062)};
    const std::vector<std::int64_t> shifts = export_shifts(listing, 99'900'000);
    EXPECT_EQ(shifts, (std::vector<std::int64_t>{-99'900'000, -99'900'000, 53'100'000, 53'100'000}));
}

TEST(ArchiveExport, times_never_go_back_where_the_clock_on_the_wall_did) {
    archive::Listing listing;
    listing.fragments = {fragment("a", 100, 1000), fragment("b", 0, 400), fragment("c", 0, 1001)};
    EXPECT_EQ(export_shifts(listing, 100'000'000),
              (std::vector<std::int64_t>{-100'000'000, 2'500'000, 5'000'000}));
}

using toys::Fetched;

/// What a node answers to who wants one file.
class ArchiveExported : public toys::ArchiveTest {
protected:
    Fetched whole(std::vector<web::Header> headers = {}) {
        return get(route_, "/live/cam/archive.mp4", {}, std::move(headers));
    }
    /// Each unit that was sent is there once and in order, its time that of the wall.
    void expect_all(const Fetched& file) {
        EXPECT_EQ(file.status, 200);
        const mp4::samples::Read read = mp4::samples::read_file(file.body);
        EXPECT_EQ(read.error, "");
        for (const media::Kind kind : {media::Kind::video, media::Kind::audio}) {
            std::vector<media::AccessUnit> got;
            std::ranges::copy_if(read.units, std::back_inserter(got),
                                 [kind](const media::AccessUnit& unit) { return unit.kind() == kind; });
            const std::vector<media::AccessUnitRef> wanted = sent(kind);
            ASSERT_EQ(got.size(), wanted.size());
            for (std::size_t at = 0; at < got.size(); ++at) {
                EXPECT_EQ(got[at].payload, wanted[at]->payload) << at;
                EXPECT_TRUE(got[at].config->same_coding(*wanted[at]->config)) << at;
                EXPECT_TRUE(at == 0 || got[at].dts > got[at - 1].dts) << at;
            }
        }
    }

    static Task<> ask_whole(ArchiveExported& self, std::unique_ptr<Connection> connection) {
        const web::Request request{
            .method = "GET", .path = "/live/cam/archive.mp4", .peer = {"192.0.2.7", 40'000}};
        web::Response response = co_await self.route_.answer(request, self.home_);
        EXPECT_EQ(response.status, 200);
        co_await response.takeover(std::move(connection), {});
    }
    std::vector<std::byte> read_slowly(Connection& connection) {
        std::vector<std::byte> heard;
        std::array<std::byte, 65'536> piece;
        for (;;) {
            world_.time.run_for(10ms);
            const Result<std::size_t> count = connection.try_read(piece);
            if (!count) {
                return heard;
            }
            heard.insert(heard.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(*count));
        }
    }

    web::Route route_ = archive_play(desk_, keeper_, stills_);
};

TEST_F(ArchiveExported, one_run_and_coding) {
    record(60);
    const Fetched file = whole();
    expect_all(file);
    EXPECT_EQ(file.header("Accept-Ranges"), "bytes");
    EXPECT_EQ(mp4::samples::read_file(file.body).units.front().dts, 0);
}

TEST_F(ArchiveExported, f20_another_coding_in_its_midst) {
    record(50, "1800000000-00000001", true);
    change_coding(31);
    record(50, "1800000000-00000001", true);
    change_coding(32);
    record(50);
    const archive::Listing found = listing();
    EXPECT_EQ(std::ranges::count_if(found.fragments, &archive::FoundFragment::new_coding), 2);
    expect_all(whole());
}

TEST_F(ArchiveExported, f20_another_run_a_minute_later) {
    record(50);
    world_.time.run_for(60s);
    change_coding(31);
    camera_.restart();
    record(50, "1800000063-00000002");
    const Fetched file = whole();
    expect_all(file);
    const std::vector<media::AccessUnit> pictures = mp4::samples::read_file(file.body).units_of(0);
    EXPECT_NEAR(static_cast<double>(pictures[50].dts - pictures[49].dts) / 90'000, 61, 0.1);
}

TEST_F(ArchiveExported, row_2_25_any_part_of_it_is_those_bytes_of_the_whole) {
    record(50, "1800000000-00000001", true);
    change_coding(31);
    record(50);
    const Fetched all = whole();
    const std::size_t size = all.body.size();
    for (std::size_t begin = 0; begin < size; begin += 977) {
        const std::size_t end = std::min(size, begin + 1300);
        const Fetched part =
            whole({{"Range", fmt::format("bytes={}-{}", begin, end - 1)}, {"If-Range", all.header("ETag")}});
        ASSERT_EQ(part.status, 206);
        EXPECT_EQ(part.header("Content-Range"), fmt::format("bytes {}-{}/{}", begin, end - 1, size));
        const ByteSpan wanted = ByteSpan{all.body}.subspan(begin, end - begin);
        ASSERT_TRUE(std::ranges::equal(part.body, wanted)) << begin;
    }
    EXPECT_EQ(whole({{"Range", fmt::format("bytes={}-", size)}}).status, 416);
    EXPECT_EQ(whole({{"Range", "bytes=1-2"}, {"If-Range", "\"other\""}}).status, 200);
}

TEST_F(ArchiveExported, a_fragment_that_is_damaged_ends_it_where_it_is) {
    record(75);
    const Fetched before = whole();
    const archive::Listing found = listing();
    const auto file = archive::open_file(folder_, found.fragments[1].file);
    const std::array harm{std::byte{0xFF}};
    ASSERT_TRUE(file->write(found.fragments[1].fragment.offset + found.fragments[1].fragment.size / 2, harm));
    const Fetched cut = whole();
    EXPECT_LT(cut.body.size(), before.body.size());
    EXPECT_TRUE(std::ranges::equal(cut.body, ByteSpan{before.body}.first(cut.body.size())));
    const Fetched without = whole();
    EXPECT_EQ(without.status, 200);
    EXPECT_EQ(mp4::samples::read_file(without.body).units_of(0).size(), 50U) << "it is a gap from now on";
}

TEST_F(ArchiveExported, case_95_retention_meanwhile_ends_it_early_and_never_gives_other_data) {
    camera_.picture_size = 10'000;
    record(75);
    const Fetched before = whole();
    ASSERT_GT(before.body.size(), 500'000U);
    auto [ours, theirs] = virtual_connection(home_, far_side_);
    home_.run([&] { home_.tasks().spawn(ask_whole(*this, std::move(ours))); });
    world_.time.run_for(1s);
    keeper_.use({.bytes_max = 1});
    keeper_.tend();
    world_.time.run_for(1s);
    EXPECT_TRUE(listing().fragments.empty());
    camera_.picture_size = 9'000;
    record(75, "1800000100-00000002");
    const std::vector<std::byte> heard = read_slowly(*theirs);
    const std::size_t head = as_text(heard).find("\r\n\r\n") + 4;
    const ByteSpan body = ByteSpan{heard}.subspan(head);
    EXPECT_GT(body.size(), 0U);
    EXPECT_LT(body.size(), before.body.size());
    EXPECT_TRUE(std::ranges::equal(body, ByteSpan{before.body}.first(body.size())));
}

TEST_F(ArchiveExported, what_is_not_there_is_told) {
    EXPECT_EQ(whole().status, 404);
    record(50);
    EXPECT_EQ(get(route_, "/live/cam/archive.mp4", "from=noon").status, 400);
    EXPECT_EQ(get(route_, "/live/cam/archive.mp4", "to=2001-01-01T00:00:00Z").status, 404);
    EXPECT_EQ(get(route_, "/live/other/archive.mp4").status, 404);
}

}   // namespace
}   // namespace millrace::session
