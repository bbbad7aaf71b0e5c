#include "archive/index.hpp"

#include "archive/files_for_tests.hpp"

namespace millrace::archive {
namespace {

constexpr std::int64_t start = 1'800'000'000'000'000;

FileRow row(std::uint64_t id, std::int64_t second, std::int64_t seconds = 10) {
    return {.id = id,
            .facts = facts(),
            .seal_cause = {},
            .init = Bytes::copy("init"),
            .state = FileState::sealed,
            .begin = {start + second * 1'000'000},
            .end = {start + (second + seconds) * 1'000'000},
            .bytes = 1000};
}

std::vector<Fragment> fragments(std::int64_t second, std::int64_t count = 10) {
    std::vector<Fragment> all;
    for (std::int64_t at = 0; at < count; ++at) {
        all.push_back({.number = static_cast<std::uint64_t>(second + at),
                       .offset = static_cast<std::uint64_t>(at) * 100,
                       .size = 100,
                       .utc = {start + (second + at) * 1'000'000},
                       .media_us = (second + at) * 1'000'000,
                       .duration_us = 1'000'000,
                       .key = true});
    }
    return all;
}

Span span(std::int64_t from, std::int64_t to) {
    return {{start + from * 1'000'000}, {start + to * 1'000'000}};
}

class IndexTest : public testing::Test {
protected:
    VirtualFolder folder_;
    SeededRandom random_{1};
};

TEST_F(IndexTest, finds_fragments_by_time_over_files) {
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    ASSERT_TRUE(index.put_file(row(1, 0), fragments(0)));
    ASSERT_TRUE(index.put_file(row(2, 10), fragments(10)));
    const auto found = index.fragments("live/cam", span(8, 12), 100);
    ASSERT_TRUE(found);
    ASSERT_EQ(found->size(), 4U);
    EXPECT_EQ(found->front().fragment, fragments(0)[8]);
    EXPECT_EQ((*found)[2].file, 2U);
    EXPECT_TRUE((*found)[2].file_begins);
    EXPECT_FALSE((*found)[3].file_begins);
    EXPECT_EQ(index.fragments("live/cam", span(0, 20), 5)->size(), 5U);
    EXPECT_TRUE(index.fragments("live/ca", span(0, 20), 5)->empty());
    EXPECT_EQ((*index.fragment(2, 13))->fragment, fragments(10)[3]);
    EXPECT_FALSE(*index.fragment(1, 13));
    EXPECT_EQ((*index.newest("live/cam"))->end, row(2, 10).end);
    EXPECT_EQ((*index.file(2))->init, Bytes::copy("init"));
}

TEST_F(IndexTest, row_0_20_f10_knows_the_newest_number_of_each_stream_whatever_time_it_had) {
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    EXPECT_TRUE(index.last_numbers()->empty());
    ASSERT_TRUE(index.put_file(row(1, 0), fragments(0)));
    ASSERT_TRUE(index.put_file(row(2, 10), fragments(10)));
    FileRow cut = row(3, 20);   // nothing of it became sure
    ASSERT_TRUE(index.put_file(cut, {}));
    FileRow imported = row(4, 5'000);
    imported.facts.run = "1800000000-1a2b3c4d-import";
    ASSERT_TRUE(index.put_file(imported, fragments(5'000)));
    FileRow earlier = row(5, -3'600);   // the clock was set back
    earlier.facts.stream = "live/other";
    ASSERT_TRUE(index.put_file(earlier, fragments(7)));
    const std::map<std::string, std::uint64_t> last{{"live/cam", 19}, {"live/other", 16}};
    EXPECT_EQ(*index.last_numbers(), last);
}

TEST_F(IndexTest, has_what_was_put_after_a_crash_of_the_process) {
    {
        Index index{folder_, random_};
        ASSERT_TRUE(index.open());
        ASSERT_TRUE(index.put_file(row(1, 0), fragments(0)));
        EXPECT_TRUE(folder_.has("index-wal"));
        folder_.dies_at = folder_.calls;   // it has no time to close
    }
    folder_.restart();
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    EXPECT_EQ(*index.fragment_count(), 10U);
    EXPECT_EQ(*index.integrity(), "");
}

TEST_F(IndexTest, is_sound_after_a_power_cut_at_any_call) {
    bool finished = false;
    for (std::uint64_t at = 0; !finished; ++at) {
        VirtualFolder folder;
        SeededRandom chance{at};
        folder.dies_at = at;
        {
            Index index{folder, chance};
            Result<> done = index.open();
            for (std::uint64_t id = 1; done && id < 6; ++id) {
                const auto second = static_cast<std::int64_t>(id) * 10;
                done = index.put_file(row(id, second), fragments(second));
            }
            finished = done.has_value();
        }
        folder.cut_power(chance);
        Index index{folder, chance};
        ASSERT_TRUE(index.open()) << at;
        EXPECT_EQ(*index.integrity(), "") << at;
        EXPECT_EQ(*index.fragment_count() % 10, 0U) << at;   // a file's rows come together
    }
}

TEST_F(IndexTest, takes_what_retention_took_as_one_gap) {
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    const auto at = [](std::int64_t second) { return WallTime{start + second * 1'000'000}; };
    ASSERT_TRUE(index.add_gap("live/cam", {at(10), at(20), "crash"}));
    ASSERT_TRUE(index.add_gap("live/cam", {at(50), at(60), "disk full"}));
    for (const FileRow& taken : {row(1, 0), row(2, 20)}) {
        ASSERT_TRUE(index.put_file(taken, {}));
        ASSERT_TRUE(index.note_retention(taken));
        ASSERT_TRUE(index.remove_file(taken.id));
    }
    const auto gaps = index.gaps("live/cam", span(0, 100), 10);
    ASSERT_TRUE(gaps);
    ASSERT_EQ(gaps->size(), 2U);
    EXPECT_EQ(gaps->front(), (Gap{at(0), at(30), "retention"}));
    EXPECT_EQ(gaps->back(), (Gap{at(50), at(60), "disk full"}));
}

TEST_F(IndexTest, tells_no_gap_of_a_file_that_stays_between_two_that_retention_took) {
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    for (std::uint64_t id = 1; id <= 4; ++id) {
        ASSERT_TRUE(index.put_file(row(id, static_cast<std::int64_t>(id) * 10), {}));
    }
    const auto take = [&](std::uint64_t id) {
        EXPECT_TRUE(index.note_retention(row(id, static_cast<std::int64_t>(id) * 10)));
        EXPECT_TRUE(index.remove_file(id));
        std::string text;
        for (const Gap& gap : *index.gaps("live/cam", span(0, 100), 10)) {
            text += fmt::format("{}-{} ", (gap.begin.microseconds - start) / 1'000'000,
                                (gap.end.microseconds - start) / 1'000'000);
        }
        return text;
    };
    EXPECT_EQ(take(1), "10-20 ");
    EXPECT_EQ(take(3), "10-20 30-40 ");
    EXPECT_EQ(take(4), "10-20 30-50 ");
    EXPECT_EQ(take(2), "10-50 ") << "what was pinned for a while";
}

TEST_F(IndexTest, case_93_f25_finds_one_changed_byte_anywhere_in_it) {
    {
        Index index{folder_, random_};
        ASSERT_TRUE(index.open());
        for (std::uint64_t id = 1; id <= 12; ++id) {
            const auto second = static_cast<std::int64_t>(id) * 10;
            ASSERT_TRUE(index.put_file(row(id, second), fragments(second)));
            ASSERT_TRUE(index.add_gap("live/cam", {{start + second}, {start + second + 1}, "crash"}));
        }
    }
    ASSERT_FALSE(folder_.has("index-wal"));
    const std::size_t size = folder_.bytes("index").size();
    ASSERT_EQ(size % SqliteFolder::page_size, 0U);
    for (std::size_t at = 0; at < size; at += 13) {
        const auto before = folder_.bytes("index");
        folder_.bytes("index")[at] ^= std::byte{0x10};
        {
            Index index{folder_, random_};
            const Result<> opened = index.open();
            const bool found = !opened || !index.integrity() || !index.integrity()->empty();
            EXPECT_TRUE(found) << "byte " << at;
        }
        folder_.bytes("index") = before;
    }
    Index index{folder_, random_};
    ASSERT_TRUE(index.open());
    EXPECT_EQ(*index.integrity(), "");
    EXPECT_EQ(*index.fragment_count(), 120U);
}

TEST_F(IndexTest, says_when_it_is_damaged) {
    {
        Index index{folder_, random_};
        ASSERT_TRUE(index.open());
        ASSERT_TRUE(index.put_file(row(1, 0), fragments(0)));
    }
    folder_.bytes("index")[2] ^= std::byte{1};
    Index index{folder_, random_};
    const Result<> opened = index.open();
    ASSERT_FALSE(opened);
    EXPECT_EQ(opened.error().code, Errc::malformed);
    ASSERT_TRUE(index.begin_anew());
    EXPECT_EQ(*index.fragment_count(), 0U);
}

}   // namespace
}   // namespace millrace::archive
