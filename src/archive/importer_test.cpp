#include "archive/importer.hpp"

#include "archive/archive.hpp"
#include "archive/files_for_tests.hpp"
#include "archive/units_for_tests.hpp"
#include "container/mp4_init.hpp"

#include <algorithm>

namespace millrace::archive {
namespace {

constexpr std::int64_t start = 1'800'000'000'000'000;
constexpr std::int64_t second = 1'000'000;
constexpr Span always{{0}, {INT64_MAX / 4}};

/// A file of so many pictures of 40 ms that begin at that second, and the units that are in it.
struct Film {
    explicit Film(int pictures, std::int64_t from_s = 0, bool with_times = true) {
        TestCamera camera;
        const std::vector<media::Track> tracks{camera.video, camera.audio};
        const Bytes init = mp4::init_segment(tracks, mp4::ParameterSets::in_entry);
        bytes.assign(init.begin(), init.end());
        Chunker chunker;
        for (int picture = 0; picture < pictures; ++picture) {
            const WallTime utc{with_times ? start + from_s * second + picture * 40'000 : 0};
            for (const media::AccessUnitRef& unit : camera.next(utc)) {
                units.push_back(unit);
                chunker.take(unit);
            }
        }
        chunker.finish();
        while (const auto made = chunker.next()) {
            bytes.insert(bytes.end(), made->chunk.bytes.begin(), made->chunk.bytes.end());
        }
    }
    std::vector<std::byte> bytes;
    std::vector<media::AccessUnitRef> units;
};

class ImporterTest : public testing::Test {
protected:
    ImporterTest() { EXPECT_TRUE(archive_.open()); }

    struct Done {
        int kept = 0;
        int left_out = 0;
        std::string error;
    };
    Done import(ByteSpan file, std::optional<WallTime> from = {}) {
        Done done;
        Importer importer{"live/cam", from, ++imports_};
        const auto keep = [&] {
            while (auto one = importer.next()) {
                const Span span = one->span;
                const Result<bool> kept = archive_.import("live/cam", span, importer.batch(std::move(*one)));
                EXPECT_TRUE(kept);
                if (kept.value_or(false)) {
                    ++done.kept;
                } else {
                    importer.left_out();
                    ++done.left_out;
                }
            }
        };
        Result<> read;
        while (read && !file.empty()) {
            ByteSpan piece = file.first(std::min<std::size_t>(file.size(), 700));
            file = file.subspan(piece.size());
            while (read && !piece.empty()) {
                read = importer.read(piece);
                keep();
            }
        }
        read = read ? importer.finish() : read;
        keep();
        EXPECT_TRUE(archive_.import("live/cam", {}, importer.end()));
        done.error = read ? "" : std::string{read.error().what};
        return done;
    }
    Listing listing() {
        const auto found = archive_.list("live/cam", always);
        EXPECT_TRUE(found);
        return found.value_or(Listing{});
    }
    std::vector<media::AccessUnit> recorded() {
        std::vector<media::AccessUnit> units;
        for (const FoundFragment& one : listing().fragments) {
            const auto init = archive_.init("live/cam", one.file);
            const auto chunks = archive_.read("live/cam", one.file, one.fragment.number);
            EXPECT_TRUE(init && chunks);
            const auto read = mp4::samples::read_file(mp4::samples::joined({*init, *chunks}));
            EXPECT_EQ(read.error, "");
            units.insert(units.end(), read.units.begin(), read.units.end());
        }
        return units;
    }
    static std::vector<Bytes> payloads(const auto& units, media::Kind kind) {
        std::vector<Bytes> all;
        for (const auto& unit : units) {
            if constexpr (requires { unit.payload; }) {
                if (unit.kind() == kind) {
                    all.push_back(unit.payload);
                }
            } else if (unit->kind() == kind) {
                all.push_back(unit->payload);
            }
        }
        return all;
    }

