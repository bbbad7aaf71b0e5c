#include "archive/second_home.hpp"

#include "archive/bucket_for_tests.hpp"
#include "archive/inspection.hpp"

#include <algorithm>

namespace millrace::archive {
namespace {

constexpr std::string_view first_object = "live/cam/1800000000-1a2b3c4d/";

TEST(SecondHome, moves_every_file_as_it_is_and_keeps_it_here_as_long_as_this_disk_does) {
    TwoHomes homes;
    ASSERT_TRUE(homes.record() && homes.record() && homes.record());
    homes.run_for(20s);
    ASSERT_EQ(homes.bucket.objects.size(), 3U);
    EXPECT_EQ(homes.files_here(), 3U);
    for (const auto& [name, bytes] : homes.bucket.objects) {
        EXPECT_TRUE(name.starts_with(first_object)) << name;
        EXPECT_EQ(bytes, homes.folder.bytes(name.substr(first_object.size()))) << name;
    }
    EXPECT_EQ(homes.keeper->bucket_counters()->moved_files, 3U);
    EXPECT_EQ(homes.keeper->bucket_counters()->waiting_files, 0U);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_TRUE(homes.bucket.asked.empty()) << "what is here is read here";
}

TEST(SecondHome, puts_a_large_file_in_pieces) {
    TwoHomes homes;
    constexpr std::size_t half = ObjectStore::piece_size / 2;
    ASSERT_TRUE(homes.record(5, half));
    homes.run_for(10s);
    ASSERT_EQ(homes.bucket.pieces.size(), 3U);
    EXPECT_EQ(homes.bucket.pieces[0], ObjectStore::piece_size);
    EXPECT_EQ(homes.bucket.pieces[1], ObjectStore::piece_size);
    EXPECT_LT(homes.bucket.pieces[2], ObjectStore::piece_size);
    EXPECT_EQ(homes.bucket.objects.size(), 1U);
}

TEST(SecondHome, plays_what_lies_in_the_bucket_alone_by_ranges_that_are_read_once) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(70s);
    EXPECT_EQ(homes.files_here(), 0U);
    EXPECT_EQ(homes.gaps(), "");
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.bucket.asked.size(), 4U) << "a fragment is a range";
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.bucket.asked.size(), 4U) << "and is kept for a while";
    const Listing listing = homes.list();
    const auto records = homes.read(listing.fragments[0], Form::records);
    ASSERT_TRUE(records);
    EXPECT_EQ(records->size(), listing.fragments[0].fragment.size);
}

TEST(SecondHome, fetches_once_what_many_ask_for_at_once) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record());
    homes.run_for(70s);
    const Listing listing = homes.list();
    std::size_t came = 0;
    const auto ask = [&](Reply<Bytes> reply) {
        for (int more = 0; more < 9; ++more) {
            homes.keeper->read("live/cam", listing.fragments[0].file, listing.fragments[0].fragment.number,
                               Reply<Bytes>{});
        }
        homes.keeper->read("live/cam", listing.fragments[0].file, listing.fragments[0].fragment.number,
                           std::move(reply));
    };
    came += homes.wait_for<Bytes>(ask) ? 1U : 0U;
    EXPECT_EQ(came, 1U);
    EXPECT_EQ(homes.bucket.asked.size(), 1U);
}

TEST(SecondHome, says_in_words_that_the_bucket_is_away_and_plays_again_when_it_is_back) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record());
    homes.run_for(70s);
    const Listing listing = homes.list();
    homes.bucket.go_away();
    const auto first = homes.read(listing.fragments[0]);
    ASSERT_FALSE(first);
    EXPECT_EQ(first.error().code, Errc::timed_out) << "503";
    EXPECT_EQ(first.error().what,
              "the bucket that has this recording cannot be reached now; try again later");
    const std::uint64_t calls = homes.bucket.calls;
    EXPECT_FALSE(homes.read(listing.fragments[1]));
    EXPECT_EQ(homes.bucket.calls, calls) << "nobody waits for a bucket that was away just now";
    homes.bucket.come_back();
    homes.run_for(SecondHome::read_rest);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.keeper->bucket_counters()->read_failures, 1U);
}

