#include "archive/shared_catalogue.hpp"

#include "archive/bucket_for_tests.hpp"

#include <algorithm>

namespace millrace::archive {
namespace {

constexpr std::string_view root = "test://bucket/";

/// Recordings of the node "a/", told to a catalogue, and in the bucket where it has one.
struct Nodes {
    explicit Nodes(bool with_bucket = true) : with_bucket_{with_bucket} {
        homes.stop();
        homes.prefix = "a/";
        homes.server = &server;
        homes.start(with_bucket);
    }
    /// From now on it is another node, with a disk of its own.
    void become_another() {
        homes.stop();
        homes.folder.remove_folder();
        (void)homes.folder.still_there();
        homes.prefix = "b/";
        homes.start(with_bucket_);
        homes.run_for(5s);
    }

    VirtualCatalogueServer server;
    TwoHomes homes{std::string{root}};

private:
    bool with_bucket_;
};

TEST(SharedCatalogue, is_told_of_every_file_where_it_is_and_when_it_goes) {
    Nodes nodes;
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(20s);
    const std::string first = nodes.server.text("a/");
    EXPECT_EQ(std::ranges::count(first, ','), 1) << first;
    EXPECT_EQ(first.find("here"), std::string::npos) << "both are in the bucket, too: " << first;
    homes.local = keep_nothing;
    homes.in_bucket = {.bytes_max = 0, .free_min = 0};
    homes.use();
    homes.run_for(200s);
    EXPECT_EQ(nodes.server.text("a/"), "") << "nothing is kept";
    EXPECT_FALSE(homes.keeper->catalogue_counters()->away);
}

TEST(SharedCatalogue, is_never_in_the_way_and_catches_up_by_itself) {
    Nodes nodes{false};
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record());
    homes.run_for(5s);
    nodes.server.away = true;
    for (int file = 0; file < 4; ++file) {
        ASSERT_TRUE(homes.record()) << "recording goes on";
    }
    const std::uint64_t calls = nodes.server.calls;
    homes.run_for(300s);
    EXPECT_TRUE(homes.keeper->catalogue_counters()->away);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_LT(nodes.server.calls - calls, 25U) << "it is asked ever more seldom";
    nodes.server.away = false;
    homes.run_for(60s);
    EXPECT_FALSE(homes.keeper->catalogue_counters()->away);
    EXPECT_EQ(nodes.server.text("a/"), "1 here, 2 here, 3 here, 4 here, 5 here");
}

TEST(SharedCatalogue, is_put_right_after_a_restart_and_told_nothing_twice) {
    Nodes nodes{false};
    TwoHomes& homes = nodes.homes;
    for (int file = 0; file < 40; ++file) {
        ASSERT_TRUE(homes.record());
    }
    homes.run_for(10s);
    homes.stop();
    const std::string all = nodes.server.text("a/");
    EXPECT_EQ(nodes.server.files.size(), 40U);
    // A backup was put back: one row lacks, one is older, one is of a file that there is no longer.
    CatalogueFile strange = nodes.server.files.at({"a/", 5});
    nodes.server.files.erase({"a/", 7});
    nodes.server.files.at({"a/", 35}).fragments.pop_back();
    strange.row.id = 99;
    nodes.server.files.emplace(std::pair{"a/", 99}, strange);
    nodes.server.files.emplace(std::pair{"other/", 99}, strange);
    nodes.server.written = 0;
    homes.start(false);
    homes.run_for(10s);
    EXPECT_EQ(nodes.server.text("a/"), all);
    EXPECT_EQ(nodes.server.files.at({"a/", 35}).fragments.size(), 2U);
    EXPECT_EQ(nodes.server.written, 3U) << "only what differed";
    EXPECT_TRUE(nodes.server.files.contains({"other/", 99})) << "it is not ours";
}

TEST(SharedCatalogue, misses_it_and_puts_it_right_also_while_nothing_is_recorded) {
    Nodes nodes{false};
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record());
    homes.run_for(5s);
    nodes.server.away = true;
    homes.run_for(2 * SharedCatalogue::hail_every);
    EXPECT_TRUE(homes.keeper->catalogue_counters()->away);
    nodes.server.files.clear();   // the tables are new
    nodes.server.away = false;
    homes.run_for(2 * SharedCatalogue::retry_last);
    EXPECT_EQ(nodes.server.text("a/"), "1 here");
}

