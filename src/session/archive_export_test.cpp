#include "session/archive_export.hpp"

#include "base/date_time.hpp"
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

    web::Route route_ = archive_play(desk_, {keeper_, stills_, exports_});
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
    EXPECT_EQ(exports_.planned(), 1U);
    EXPECT_EQ(whole({{"Range", fmt::format("bytes={}-", size)}}).status, 416);
    EXPECT_EQ(whole({{"Range", "bytes=1-2"}, {"If-Range", "\"other\""}}).status, 200);
}

TEST_F(ArchiveExported, a_picture_that_is_damaged_ends_it_where_it_is_and_is_then_a_gap) {
    record(75);
    const Fetched before = whole();
    const archive::Fragment harmed = listing().fragments[1].fragment;
    const auto file = archive::open_file(folder_, listing().fragments[1].file);
    const std::array harm{std::byte{0xFF}};
    ASSERT_TRUE(file->write(harmed.offset + harmed.size - 2, harm));   // of the last unit's bytes
    const Fetched cut = whole();
    EXPECT_LT(cut.body.size(), before.body.size());
    EXPECT_TRUE(std::ranges::equal(cut.body, ByteSpan{before.body}.first(cut.body.size())));
    const Fetched without = whole();
    EXPECT_EQ(without.status, 200);
    EXPECT_NE(without.header("ETag"), before.header("ETag"));
    EXPECT_EQ(mp4::samples::read_file(without.body).units_of(0).size(), 50U) << "it is a gap from now on";
}

TEST_F(ArchiveExported, what_is_damaged_in_front_of_its_pictures_is_left_out_at_once) {
    record(75);
    const archive::Listing found = listing();
    const auto file = archive::open_file(folder_, found.fragments[1].file);
    const std::array harm{std::byte{0xFF}};
    ASSERT_TRUE(file->write(found.fragments[1].fragment.offset + 30, harm));
    const Fetched without = whole();
    EXPECT_EQ(without.status, 200);
    const mp4::samples::Read read = mp4::samples::read_file(without.body);
    EXPECT_EQ(read.error, "");
    EXPECT_EQ(read.units_of(0).size(), 50U);
    EXPECT_EQ(listing().fragments.size(), 2U);
}

/// What a player of progressive files makes of one: each sample of a track where its tables say it is.
struct Tabled {
    std::vector<std::vector<std::byte>> samples;
    std::int64_t shown_from = 0;   // the track's edit: ticks of the track behind the first sample's
    std::int64_t shown = 0;        // ticks of 90 kHz
};
Tabled read_tables(ByteSpan file, ByteSpan trak) {
    Tabled found;
    const auto table = [trak](mp4::FourCc type) {
        ByteReader reader{mp4::samples::find(trak, type)};
        reader.skip(4);
        return reader;
    };
    ByteReader edits{mp4::samples::find(trak, mp4::four_cc("edts"))};
    edits.skip(mp4::box_header_size + 4);   // elst in it
    for (std::uint32_t left = edits.u32(); left > 0; --left) {
        found.shown = static_cast<std::int64_t>(edits.u64());
        found.shown_from = static_cast<std::int64_t>(edits.u64());
        edits.skip(4);
    }
    ByteReader sizes = table(mp4::four_cc("stsz"));
    sizes.skip(8);
    ByteReader rows = table(mp4::four_cc("stsc"));
    std::uint32_t rows_left = rows.u32();
    std::uint32_t first = rows.u32();
    std::uint32_t count = 0;
    ByteReader offsets = table(mp4::four_cc("co64"));
    const std::uint32_t chunks = offsets.u32();
    for (std::uint32_t chunk = 1; chunk <= chunks; ++chunk) {
        if (rows_left > 0 && chunk == first) {
            count = rows.u32();
            rows.skip(4);
            first = --rows_left > 0 ? rows.u32() : 0;
        }
        auto at = static_cast<std::size_t>(offsets.u64());
        for (std::uint32_t sample = 0; sample < count; ++sample) {
            const std::size_t size = sizes.u32();
            const ByteSpan bytes = file.subspan(at, size);
            found.samples.emplace_back(bytes.begin(), bytes.end());
            at += size;
        }
    }
    EXPECT_TRUE(sizes.ok() && sizes.at_end() && offsets.ok() && offsets.at_end());
    return found;
}

