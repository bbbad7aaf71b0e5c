#include "archive/archive.hpp"

#include "archive/files_for_tests.hpp"

#include <algorithm>

namespace millrace::archive {
namespace {

constexpr WallTime always_from{0};
constexpr WallTime always_to{INT64_MAX / 2};

/// A machine whose disk may die, be full or fail, and what was acknowledged on it.
class Machine {
public:
    explicit Machine(std::uint64_t seed) : chance{seed} {}

    VirtualTime time;
    VirtualFolder folder;
    SeededRandom chance;
    std::optional<Archive> archive;
    bool acknowledges_early = false;

    Result<> start() {
        archive.emplace(Archive::Seams{
            .folder = folder, .random = chance, .clock = time, .acknowledges_early = acknowledges_early});
        progress = std::make_shared<Progress>();
        given.clear();
        return archive->open();
    }
    /// Records so many chunks of 200 ms into one file, or until the disk is in trouble.
    void record(std::uint64_t chunks, std::string cause = {}) {
        place += (5 - place % 5) % 5;   // a file begins with a fragment
        std::vector<BatchItem> items{BeginFile{facts("live/cam", std::move(cause)), Bytes::copy("init")}};
        for (; chunks > 0 && progress->trouble == Progress::Trouble::none; --chunks) {
            given.push_back(place);
            items.emplace_back(chunk(place++));
            archive->write({.stream = "live/cam", .items = std::exchange(items, {}), .progress = progress});
            time.run_for(200ms);
            archive->tend();
        }
        note_acknowledged();
    }
    void note_acknowledged() {
        const auto sure = static_cast<std::size_t>(progress->acknowledged.exchange(0));
        check(sure <= given.size(), "what was never given cannot be acknowledged");
        acknowledged.insert(acknowledged.end(), given.begin(),
                            given.begin() + static_cast<std::ptrdiff_t>(sure));
        given.erase(given.begin(), given.begin() + static_cast<std::ptrdiff_t>(sure));
        if (progress->trouble != Progress::Trouble::none) {
            given.clear();   // of a file that was given up
        }
    }
    /// What is recorded, by chunks' places. Every fragment that is listed can be read, as it was written.
    std::vector<std::uint64_t> recorded() {
        std::vector<std::uint64_t> places;
        const auto listing = archive->list("live/cam", {always_from, always_to});
        EXPECT_TRUE(listing);
        for (const FoundFragment& one : listing->fragments) {
            const auto bytes = archive->read("live/cam", one.file, one.fragment.number);
            EXPECT_TRUE(bytes) << one.fragment.number;
            if (!bytes) {
                continue;
            }
            const std::uint64_t first = (one.fragment.number - 1000) * 5;
            for (std::size_t at = 0; at * 40 < bytes->size(); ++at) {
                EXPECT_EQ(bytes->slice(at * 40, 40), Bytes{body(first + at)});
                places.push_back(first + at);
            }
        }
        return places;
    }
    /// Acknowledged chunks that are not there.
    std::vector<std::uint64_t> missing() {
        const std::vector<std::uint64_t> there = recorded();
        EXPECT_TRUE(std::ranges::is_sorted(there)) << "order, and nothing twice";
        EXPECT_EQ(std::ranges::adjacent_find(there), there.end());
        std::vector<std::uint64_t> lost;
        std::ranges::set_difference(acknowledged, there, std::back_inserter(lost));
        return lost;
    }
    std::string gaps() {
        std::string text;
        for (const Gap& gap : archive->list("live/cam", {always_from, always_to})->gaps) {
            text += (text.empty() ? "" : ", ") + gap.cause;
        }
        return text;
    }
    void seal(std::string cause) {
        archive->write({.stream = "live/cam", .items = {EndFile{std::move(cause)}}, .progress = progress});
        note_acknowledged();
    }