TEST(SharedCatalogue, lets_another_node_list_and_play_what_lies_in_the_bucket) {
    Nodes nodes;
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(20s);
    const Listing ours = homes.list();
    nodes.become_another();
    const Listing theirs = homes.list();
    ASSERT_EQ(theirs.fragments.size(), ours.fragments.size());
    for (std::size_t at = 0; at < ours.fragments.size(); ++at) {
        const FoundFragment& one = theirs.fragments[at];
        EXPECT_EQ(one.fragment, ours.fragments[at].fragment);
        EXPECT_EQ(one.node, "a/");
        EXPECT_EQ(own_id(one.file), ours.fragments[at].file);
        EXPECT_NE(node_of(one.file), 0U);
        const auto init = homes.wait_for<Bytes>([&](Reply<Bytes> reply) {
            homes.keeper->init(std::string{TwoHomes::stream}, one.file, std::move(reply));
        });
        ASSERT_TRUE(init);
        EXPECT_EQ(as_text(*init), "init");
        const auto records = homes.read(one, Form::records);
        ASSERT_TRUE(records) << records.error().what;
        EXPECT_TRUE(read_head(*records, one.file)) << "its checksum knows whose it is";
    }
    EXPECT_NE(theirs.revision, ours.revision);
    EXPECT_EQ(homes.playable(), homes.recorded());
    EXPECT_TRUE(homes.bucket.asked.front().starts_with("read a/live/cam/")) << homes.bucket.asked.front();
    EXPECT_TRUE(homes.gaps().empty()) << homes.gaps();
    EXPECT_FALSE(homes.wait_for<Bytes>([&](Reply<Bytes> reply) {
        homes.keeper->init("live/other", theirs.fragments[0].file, std::move(reply));
    })) << "a stream's recordings are asked for by its name";
    // What it knows goes on to play while the catalogue is away.
    nodes.server.away = true;
    EXPECT_TRUE(homes.read(theirs.fragments[0]));
}

TEST(SharedCatalogue, says_which_node_has_what_lies_on_its_disk_alone) {
    Nodes nodes{false};
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(5s);
    nodes.become_another();
    const Listing theirs = homes.list();
    EXPECT_TRUE(theirs.fragments.empty());
    ASSERT_EQ(theirs.elsewhere.size(), 1U);
    EXPECT_EQ(theirs.elsewhere[0].node, "a/");
    EXPECT_EQ(theirs.elsewhere[0].address, "https://a/.example.org");
    EXPECT_EQ(theirs.elsewhere[0].span.to.microseconds - theirs.elsewhere[0].span.from.microseconds,
              4'000'000);
}

TEST(SharedCatalogue, lists_what_is_here_while_it_is_away_and_keeps_nobody_waiting) {
    Nodes nodes;
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record());
    homes.run_for(20s);
    nodes.become_another();
    ASSERT_TRUE(homes.record());
    nodes.server.away = true;
    Listing listing = homes.list();
    EXPECT_TRUE(listing.catalogue_away);
    EXPECT_EQ(listing.fragments.size(), 2U);
    const std::uint64_t calls = homes.keeper->catalogue_counters()->asked;
    listing = homes.list();
    EXPECT_TRUE(listing.catalogue_away);
    EXPECT_EQ(homes.keeper->catalogue_counters()->asked, calls)
        << "nobody waits for one that was away just now";
    nodes.server.away = false;
    homes.run_for(SharedCatalogue::ask_rest);
    listing = homes.list();
    EXPECT_FALSE(listing.catalogue_away);
    EXPECT_EQ(listing.fragments.size(), 4U);
    EXPECT_EQ(homes.keeper->catalogue_counters()->unanswered, 1U);
}