TEST_F(ArchiveExported, row_2_25_its_tables_say_where_each_sample_is_and_its_edits_what_is_shown) {
    record(100);
    const archive::Listing found = listing();
    const std::int64_t begin = found.fragments[0].fragment.utc.microseconds;
    const auto at = [begin](std::int64_t ms) { return date_time_text({begin + ms * 1000}); };
    const Fetched part = get(route_, "/live/cam/archive.mp4", "from=" + at(1500) + "&to=" + at(2500));
    ASSERT_EQ(part.status, 200);
    EXPECT_EQ(mp4::samples::read_file(part.body).error, "");
    std::vector<Tabled> tracks;
    mp4::BoxPath path;
    (void)mp4::for_each_box(mp4::samples::find(part.body, mp4::four_cc("moov")), path,
                            [&](const mp4::Box& box) -> Result<> {
                                if (box.type == mp4::four_cc("trak")) {
                                    tracks.push_back(read_tables(part.body, box.body));
                                }
                                return {};
                            });
    ASSERT_EQ(tracks.size(), 2U);
    const std::vector<media::AccessUnitRef> pictures = sent(media::Kind::video);
    // From the key frame at 1 s to what is decoded before 2.5 s; shown from the picture at 1.52 s on.
    EXPECT_GE(tracks[0].samples.size(), 38U);
    EXPECT_LT(tracks[0].samples.size(), 45U) << "what comes after is left out";
    for (std::size_t i = 0; i < tracks[0].samples.size(); ++i) {
        EXPECT_TRUE(std::ranges::equal(tracks[0].samples[i], pictures[25 + i]->payload)) << i;
    }
    EXPECT_EQ(tracks[0].shown_from, 13 * 3600);
    EXPECT_EQ(tracks[0].shown, (2500 - 1520) * 90);
    EXPECT_LE(std::abs(tracks[1].shown - tracks[0].shown), 2);
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

TEST_F(ArchiveExported, exports_have_so_much_room_together_and_give_it_back) {
    record(50);
    EXPECT_EQ(whole().status, 200);
    EXPECT_GT(desk_.export_bytes, 0U) << "the plan is kept for whoever goes on";
    world_.time.run_for(ExportPlans::kept_for);
    EXPECT_EQ(desk_.export_bytes, 0U);
    desk_.export_bytes = ExportRoom::bytes_max - 100;
    const Fetched refused = whole();
    EXPECT_EQ(refused.status, 503);
    EXPECT_NE(refused.text().find("too much is exported at once"), std::string::npos) << refused.text();
    EXPECT_EQ(desk_.export_bytes, ExportRoom::bytes_max - 100);
}

TEST_F(ArchiveExported, who_goes_on_or_seeks_does_not_pay_for_all_heads_again) {
    record(50);
    const Fetched all = whole();
    for (std::size_t begin = 0; begin < 10'000; begin += 500) {
        world_.time.run_for(30s);
        const Fetched one =
            whole({{"Range", fmt::format("bytes={}-", begin)}, {"If-Range", all.header("ETag")}});
        ASSERT_EQ(one.status, 206);
        EXPECT_TRUE(std::ranges::equal(one.body, ByteSpan{all.body}.subspan(begin))) << begin;
    }
    EXPECT_EQ(exports_.planned(), 1U);
    // Another time, and a time of which more is there now, are other plans, of which some are kept.
    const WallTime begin = listing().fragments[0].fragment.utc;
    WallTime to{begin.microseconds + 1'000'000};
    for (std::size_t other = 0; other <= ExportPlans::kept_max; ++other) {
        to.microseconds += 1000;
        EXPECT_EQ(get(route_, "/live/cam/archive.mp4", "to=" + date_time_text(to)).status, 200);
    }
    EXPECT_EQ(exports_.planned(), 2U + ExportPlans::kept_max);
    camera_.restart();
    record(50, "1800000063-00000002");
    EXPECT_GT(whole().body.size(), all.body.size());
    EXPECT_EQ(exports_.planned(), 3U + ExportPlans::kept_max);
    // Who needs the room has it before what is only kept.
    const std::size_t kept = desk_.export_bytes;
    desk_.export_bytes += ExportRoom::bytes_max - ArchiveExport::tables_size_max;
    EXPECT_EQ(get(route_, "/live/cam/archive.mp4", "from=" + date_time_text(begin)).status, 200);
    EXPECT_LT(desk_.export_bytes, ExportRoom::bytes_max - ArchiveExport::tables_size_max + kept);
    desk_.export_bytes -= ExportRoom::bytes_max - ArchiveExport::tables_size_max;
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