TEST(SecondHome, keeps_everything_here_while_the_bucket_is_away_and_moves_it_later) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    homes.bucket.go_away();
    for (int file = 0; file < 5; ++file) {
        ASSERT_TRUE(homes.record());
    }
    homes.run_for(300s);
    EXPECT_EQ(homes.files_here(), 5U);
    EXPECT_TRUE(homes.keeper->bucket_counters()->away);
    EXPECT_EQ(homes.keeper->bucket_counters()->waiting_files, 5U);
    EXPECT_LT(homes.bucket.calls, 20U) << "it is asked ever more seldom";
    homes.bucket.come_back();
    homes.run_for(200s);
    EXPECT_FALSE(homes.keeper->bucket_counters()->away);
    EXPECT_EQ(homes.files_here(), 0U);
    EXPECT_EQ(homes.playable(), homes.recorded());
}

TEST(SecondHome, stops_recording_at_the_floor_of_the_disk_rather_than_lose_what_the_bucket_lacks) {
    TwoHomes homes;
    homes.bucket.go_away();
    ASSERT_TRUE(homes.record(5, 100'000) && homes.record(5, 100'000));
    homes.folder.limits.size_max = homes.folder.used() + 100'000;
    homes.local = {.free_min = 400'000};
    homes.use();
    homes.run_for(10s);
    EXPECT_FALSE(homes.record(5, 10'000));
    EXPECT_EQ(homes.files_here(), 2U);
    homes.bucket.come_back();
    homes.run_for(130s);
    EXPECT_EQ(homes.files_here(), 1U) << "what the bucket has makes room";
    EXPECT_EQ(homes.list().fragments.size(), 2U);
    EXPECT_TRUE(homes.record(5, 10'000));
}

TEST(SecondHome, reads_back_what_the_bucket_does_not_prove_and_puts_a_changed_one_again) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    homes.bucket.proves = false;
    homes.bucket.changes_a_byte = true;
    ASSERT_TRUE(homes.record());
    homes.run_for(400ms);
    EXPECT_EQ(homes.keeper->bucket_counters()->moved_files, 0U);
    EXPECT_EQ(homes.keeper->bucket_counters()->failures, 1U);
    EXPECT_EQ(homes.files_here(), 1U);
    homes.run_for(130s);
    EXPECT_EQ(homes.keeper->bucket_counters()->moved_files, 1U);
    EXPECT_EQ(homes.files_here(), 0U);
    EXPECT_EQ(homes.playable(), homes.recorded());
}

TEST(SecondHome, plays_from_the_bucket_what_this_disk_lost_or_changed) {
    TwoHomes homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(20s);
    const Listing listing = homes.list();
    homes.folder.forget(file_name(listing.fragments.front().file));
    homes.folder.bytes(file_name(
        listing.fragments.back().file))[listing.fragments.back().fragment.offset + 100] ^= std::byte{1};
    EXPECT_EQ(homes.playable(), homes.recorded());
    homes.stop();
    homes.start();
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.gaps(), "");
}

TEST(SecondHome, forgets_in_the_bucket_what_is_too_much_there_with_a_gap_that_says_so) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record() && homes.record() && homes.record());
    homes.run_for(130s);
    ASSERT_EQ(homes.bucket.objects.size(), 3U);
    const std::uint64_t one = homes.bucket.objects.begin()->second.size();
    homes.in_bucket = {.bytes_max = one + one / 2};
    homes.use();
    homes.run_for(20s);
    EXPECT_EQ(homes.bucket.objects.size(), 1U);
    EXPECT_EQ(homes.gaps(), "retention");
    EXPECT_EQ(homes.list().fragments.size(), 2U);
}

TEST(SecondHome, does_not_forget_in_the_bucket_what_is_pinned_or_here_as_well) {
    TwoHomes homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.in_bucket = {.bytes_max = 0};
    homes.use();
    homes.run_for(130s);
    EXPECT_EQ(homes.bucket.objects.size(), 2U);
    const FoundFragment first = homes.list().fragments.front();
    ASSERT_TRUE(homes.wait_for<bool>([&](Reply<bool> reply) {
        homes.keeper->pin(
            {.stream = "live/cam", .span = {first.fragment.utc, {first.fragment.utc.microseconds + 1}}},
            std::move(reply));
    }));
    homes.local = keep_nothing;
    homes.use();
    homes.run_for(130s);
    EXPECT_EQ(homes.bucket.objects.size(), 2U) << "the file that is pinned, and what says so";
    EXPECT_EQ(homes.files_here(), 1U);
}

TEST(SecondHome, makes_recordings_again_of_what_lies_in_the_bucket_when_the_disk_is_a_new_one) {
    TwoHomes homes;
    ASSERT_TRUE(homes.record() && homes.record() && homes.record());
    homes.run_for(30s);
    homes.bucket.objects["live/cam/not-one-of-ours.txt"] = {std::byte{1}};
    homes.bucket.objects["live/cam/run/0000000077.mp4"] = body(1);
    homes.stop();
    homes.folder.remove_folder();
    (void)homes.folder.still_there();
    homes.start();
    homes.run_for(60s);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.gaps(), "");
    ASSERT_TRUE(homes.record());
    homes.run_for(20s);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_EQ(homes.bucket.objects.size(), 6U) << "no number is given again";
    const std::uint64_t calls = homes.bucket.calls;
    homes.run_for(60s);
    EXPECT_EQ(homes.bucket.calls, calls) << "it is looked through once";
}