TEST(SharedCatalogue, row_1_16_a_list_that_was_given_out_stays_as_it_was) {
    Nodes nodes;
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record() && homes.record());
    homes.run_for(20s);
    nodes.become_another();
    ASSERT_TRUE(homes.record());
    // The newest file of the other is told only later.
    const auto late = std::prev(nodes.server.files.lower_bound({"b/", 0}));
    ASSERT_EQ(late->first.first, "a/");
    auto kept = nodes.server.files.extract(late);
    const auto list = [&](Archive::ListBounds bounds) {
        return homes.wait_for<Listing>([&](Reply<Listing> reply) {
            homes.keeper->list(std::string{TwoHomes::stream}, {{0}, {INT64_MAX / 2}}, std::move(reply),
                               bounds);
        });
    };
    const auto numbers = [](const Listing& listing) {
        std::vector<std::pair<std::uint64_t, std::uint64_t>> all;
        for (const FoundFragment& one : listing.fragments) {
            all.emplace_back(one.file, one.fragment.number);
        }
        return all;
    };
    const Result<Listing> first = list({.gives = true});
    ASSERT_TRUE(first);
    const std::uint64_t revision = first->revision;
    EXPECT_EQ(first->fragments.size(), 4U);
    nodes.server.files.insert(std::move(kept));
    EXPECT_EQ(list({})->fragments.size(), 6U) << "who asks anew has all";
    EXPECT_NE(list({})->revision, revision);
    for (const bool away : {false, true}) {
        nodes.server.away = away;
        const Result<Listing> again = list({.revision = revision});
        ASSERT_TRUE(again);
        EXPECT_EQ(numbers(*again), numbers(*first)) << away;
        EXPECT_EQ(again->revision, revision);
        EXPECT_FALSE(again->catalogue_away);
    }
    nodes.server.away = false;
    EXPECT_EQ(list({.revision = list({})->revision}).error().code, Errc::not_found) << "given to nobody";
    ASSERT_TRUE(homes.record());
    EXPECT_EQ(list({.revision = revision}).error().code, Errc::not_found) << "something was imported";
}

TEST(SharedCatalogue, is_not_asked_of_a_time_that_this_node_has_whole) {
    Nodes nodes;
    TwoHomes& homes = nodes.homes;
    ASSERT_TRUE(homes.record());
    homes.run_for(5s);
    const Fragment first = homes.list().fragments.front().fragment;
    const std::uint64_t asked = nodes.server.found;
    const auto moment = homes.wait_for<Listing>([&](Reply<Listing> reply) {
        homes.keeper->list(std::string{TwoHomes::stream}, {first.utc, {first.utc.microseconds + 1000}},
                           std::move(reply));
    });
    ASSERT_TRUE(moment);
    EXPECT_EQ(moment->fragments.size(), 1U);
    EXPECT_EQ(nodes.server.found, asked);
}

TEST(SharedCatalogue, walks_again_where_more_changed_than_it_notes) {
    VirtualTime time;
    VirtualFolder folder;
    SeededRandom chance{7};
    VirtualCatalogueServer server;
    VirtualCatalogue end{server, "a"};
    VirtualBackground disk{time.add_executor()};
    VirtualBackground lane{time.add_executor()};
    Archive archive{{.folder = folder, .random = chance, .clock = time}};
    SharedCatalogue shared{
        disk, archive, time, {.label = "test://", .bucket_root = "", .out = {lane, end}, .in = {lane, end}}};
    ASSERT_TRUE(archive.open());
    const auto run = [&] {
        for (int step = 0; step < 20; ++step) {
            shared.tend();
            time.run_for(200ms);
        }
    };
    run();
    const std::vector<Fragment> none;
    constexpr std::uint64_t count = SharedCatalogue::changed_max + 10;
    for (std::uint64_t id = 1; id <= count; ++id) {
        ASSERT_TRUE(archive.index().put_file({.id = id, .facts = facts()}, none));
    }
    run();
    EXPECT_EQ(server.files.size(), count);
    EXPECT_LT(server.calls, count / Catalogue::files_max + 10) << "many at once";
}

}   // namespace
}   // namespace millrace::archive