    ProgressRef progress;
    std::uint64_t place = 0;
    std::vector<std::uint64_t> given;   // and not yet acknowledged
    std::vector<std::uint64_t> acknowledged;
};

TEST(Archive, plays_what_was_recorded_in_order_over_files) {
    Machine machine{1};
    ASSERT_TRUE(machine.start());
    machine.record(12);
    machine.record(10);
    machine.seal("publisher gone");
    EXPECT_EQ(machine.recorded().size(), 22U);
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
    EXPECT_EQ(*machine.archive->init("live/cam", 1), Bytes::copy("init"));
    EXPECT_FALSE(machine.archive->init("live/other", 1));
    EXPECT_EQ(machine.archive->read("live/other", 1, 1000).error().code, Errc::not_found);
}

// F3: what was written is there; F1: and at once.
TEST(Archive, names_a_short_gap_whose_cause_the_file_before_it_says) {
    Machine machine{1};
    ASSERT_TRUE(machine.start());
    machine.record(5);
    machine.archive->write({.stream = "live/cam",
                            .items = {EndFile{std::string{cause::switched_off}}},
                            .progress = machine.progress});
    machine.place += 5;   // one second of the run
    machine.record(10);
    EXPECT_EQ(machine.gaps(), "recording switched off");
    machine.archive->close("node stopped");
    machine.folder.forget("index");
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.gaps(), "recording switched off") << "the files say so, too";
}

TEST(Archive, names_the_gap_before_a_file_whose_first_chunk_comes_behind_its_first_sync) {
    Machine machine{1};
    ASSERT_TRUE(machine.start());
    machine.record(5);
    machine.seal("publisher gone");
    machine.place += 100;
    machine.archive->write({.stream = "live/cam",
                            .items = {BeginFile{facts("live/cam"), Bytes::copy("init")}},
                            .progress = machine.progress});
    machine.time.run_for(2 * Archive::sync_every);
    machine.archive->tend();
    machine.given.push_back(machine.place);
    machine.archive->write(
        {.stream = "live/cam", .items = {chunk(machine.place)}, .progress = machine.progress});
    machine.seal("");
    EXPECT_EQ(machine.gaps(), "publisher gone");
}

TEST(Archive, case_f3_loses_nothing_that_was_written_when_the_process_is_killed) {
    Machine machine{2};
    ASSERT_TRUE(machine.start());
    machine.record(13);
    machine.folder.dies_at = machine.folder.calls;
    machine.archive.reset();
    machine.folder.restart();
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.archive->recovered(), 1U);
    EXPECT_EQ(machine.recorded().size(), 13U);
    machine.time.run_for(10s);
    machine.place += 50;
    machine.record(5);
    machine.seal("");
    EXPECT_EQ(machine.gaps(), "crash");
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.archive->recovered(), 0U) << "a file is recovered once";
}

/// How many of the seeds lose something that was acknowledged, when the power goes at a call that the seed
/// draws, three times in a row.
std::uint64_t seeds_that_lose(std::uint64_t count, bool acknowledges_early) {
    std::uint64_t bad = 0;
    for (std::uint64_t seed = 1; seed <= count; ++seed) {
        Machine machine{seed};
        machine.acknowledges_early = acknowledges_early;
        bool lost = false;
        for (int life = 0; life < 3; ++life) {
            machine.folder.dies_at = machine.folder.calls + 1 + machine.chance.below(90);
            if (machine.start()) {
                machine.record(8 + machine.chance.below(20));
                machine.record(8);
            }
            machine.folder.dies_at = machine.folder.calls;
            machine.archive.reset();
            machine.folder.cut_power(machine.chance);
            const Result<> back = machine.start();
            EXPECT_TRUE(back) << seed << ": " << (back ? "" : back.error().what);
            const std::vector<std::uint64_t> missing = machine.missing();
            if (!acknowledges_early && !missing.empty()) {
                ADD_FAILURE() << "seed " << seed << ", life " << life << ": " << missing.size()
                              << " chunks from " << missing.front() << " on are lost";
            }
            lost = lost || !missing.empty();
            machine.place += 20;
        }
        bad += lost ? 1 : 0;
    }
    return bad;
}

TEST(Archive, case_f4_keeps_what_it_acknowledged_through_power_cuts) {
    EXPECT_EQ(seeds_that_lose(200, false), 0U);
}