TEST(SecondHome, moves_everything_that_is_here_to_another_bucket) {
    TwoHomes homes;
    ASSERT_TRUE(homes.record());
    homes.run_for(10s);
    homes.stop();
    homes.call("test://another");
    homes.local = keep_nothing;
    homes.bucket.objects.clear();
    homes.bucket.go_away();
    homes.start();
    homes.run_for(70s);
    EXPECT_EQ(homes.files_here(), 1U) << "the new one does not have it yet";
    homes.bucket.come_back();
    homes.run_for(130s);
    EXPECT_EQ(homes.files_here(), 0U);
    EXPECT_EQ(homes.playable(), homes.recorded());
    homes.stop();
    homes.start(false);
    const auto without = homes.read(homes.list().fragments.front());
    ASSERT_FALSE(without);
    EXPECT_EQ(without.error().what,
              "this recording lies in a bucket, and storage.objects of this node names none");
}

TEST(SecondHome, is_no_fault_for_who_checks_the_archive) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(130s);
    homes.stop();
    const auto found = inspect(homes.folder, homes.chance, Closeness::bodies, [](auto, auto) {});
    ASSERT_TRUE(found);
    EXPECT_TRUE(found->sound()) << (found->faults.empty() ? "" : found->faults.front());
    EXPECT_EQ(found->in_bucket, 2U);
    EXPECT_EQ(found->files, 0U);
}

/// Whatever was acknowledged can be played, and a file is on this disk or whole in the bucket.
void expect_nothing_lost(TwoHomes& homes, std::uint64_t moment) {
    homes.bucket.come_back();
    homes.run_for(130s);
    EXPECT_EQ(homes.playable(), homes.recorded()) << "cut off at " << moment;
    EXPECT_EQ(homes.gaps(), "") << "cut off at " << moment;
    EXPECT_EQ(homes.files_here(), 0U) << "cut off at " << moment;
}

TEST(SecondHome, law_n2_loses_nothing_when_any_call_of_the_bucket_fails) {
    for (std::uint64_t call = 0; call < 8; ++call) {
        TwoHomes homes;
        homes.local = keep_nothing;
        homes.bucket.proves = call % 2 == 0;
        homes.use();
        homes.bucket.fails_at = call;
        homes.bucket.failure.code = call % 3 == 0 ? Errc::refused : Errc::closed;
        ASSERT_TRUE(homes.record() && homes.record());
        homes.run_for(70s);
        EXPECT_GT(homes.bucket.calls, call) << "it failed";
        expect_nothing_lost(homes, call);
    }
}

TEST(SecondHome, law_n2_loses_nothing_when_the_disk_dies_at_any_call_and_the_power_is_cut) {
    std::uint64_t cuts = 0;
    for (std::uint64_t call = 0; call < 60; ++call) {
        TwoHomes homes;
        homes.local = keep_nothing;
        homes.use();
        ASSERT_TRUE(homes.record() && homes.record());
        homes.run_for(1s);
        homes.folder.dies_at = homes.folder.calls + call;
        homes.run_for(70s);
        cuts += homes.folder.is_dead() ? 1U : 0U;
        homes.stop();
        call % 2 == 0 ? homes.folder.cut_power(homes.chance) : homes.folder.restart();
        homes.start();
        expect_nothing_lost(homes, call);
    }
    EXPECT_GT(cuts, 20U);
}