    VirtualTime time_;
    VirtualFolder folder_;
    SeededRandom random_{1};
    Archive archive_{{.folder = folder_, .random = random_, .clock = time_}};
    std::uint64_t imports_ = 0;
};

TEST_F(ImporterTest, keeps_every_unit_once_at_its_time) {
    const Film film{200};
    const Done done = import(film.bytes);
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(done.left_out, 0);
    const std::vector<media::AccessUnit> units = recorded();
    for (const media::Kind kind : {media::Kind::video, media::Kind::audio}) {
        EXPECT_EQ(payloads(units, kind), payloads(film.units, kind));
    }
    const Listing found = listing();
    EXPECT_EQ(static_cast<int>(found.fragments.size()), done.kept);
    EXPECT_FALSE(found.recording);
    EXPECT_TRUE(found.gaps.empty());
    EXPECT_EQ(found.fragments.front().fragment.utc, WallTime{start});
    const Fragment& last = found.fragments.back().fragment;
    EXPECT_NEAR(static_cast<double>(last.utc.microseconds + last.duration_us), start + 8.0 * second, 50'000);
    EXPECT_TRUE(std::ranges::all_of(found.fragments, [](const auto& one) { return one.fragment.key; }));
}

TEST_F(ImporterTest, a_time_before_1970_is_refused_in_words_and_one_to_come_is_kept) {
    constexpr std::int64_t year_s = 365 * 86'400;
    const Film before{100, -start / second - year_s};
    const Done refused = import(before.bytes);
    EXPECT_EQ(refused.error, "the file does not say when it was recorded; say from=TIME");
    EXPECT_EQ(refused.kept, 0);
    EXPECT_EQ(import(before.bytes, WallTime{start}).error, "") << "it is told when it was";
    const Film to_come{100, 20 * year_s};
    EXPECT_EQ(import(to_come.bytes).error, "");
    const Listing found = listing();
    ASSERT_FALSE(found.fragments.empty());
    EXPECT_EQ(found.fragments.front().fragment.utc.microseconds, start);
    EXPECT_GE(found.fragments.back().fragment.utc.microseconds, start + 20 * year_s * second);
    EXPECT_EQ(recorded().size(), before.units.size() + to_come.units.size());
}

TEST_F(ImporterTest, the_same_again_changes_nothing) {
    const Film film{200};
    const Done first = import(film.bytes);
    const std::uint64_t revision = listing().revision;
    const Done again = import(film.bytes);
    EXPECT_EQ(again.kept, 0);
    EXPECT_EQ(again.left_out, first.kept);
    EXPECT_EQ(listing().fragments.size(), static_cast<std::size_t>(first.kept));
    EXPECT_EQ(listing().revision, revision);
}

TEST_F(ImporterTest, fills_what_is_missing_and_leaves_alone_what_is_there) {
    import(Film{100}.bytes);
    import(Film{100, 20}.bytes);
    EXPECT_TRUE(archive_.index().add_gap("live/cam",
                                         {{start + 4 * second}, {start + 20 * second}, "publisher gone"}));
    const std::uint64_t before = listing().revision;
    const Done done = import(Film{600}.bytes);
    EXPECT_GT(done.kept, 0);
    EXPECT_GT(done.left_out, 0);
    const Listing found = listing();
    EXPECT_NE(found.revision, before) << "a list never changes what it has listed";
    for (std::size_t at = 1; at < found.fragments.size(); ++at) {
        const Fragment& one = found.fragments[at - 1].fragment;
        EXPECT_LT(one.utc.microseconds + one.duration_us,
                  found.fragments[at].fragment.utc.microseconds + 250'000)
            << at;
    }
    for (const Gap& gap : found.gaps) {
        EXPECT_LT(gap.end.microseconds - gap.begin.microseconds, 3 * second) << "the rest is there now";
    }
}

TEST_F(ImporterTest, a_recording_under_way_goes_on) {
    const ProgressRef progress = std::make_shared<Progress>();
    std::vector<BatchItem> items{BeginFile{facts(), Bytes::copy("init")}};
    items.emplace_back(chunk(0, {start + 3600 * second}));
    archive_.write({.stream = "live/cam", .items = std::move(items), .progress = progress});
    import(Film{100}.bytes);
    EXPECT_TRUE(listing().recording);
    items.clear();
    items.emplace_back(chunk(1, {start + 3600 * second}));
    items.emplace_back(EndFile{"publisher gone"});
    archive_.write({.stream = "live/cam", .items = std::move(items), .progress = progress});
    EXPECT_EQ(progress->acknowledged, 2U);
    EXPECT_FALSE(listing().recording);
    EXPECT_EQ(listing().fragments.back().fragment.number, 1000U);
}

TEST_F(ImporterTest, a_file_that_does_not_say_when_it_was_needs_to_be_told) {
    const Film film{100, 0, false};
    const Done refused = import(film.bytes);
    EXPECT_EQ(refused.error, "the file does not say when it was recorded; say from=TIME");
    EXPECT_EQ(refused.kept, 0);
    const Done done = import(film.bytes, WallTime{start});
    EXPECT_EQ(done.error, "");
    EXPECT_EQ(listing().fragments.front().fragment.utc, WallTime{start});
}

TEST_F(ImporterTest, survives_a_new_start_without_an_index) {
    const Done done = import(Film{200}.bytes);
    archive_.close("node stopped");
    ASSERT_TRUE(folder_.remove("index"));
    ASSERT_TRUE(archive_.open());
    EXPECT_EQ(static_cast<int>(listing().fragments.size()), done.kept);
    EXPECT_GT(listing().revision, 1U);
}

TEST_F(ImporterTest, of_a_file_that_is_cut_what_is_whole_is_kept) {
    const Film film{75};
    for (std::size_t size = 0; size < film.bytes.size(); size += 1 + film.bytes.size() / 40) {
        Importer importer{"live/cut", {}, size};
        ByteSpan file = ByteSpan{film.bytes}.first(size);
        Result<> read;
        std::size_t units = 0;
        while (read && !file.empty()) {
            read = importer.read(file);
            while (const auto one = importer.next()) {
                units += one->chunks.size();
            }
        }
        EXPECT_TRUE(read) << size;
        (void)importer.finish();
        EXPECT_LE(units, film.units.size());
    }
}

TEST_F(ImporterTest, case_90_what_is_no_fragmented_mp4_is_refused_in_words) {
    for (const std::string_view text : {"", "hello, world: this is no film", "\0\0\0\1moov"}) {
        const Done done = import(as_bytes(text));
        EXPECT_NE(done.error, "") << text;
        EXPECT_EQ(done.kept, 0);
    }
}

}   // namespace
}   // namespace millrace::archive