// The proof that the test above can see anything.
TEST(Archive, case_f4_the_same_test_finds_an_archive_that_acknowledges_before_the_sync) {
    EXPECT_GT(seeds_that_lose(40, true), 0U);
}

TEST(Archive, case_f7_lives_through_an_error_at_any_call) {
    constexpr std::uint64_t calls_max = 500;   // a life has fewer, as the end shows
    std::uint64_t at = 0;
    for (bool failed = true; failed; ++at) {
        ASSERT_LT(at, calls_max);
        Machine machine{at + 1};
        machine.folder.fails_at = at;
        machine.folder.failure =
            at % 2 == 0 ? Error{Errc::io, "the disk failed"} : Error{Errc::exhausted, "the disk is full"};
        if (!machine.start()) {
            machine.folder.fails_at.reset();
            ASSERT_TRUE(machine.start()) << at;
        }
        machine.record(12);
        if (machine.progress->trouble.exchange(Progress::Trouble::none) != Progress::Trouble::none) {
            machine.record(12, "disk failed");
        }
        machine.seal("publisher gone");
        failed = machine.folder.calls > at;
        machine.folder.fails_at.reset();
        EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{}) << at;
        ASSERT_TRUE(machine.start()) << at;
        EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{}) << at;
    }
    EXPECT_GT(at, 50U) << "calls that may fail";
}

TEST(Archive, case_f5_stops_when_the_disk_is_full_and_names_the_gap_when_it_goes_on) {
    Machine machine{3};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.free_min = 0});
    machine.record(10);
    machine.folder.limits.size_max = machine.folder.used() + 300;
    machine.record(20);
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::full);
    EXPECT_EQ(machine.archive->alarm(), "the disk is full");
    machine.time.run_for(60s);
    machine.place += 300;
    machine.folder.limits.size_max = UINT64_MAX;
    machine.record(10, "disk full");
    machine.seal("");
    EXPECT_EQ(machine.archive->alarm(), "");
    EXPECT_EQ(machine.gaps(), "disk full");
    const Counters& counted = machine.archive->counters();
    EXPECT_GE(counted.failures, 1U);
    EXPECT_FALSE(counted.full);
    std::uint64_t gaps = 0;
    for (const auto& count : counted.gaps) {
        gaps += count;
    }
    EXPECT_EQ(gaps, 1U);
    EXPECT_EQ(counted.gaps[1], 1U) << cause::all[1];
    EXPECT_GT(counted.fragments, 0U);
    EXPECT_GT(counted.bytes, 0U);
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
    // And an orderly stop leaves no file that is to be recovered.
    machine.archive->close("node stopped");
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.archive->recovered(), 0U);
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
}

TEST(Archive, case_f8_goes_on_when_a_read_only_disk_is_mended) {
    Machine machine{4};
    ASSERT_TRUE(machine.start());
    machine.record(10);
    machine.folder.read_only = true;
    machine.record(10);
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::failed);
    EXPECT_NE(machine.archive->alarm(), "");
    machine.folder.read_only = false;
    machine.record(10, "disk failed");
    machine.seal("");
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
}

TEST(Archive, case_f8_begins_anew_when_the_folder_was_removed) {
    Machine machine{9};
    ASSERT_TRUE(machine.start());
    machine.record(10);
    machine.folder.remove_folder();
    machine.record(10);
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::failed);
    EXPECT_EQ(machine.archive->alarm(), "the folder is not there");
    machine.record(10, "disk failed");
    machine.seal("");
    EXPECT_EQ(machine.recorded().size(), 10U);
    EXPECT_EQ(machine.archive->alarm(), "");
}

TEST(Archive, case_94_makes_a_lost_or_damaged_index_again_from_the_files) {
    for (const bool damaged : {false, true}) {
        Machine machine{5};
        ASSERT_TRUE(machine.start());
        machine.record(12);
        machine.seal("publisher gone");
        machine.place += 100;
        machine.record(7, "publisher gone");
        machine.archive->close("node stopped");
        const std::string gaps_before = "publisher gone";
        if (damaged) {
            machine.folder.bytes("index")[3] ^= std::byte{4};
        } else {
            machine.folder.forget("index");
        }
        ASSERT_TRUE(machine.start());
        EXPECT_EQ(machine.recorded().size(), 19U);
        EXPECT_EQ(machine.gaps(), gaps_before);
        EXPECT_EQ(*machine.archive->init("live/cam", 2), Bytes::copy("init"));
    }
}

