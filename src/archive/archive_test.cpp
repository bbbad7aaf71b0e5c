#include "archive/machine_for_tests.hpp"

namespace millrace::archive {
namespace {

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

TEST(Archive, case_f8_says_that_a_folder_lets_nobody_in_and_goes_on_in_what_is_open) {
    Machine machine{16};
    ASSERT_TRUE(machine.start());
    machine.record(10);
    machine.folder.lets_in = false;
    for (int chunks = 0; chunks < 30; ++chunks) {   // longer than `tend_every`
        machine.given.push_back(machine.place);
        std::vector<BatchItem> items;
        items.emplace_back(chunk(machine.place++));
        machine.archive->write(
            {.stream = "live/cam", .items = std::move(items), .progress = machine.progress});
        machine.time.run_for(200ms);
        machine.archive->tend();
    }
    machine.note_acknowledged();
    EXPECT_EQ(machine.archive->alarm(), "the folder does not let this node in");
    EXPECT_EQ(machine.progress->trouble, Progress::Trouble::none);
    EXPECT_GE(machine.acknowledged.size(), 38U);
    machine.record(10);   // another file
    EXPECT_EQ(machine.progress->trouble.exchange(Progress::Trouble::none), Progress::Trouble::failed);
    machine.folder.lets_in = true;
    machine.place += 10;
    machine.record(10, "disk failed");
    machine.seal("");
    EXPECT_EQ(machine.archive->alarm(), "");
    EXPECT_EQ(machine.missing(), std::vector<std::uint64_t>{});
    EXPECT_EQ(machine.gaps(), "disk failed");
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

}   // namespace
}   // namespace millrace::archive