TEST(SecondHome, law_n2_loses_nothing_when_the_process_is_killed_at_any_call_of_the_bucket) {
    for (std::uint64_t call = 0; call < 14; ++call) {
        TwoHomes homes;
        homes.local = keep_nothing;
        homes.bucket.proves = call % 2 == 0;
        homes.use();
        ASSERT_TRUE(homes.record() && homes.record());
        homes.bucket.fails_at = call;
        homes.bucket.fails_on = true;   // it hears no more of this process
        homes.run_for(call % 3 * 35s + 1s);
        homes.stop();
        call % 4 < 2 ? homes.folder.restart() : homes.folder.cut_power(homes.chance);
        homes.start();
        expect_nothing_lost(homes, call);
    }
}

/// The pinned ranges of the stream.
std::vector<Span> pinned(TwoHomes& homes) {
    return homes
        .wait_for<std::vector<Span>>(
            [&](Reply<std::vector<Span>> reply) { homes.keeper->pins("live/cam", std::move(reply)); })
        .value_or(std::vector<Span>{});
}
bool pin(TwoHomes& homes, Span span, bool pinned = true) {
    return homes
        .wait_for<bool>([&](Reply<bool> reply) {
            pinned ? homes.keeper->pin({"live/cam", span}, std::move(reply))
                   : homes.keeper->unpin({"live/cam", span}, std::move(reply));
        })
        .has_value();
}

TEST(SecondHome, what_is_pinned_is_in_the_bucket_too_and_a_new_disk_keeps_it_there) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record() && homes.record() && homes.record());
    const std::vector<FoundFragment> all = homes.list().fragments;
    const Span first{all[0].fragment.utc, {all[0].fragment.utc.microseconds + 1}};
    const Span later{{INT64_MAX / 4}, {INT64_MAX / 4 + 1}};
    ASSERT_TRUE(pin(homes, first) && pin(homes, later));
    homes.run_for(70s);
    ASSERT_EQ(homes.bucket.objects.size(), 4U);
    EXPECT_EQ(homes.bucket.objects.begin()->first, pins_object);
    ASSERT_TRUE(pin(homes, later, false));
    homes.bucket.proves = false;   // it is read back then
    homes.run_for(5s);
    homes.stop();
    // A new disk, and a bucket that is to keep nothing but what is pinned.
    for (const std::string& name : homes.folder.names().value()) {
        ASSERT_TRUE(homes.folder.remove(name));
    }
    homes.in_bucket = keep_nothing;
    homes.start();
    homes.run_for(200s);
    EXPECT_EQ(pinned(homes), std::vector<Span>{first});
    EXPECT_EQ(homes.bucket.objects.size(), 2U) << "the list, and the file that is pinned";
    EXPECT_EQ(homes.playable().size(), 2U);
}

TEST(SecondHome, pins_in_the_bucket_that_are_not_as_they_were_written_are_told_and_hold_nothing_up) {
    TwoHomes homes;
    homes.local = keep_nothing;
    homes.use();
    ASSERT_TRUE(homes.record());
    ASSERT_TRUE(pin(homes, {{0}, {1}}));
    homes.run_for(70s);
    homes.stop();
    homes.bucket.objects.at(std::string{pins_object}).back() ^= std::byte{1};
    for (const std::string& name : homes.folder.names().value()) {
        ASSERT_TRUE(homes.folder.remove(name));
    }
    homes.start();
    homes.run_for(30s);
    EXPECT_TRUE(pinned(homes).empty());
    EXPECT_EQ(homes.playable(), homes.recorded());
}

TEST(ObjectName, says_stream_run_and_number_and_is_read_again) {
    const FileRow row{.id = 123, .facts = facts("site/north/cam")};
    EXPECT_EQ(object_name(row), "site/north/cam/1800000000-1a2b3c4d/0000000123.mp4");
    const auto read = read_object_name(object_name(row));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->stream, "site/north/cam");
    EXPECT_EQ(read->id, 123U);
    for (const std::string_view other :
         {"", "/", "//", "a.mp4", "run/0000000001.mp4", "/run/0000000001.mp4", "a//0000000001.mp4",
          "../run/0000000001.mp4", "a/run/x.mp4", "a/run/0000000001.ts", "a/run/0000000001.mp4/"}) {
        EXPECT_FALSE(read_object_name(other)) << other;
    }
}

}   // namespace
}   // namespace millrace::archive