TEST(Archive, names_the_streams_of_which_it_has_something) {
    Machine machine{15};
    ASSERT_TRUE(machine.start());
    EXPECT_TRUE(machine.archive->streams()->empty());
    machine.record(10);
    machine.seal("publisher gone");
    machine.place += 100;
    machine.record(10);
    const auto streams = machine.archive->streams();
    ASSERT_TRUE(streams);
    ASSERT_EQ(streams->size(), 1U);
    const hub::RecordedStream& one = streams->front();
    const auto listing = machine.archive->list("live/cam", {always_from, always_to});
    EXPECT_EQ(one.name, "live/cam");
    EXPECT_EQ(one.from, listing->fragments.front().fragment.utc);
    EXPECT_EQ(one.to.microseconds, listing->fragments.back().fragment.utc.microseconds +
                                       listing->fragments.back().fragment.duration_us);
    EXPECT_EQ(one.gaps, 1U);
    EXPECT_GT(one.bytes, 20U * body(0).size());
    EXPECT_TRUE(one.recording);
    machine.seal("publisher gone");
    EXPECT_FALSE(machine.archive->streams()->front().recording);
}

TEST(Archive, case_f4_f7_what_a_failed_disk_left_of_a_file_is_the_same_after_a_power_cut) {
    for (std::uint64_t seed = 1; seed <= 100; ++seed) {
        Machine machine{seed};
        ASSERT_TRUE(machine.start());
        machine.record(8 + machine.chance.below(10));
        machine.folder.fails_at = machine.folder.calls + machine.chance.below(3);
        machine.folder.fails_on = true;
        machine.record(6);
        machine.folder.restart();
        machine.time.run_for(Archive::tend_every);
        machine.archive->tend();
        const std::vector<std::uint64_t> said = machine.recorded();
        machine.folder.dies_at = machine.folder.calls;
        machine.archive.reset();
        machine.folder.cut_power(machine.chance);
        ASSERT_TRUE(machine.start()) << seed;
        EXPECT_EQ(machine.recorded(), said) << seed;
    }
}

TEST(Archive, case_f25_gives_no_fragment_that_was_changed_on_the_disk) {
    Machine machine{6};
    ASSERT_TRUE(machine.start());
    machine.record(15);
    machine.seal("");
    const auto listing = machine.archive->list("live/cam", {always_from, always_to});
    const FoundFragment& second = listing->fragments.at(1);
    machine.folder.bytes(file_name(1))[second.fragment.offset + 200] ^= std::byte{1};
    EXPECT_EQ(machine.archive->read("live/cam", 1, second.fragment.number).error().code, Errc::malformed);
    EXPECT_EQ(machine.archive->list("live/cam", {always_from, always_to})->fragments.size(), 2U);
    EXPECT_EQ(machine.gaps(), "damaged on the disk");
}

TEST(Archive, removes_the_oldest_and_says_so) {
    Machine machine{7};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.bytes_max = 2'000, .free_min = 0});
    for (int file = 0; file < 4; ++file) {
        machine.record(10);
    }
    machine.seal("");
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(machine.gaps(), "retention");
    EXPECT_EQ(machine.recorded().size(), 10U);
    EXPECT_FALSE(machine.folder.has(file_name(1)));
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.gaps(), "retention");
}

/// The ids of the files in the folder.
std::vector<std::uint64_t> files_there(const Machine& machine) {
    std::vector<std::uint64_t> there;
    for (std::uint64_t id = 1; id <= 20; ++id) {
        if (machine.folder.has(file_name(id))) {
            there.push_back(id);
        }
    }
    return there;
}

Span seconds_of_run(std::int64_t from, std::int64_t to) {
    constexpr std::int64_t begin = 1'800'000'000'000'000;
    return {{begin + from * 1'000'000}, {begin + to * 1'000'000}};
}

