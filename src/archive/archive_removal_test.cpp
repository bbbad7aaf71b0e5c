#include "archive/machine_for_tests.hpp"

namespace millrace::archive {
namespace {

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

/// "retention 0-2, publisher gone 4-6": the gaps, in seconds of the run.
std::string timed_gaps(Machine& machine) {
    constexpr std::int64_t begin = 1'800'000'000'000'000;
    std::string text;
    for (const Gap& gap : machine.archive->list("live/cam", {always_from, always_to})->gaps) {
        text += fmt::format("{}{} {}-{}", text.empty() ? "" : ", ", gap.cause,
                            (gap.begin.microseconds - begin) / 1'000'000,
                            (gap.end.microseconds - begin) / 1'000'000);
    }
    return text;
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

TEST(Archive, case_94_an_index_made_anew_has_the_gaps_of_what_retention_took) {
    Machine machine{17};
    ASSERT_TRUE(machine.start());
    machine.archive->use({.free_min = 0});
    for (int file = 0; file < 6; ++file) {   // of two seconds each
        machine.record(10, file == 5 ? "publisher gone" : "");
        machine.place += file == 4 ? 10 : 0;
    }
    machine.seal("");
    ASSERT_TRUE(machine.archive->pin({"live/cam", seconds_of_run(2, 3)}));
    machine.archive->use({.bytes_max = 5'000, .free_min = 0});
    machine.time.run_for(6s);
    machine.archive->tend();
    ASSERT_EQ(files_there(machine), (std::vector<std::uint64_t>{2, 5, 6}));
    const std::string before = timed_gaps(machine);
    EXPECT_EQ(before, "retention 0-2, retention 4-8, publisher gone 10-12");
    for (int times = 0; times < 2; ++times) {
        machine.archive->close("node stopped");
        machine.folder.forget("index");
        ASSERT_TRUE(machine.start());
        EXPECT_EQ(timed_gaps(machine), before);
    }
    // A file that somebody took out of the midst is not what retention takes.
    machine.archive->close("node stopped");
    machine.folder.forget("index");
    machine.folder.forget(file_name(5));
    machine.folder.forget("pins-a");
    machine.folder.forget("pins-b");
    ASSERT_TRUE(machine.start());
    EXPECT_EQ(timed_gaps(machine), "retention 0-2, file lost 4-10, publisher gone 10-12");
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