TEST(Archive, keeps_pinned_files_and_takes_the_oldest_of_the_others_also_with_an_index_made_anew) {
    Machine machine{11};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.free_min = 0});
    for (int file = 0; file < 5; ++file) {
        machine.record(10);
    }
    machine.seal("");
    ASSERT_TRUE(machine.archive->pin({"live/cam", seconds_of_run(3, 4)}));   // the second file has it
    EXPECT_EQ(machine.archive->pins("live/cam")->size(), 1U);
    machine.archive->close("node stopped");
    machine.folder.forget("index");
    ASSERT_TRUE(machine.start());
    ASSERT_EQ(*machine.archive->pins("live/cam"), std::vector<Span>{seconds_of_run(3, 4)});
    machine.archive->use({.bytes_max = 3'000, .free_min = 0});
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(files_there(machine), (std::vector<std::uint64_t>{2, 5}));
    EXPECT_EQ(machine.gaps(), "retention, retention") << "around what is pinned, and not over it";
    EXPECT_EQ(machine.recorded().size(), 20U);
    ASSERT_TRUE(machine.archive->unpin({"live/cam", seconds_of_run(3, 4)}));
    machine.archive->use({.bytes_max = 1'600, .free_min = 0});
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(files_there(machine), std::vector<std::uint64_t>{5});
    EXPECT_EQ(machine.gaps(), "retention");
}

TEST(Archive, case_f5_never_breaks_the_floor_for_what_is_pinned_but_stops_and_says_why) {
    Machine machine{12};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.free_min = 0});
    machine.record(10);
    machine.record(10);
    machine.seal("");
    ASSERT_TRUE(machine.archive->pin({"live/cam", seconds_of_run(0, 100)}));
    machine.record(10);
    constexpr std::uint64_t room = 200'000;   // for the index, too
    machine.folder.limits.size_max = machine.folder.used() + room;
    machine.archive->use({.free_min = room + 1});
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::full);
    EXPECT_EQ(machine.archive->alarm(),
              "the disk is full, with recordings that are pinned; unpin some, or make room");
    machine.record(10, "disk full");
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::full);
    EXPECT_EQ(files_there(machine), (std::vector<std::uint64_t>{1, 2, 3}));
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
    ASSERT_TRUE(machine.archive->unpin({"live/cam", seconds_of_run(0, 100)}));
    machine.archive->use({.free_min = *machine.folder.free_bytes() + 1});
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(files_there(machine).front(), 2U) << "the oldest makes room";
    machine.archive->use({.free_min = 1000});
    machine.place += 20;
    machine.record(10, "disk full");
    EXPECT_EQ(machine.progress->trouble, Progress::Trouble::none);
    EXPECT_EQ(machine.archive->alarm(), "");
}

TEST(Archive, case_f5_makes_room_also_where_not_a_page_is_left_for_the_words) {
    Machine machine{13};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.free_min = 0});
    for (int file = 0; file < 40; ++file) {
        machine.record(10);
    }
    machine.seal("");
    machine.folder.limits.size_max = machine.folder.used();
    machine.archive->use({.free_min = 10'000});
    for (int look = 0; look < 10; ++look) {
        machine.time.run_for(6s);
        machine.archive->tend();
    }
    EXPECT_FALSE(machine.folder.has(file_name(1)));
    machine.folder.limits.size_max = UINT64_MAX;
    machine.time.run_for(6s);
    machine.archive->tend();
    EXPECT_EQ(machine.gaps(), "retention");
    EXPECT_TRUE(std::ranges::is_sorted(machine.recorded()));
}

TEST(Archive, says_when_a_file_was_taken_away) {
    Machine machine{8};
    ASSERT_TRUE(machine.start());
    machine.record(10);
    machine.record(10);
    machine.archive->close("node stopped");
    machine.folder.forget(file_name(1));
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(machine.recorded().size(), 10U);
    EXPECT_EQ(machine.gaps(), "file lost");
}

}   // namespace
}   // namespace millrace::archive
