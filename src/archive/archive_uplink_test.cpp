#include "archive/archive.hpp"
#include "archive/checksum.hpp"
#include "archive/chunker.hpp"
#include "archive/files_for_tests.hpp"
#include "archive/units_for_tests.hpp"
#include "archive/uplinked.hpp"
#include "container/mp4_event.hpp"
#include "container/mp4_init.hpp"

#include <algorithm>

namespace millrace::archive {
namespace {

constexpr WallTime always_from{0};
constexpr WallTime always_to{INT64_MAX / 2};
constexpr std::uint64_t file_there = 41;

/// Fragment `at` of an edge's file: a second of five chunks. Its times follow its number, so that any order
/// of coming can be told from that of recording.
UplinkedFragment fragment(std::uint64_t at, std::uint64_t file = file_there) {
    std::vector<std::byte> records;
    FragmentTally tally;
    const std::uint64_t offset = 200 + at * 5 * (head_size + 40);
    for (std::uint64_t place = at * 5; place < at * 5 + 5; ++place) {
        PutChunk one = chunk(place);
        one.head.body_size = static_cast<std::uint32_t>(one.bytes.size());
        one.head.body_sum = checksum(one.bytes.span());
        one.head.number = place + 1;
        (void)tally.add(one.head, offset + records.size());
        const std::vector<std::byte> head = head_bytes(one.head, file);
        records.insert(records.end(), head.begin(), head.end());
        records.insert(records.end(), one.bytes.begin(), one.bytes.end());
    }
    return {.facts = facts(),
            .init = Bytes::copy("init"),
            .file = file,
            .fragment = *tally.finish(),
            .records = Bytes{std::move(records)}};
}

/// A server's archive, whose disk may lose what was not synced, and what it said that it has.
class Server {
public:
    Server() { time.run_for(1h); }

    void start() {
        archive.emplace(Archive::Seams{.folder = folder, .random = chance, .clock = time});
        ASSERT_TRUE(archive->open());
    }
    void insert(const UplinkedFragment& one) {
        auto answer = std::make_unique<Answer<Inserted>>(home);
        archive->insert(one, answer->reply());
        home.tasks().spawn(note(one.fragment.number, std::move(answer), *this));
        time.settle();
    }
    void sync() {
        time.run_for(400ms);
        archive->tend();
        time.settle();
    }
    Listing listing() {
        auto found = archive->list("live/cam", {always_from, always_to});
        EXPECT_TRUE(found);
        return found.value_or(Listing{});
    }
    /// Numbers of fragments in the list's order; each can be read, as it was on the edge.
    std::string there() {
        std::string text;
        for (const FoundFragment& one : listing().fragments) {
            const auto bytes = archive->read("live/cam", one.file, one.fragment.number);
            EXPECT_TRUE(bytes) << one.fragment.number;
            std::vector<std::byte> wanted;
            for (std::uint64_t place = (one.fragment.number - 1000) * 5; wanted.size() < 200; ++place) {
                const auto chunk_body = body(place);
                wanted.insert(wanted.end(), chunk_body.begin(), chunk_body.end());
            }
            EXPECT_EQ(bytes.value_or(Bytes{}), Bytes{wanted});
            text += fmt::format("{}{}", text.empty() ? "" : " ", one.fragment.number - 1000);
        }
        return text;
    }
    /// "outage 3-6": gaps in seconds behind the first fragment's time.
    std::string gaps() {
        std::string text;
        for (const Gap& gap : listing().gaps) {
            const auto second = [](WallTime at) {
                return (at.microseconds - 1'800'000'000'000'000 + 500'000) / 1'000'000;
            };
            text += fmt::format("{}{} {}-{}", text.empty() ? "" : ", ", gap.cause, second(gap.begin),
                                second(gap.end));
        }
        return text;
    }

    VirtualTime time;
    VirtualExecutor& home = time.add_executor();
    VirtualFolder folder;
    SeededRandom chance{1};
    std::optional<Archive> archive;
    std::vector<std::uint64_t> acknowledged;
    std::vector<Errc> refused;
    std::size_t filled = 0;   // that a gap grew smaller by

private:
    static Task<> note(std::uint64_t number, std::unique_ptr<Answer<Inserted>> answer, Server& server) {
        const Result<Inserted> done = co_await answer->within(Instant::never());
        if (done) {
            server.acknowledged.push_back(number - 1000);
            server.filled += *done == Inserted::fills ? 1 : 0;
        } else {
            server.refused.push_back(done.error().code);
        }
    }
};

using Numbers = std::vector<std::uint64_t>;

TEST(UplinkArchive, keeps_what_comes_as_it_is_and_acknowledges_it_after_its_sync) {
    Server server;
    server.start();
    for (const std::uint64_t at : {0U, 1U, 2U}) {
        server.insert(fragment(at));
    }
    EXPECT_EQ(server.acknowledged, Numbers{}) << "nothing is synced yet";
    server.sync();
    EXPECT_EQ(server.acknowledged, (Numbers{0, 1, 2}));
    EXPECT_EQ(server.there(), "0 1 2");
    EXPECT_EQ(server.gaps(), "");
    EXPECT_TRUE(server.listing().recording);
    server.time.run_for(6s);
    server.archive->tend();
    EXPECT_FALSE(server.listing().recording) << "nothing comes any more";
}

TEST(UplinkArchive, f11_a_gap_is_told_shrinks_and_ends_as_what_is_missing_comes) {
    Server server;
    server.start();
    server.insert(fragment(0));
    server.sync();
    server.insert(fragment(7));
    server.sync();
    EXPECT_EQ(server.gaps(), "outage 1-7");
    const std::uint64_t revision = server.listing().revision;
    server.insert(fragment(3));
    server.sync();
    EXPECT_EQ(server.gaps(), "outage 1-3, outage 4-7");
    EXPECT_GT(server.listing().revision, revision) << "a list never changes what it has listed";
    for (const std::uint64_t at : {1U, 2U, 4U, 5U, 6U}) {
        server.insert(fragment(at));
        server.sync();
    }
    EXPECT_EQ(server.gaps(), "");
    EXPECT_EQ(server.there(), "0 1 2 3 4 5 6 7") << "by the time of recording, whatever came first";
    EXPECT_EQ(server.acknowledged, (Numbers{0, 7, 3, 1, 2, 4, 5, 6}));
}

TEST(UplinkArchive, a_list_that_was_given_out_stays_as_it_is_while_gaps_fill_and_over_a_restart) {
    Server server;
    server.start();
    const auto numbers = [&](std::uint64_t revision) -> std::string {
        const auto found = server.archive->list("live/cam", {always_from, always_to}, {.revision = revision});
        if (!found) {
            return std::string{name(found.error().code)};
        }
        EXPECT_EQ(found->revision, revision);
        std::string text;
        for (const FoundFragment& one : found->fragments) {
            text += fmt::format("{}{}", text.empty() ? "" : " ", one.fragment.number - 1000);
        }
        return text;
    };
    const auto insert = [&](std::uint64_t at) {
        server.insert(fragment(at));
        server.sync();
        return server.listing().revision;
    };
    EXPECT_EQ(insert(0), 1U);
    EXPECT_EQ(insert(5), 1U) << "what goes on behind a list is in it";
    EXPECT_EQ(numbers(1), "0 5");
    const std::uint64_t second = insert(2);
    EXPECT_GT(second, 1U);
    const std::uint64_t third = insert(3);
    EXPECT_GT(third, second);
    EXPECT_EQ(insert(6), third);
    const auto all_are_there = [&] {
        EXPECT_EQ(numbers(1), "0 5 6");
        EXPECT_EQ(numbers(second), "0 2 5 6");
        EXPECT_EQ(numbers(third), "0 2 3 5 6");
        EXPECT_EQ(numbers(0), "not_found");
    };
    all_are_there();
    EXPECT_EQ(numbers(third + 1), "not_found");
    server.archive->close("node stopped");
    server.start();
    all_are_there();
    EXPECT_GE(server.listing().revision, third);
    EXPECT_EQ(server.there(), "0 2 3 5 6");
    EXPECT_GT(insert(4), third);
    all_are_there();
}

TEST(UplinkArchive, n4_a_gap_that_stays_has_the_edges_reason_and_no_other_has) {
    Server server;
    server.start();
    const auto at = [](std::int64_t second) { return WallTime{1'800'000'000'000'000 + second * 1'000'000}; };
    for (const std::uint64_t there : {0U, 10U, 20U}) {
        server.insert(fragment(there));
        server.sync();
    }
    ASSERT_EQ(server.gaps(), "outage 1-10, outage 11-20");
    const std::vector<Gap> named{{at(-5), at(0), "crash"},
                                 {at(3), at(5), "retention"},
                                 {at(8), at(14), "disk full"},
                                 {at(16), at(17), "<script>"}};
    ASSERT_TRUE(server.archive->name_gaps("live/cam", named));
    const std::string told =
        "outage 1-3, retention 3-5, outage 5-8, disk full 8-10, disk full 11-14, outage 14-20";
    EXPECT_EQ(server.gaps(), told);
    ASSERT_TRUE(server.archive->name_gaps("live/cam", named));
    EXPECT_EQ(server.gaps(), told) << "said again it is the same";
    server.insert(fragment(4));
    server.sync();
    EXPECT_EQ(server.gaps(),
              "outage 1-3, retention 3-4, outage 5-8, disk full 8-10, disk full 11-14, outage "
              "14-20")
        << "what comes after all ends it";
    EXPECT_EQ(server.filled, 1U);
    EXPECT_EQ(server.archive->newest_gaps("live/cam", 2)->front().begin, at(11));
}

TEST(UplinkArchive, f6_a_full_edge_loses_first_what_the_server_has_and_what_it_lacks_is_named_on_both) {
    Server edge;
    edge.start();
    for (std::uint64_t file = 1; file <= 4; ++file) {
        for (std::uint64_t at = 0; at < 3; ++at) {
            edge.insert(fragment((file - 1) * 10 + at, file));
        }
    }
    edge.sync();
    edge.time.run_for(6s);
    edge.archive->tend();
    const std::vector<FileRow> files = *edge.archive->index().files();
    ASSERT_EQ(files.size(), 4U);
    Server server;
    server.start();
    for (const FoundFragment& one : edge.listing().fragments) {
        if (one.file == files[0].id || one.file == files[2].id) {
            ASSERT_TRUE(edge.archive->acknowledge(one.file, one.fragment.offset));
            server.insert(fragment(one.fragment.number - 1000, one.file));
        }
    }
    server.sync();
    ASSERT_EQ(server.gaps(), "outage 3-20");
    edge.archive->use_uplinks({"live/cam"});
    edge.archive->use({.bytes_max = files[0].bytes * 3 / 2, .free_min = 0});
    edge.time.run_for(6s);
    edge.archive->tend();
    EXPECT_EQ(edge.there(), "30 31 32") << "both that the server has, and then the older of the others";
    EXPECT_EQ(edge.archive->counters().unsent_lost, 1U);
    ASSERT_TRUE(server.archive->name_gaps("live/cam", *edge.archive->newest_gaps("live/cam", 256)));
    EXPECT_EQ(server.gaps(), "retention 3-20") << "as the edge says it of all before what it has";
}

TEST(UplinkArchive, row_1_2_each_step_of_a_fragment_has_its_time) {
    Server server;
    server.start();
    UplinkedFragment one = fragment(0);
    one.received = {1'800'000'002'000'000};
    server.insert(one);
    server.sync();
    FoundFragment found = server.listing().fragments.at(0);
    EXPECT_EQ(found.steps.received, one.received);
    ASSERT_TRUE(found.steps.stored);
    EXPECT_FALSE(found.steps.sent || found.steps.served);
    server.archive->note_step(found.file, found.fragment.offset, &FragmentSteps::sent, {5});
    server.archive->note_step(found.file, found.fragment.offset, &FragmentSteps::sent, {6});
    found = server.listing().fragments.at(0);
    EXPECT_EQ(found.steps.sent, WallTime{5}) << "the first time counts";
    FragmentTimes times;
    for (std::uint64_t place = 0; place <= FragmentTimes::kept_max; ++place) {
        times.note(1, place, &FragmentSteps::stored, {7});
    }
    EXPECT_FALSE(times.of(1, 0).stored) << "bounded";
    EXPECT_TRUE(times.of(1, 1).stored);
}

TEST(UplinkArchive, case_104_what_is_there_is_not_written_again_nor_overwritten) {
    Server server;
    server.start();
    server.insert(fragment(0));
    server.insert(fragment(0));
    server.sync();
    server.insert(fragment(0));
    server.sync();
    EXPECT_EQ(server.acknowledged, (Numbers{0, 0, 0}));
    EXPECT_EQ(server.there(), "0");
    UplinkedFragment other = fragment(0);
    other.fragment.size += 1;
    server.insert(other);
    other = fragment(0);
    other.fragment.number = 1900;
    server.insert(other);
    other = fragment(5);
    other.fragment.utc.microseconds = server.time.utc().microseconds + 100'000'000'000;
    server.insert(other);
    EXPECT_EQ(server.refused, (std::vector{Errc::exists, Errc::exists, Errc::refused}));
    EXPECT_EQ(server.there(), "0");
}

TEST(UplinkArchive, f4_a_power_cut_takes_nothing_that_was_acknowledged_and_the_rest_is_taken_again) {
    for (std::uint64_t seed = 1; seed <= 40; ++seed) {
        Server server;
        server.start();
        server.insert(fragment(0));
        server.sync();
        server.insert(fragment(9));
        server.sync();
        SeededRandom dice{seed};
        for (std::uint64_t at = 1; at <= 1 + dice.below(7); ++at) {
            server.insert(fragment(at));
            if (dice.below(2) == 0) {
                server.sync();
            }
        }
        const Numbers acknowledged = server.acknowledged;
        server.folder.cut_power(dice);
        server.start();
        const Listing listing = server.listing();
        for (const std::uint64_t number : acknowledged) {
            EXPECT_EQ(std::ranges::count(listing.fragments, 1000 + number,
                                         [](const FoundFragment& one) { return one.fragment.number; }),
                      1)
                << seed;
        }
        for (std::uint64_t at = 0; at < 10; ++at) {
            server.insert(fragment(at));
        }
        server.sync();
        EXPECT_EQ(server.there(), "0 1 2 3 4 5 6 7 8 9") << seed;
        EXPECT_EQ(server.gaps(), "") << seed;
    }
}

TEST(UplinkArchive, f5_what_a_full_disk_kept_out_of_the_index_is_not_written_twice) {
    Server server;
    server.start();
    server.insert(fragment(0));
    server.sync();
    server.insert(fragment(5));
    server.folder.limits.size_max = server.folder.used();
    server.sync();
    EXPECT_EQ(server.acknowledged, Numbers{0}) << "its bytes are on the disk, but no row could be written";
    server.folder.limits.size_max = UINT64_MAX;
    server.insert(fragment(5));
    EXPECT_EQ(server.acknowledged, (Numbers{0, 5}));
    EXPECT_EQ(server.there(), "0 5");
    EXPECT_EQ(server.gaps(), "outage 1-5") << "nor was the gap before it";
    for (const std::uint64_t at : {1U, 2U, 3U, 4U}) {
        server.insert(fragment(at));
    }
    server.sync();
    EXPECT_EQ(server.there(), "0 1 2 3 4 5");
    EXPECT_EQ(server.gaps(), "");
}

TEST(UplinkArchive, only_what_is_not_acknowledged_is_to_be_sent_and_in_the_order_that_is_wanted) {
    Server edge;
    edge.start();
    for (const std::uint64_t file : {1U, 2U}) {
        for (std::uint64_t at = 0; at < 3; ++at) {
            edge.insert(fragment((file - 1) * 10 + at, file));
        }
    }
    edge.sync();
    const auto numbers = [&](UplinkOrder order, WallTime fresh) {
        std::string text;
        for (const FoundFragment& one : *edge.archive->unacknowledged({"live/cam", order, fresh, 100})) {
            text += fmt::format("{}{}", text.empty() ? "" : " ", one.fragment.number - 1000);
        }
        return text;
    };
    EXPECT_EQ(numbers(UplinkOrder::oldest, always_to), "0 1 2 10 11 12");
    EXPECT_EQ(numbers(UplinkOrder::newest, always_to), "10 11 12 0 1 2") << "each file in its own order";
    EXPECT_EQ(numbers(UplinkOrder::oldest, {1'800'000'000'000'000 + 11'000'000}), "11 12 0 1 2 10");
    const Listing all = edge.listing();
    ASSERT_EQ(all.fragments.size(), 6U);
    ASSERT_TRUE(edge.archive->acknowledge(all.fragments[1].file, all.fragments[1].fragment.offset));
    EXPECT_EQ(numbers(UplinkOrder::oldest, always_to), "0 2 10 11 12");
    EXPECT_EQ(edge.archive->unacknowledged("live/cam")->fragments, 5U);
    EXPECT_TRUE(edge.listing().fragments[1].acknowledged);
    edge.archive->close("node stopped");
    edge.start();
    EXPECT_EQ(numbers(UplinkOrder::oldest, always_to), "0 2 10 11 12") << "a restart goes on";
}

TEST(UplinkArchive, case_95_what_the_server_lacks_goes_last_and_only_for_want_of_room) {
    const auto file = [](std::uint64_t id, bool unsent) {
        return Stock::File{.id = id,
                           .stream = "live/cam",
                           .span = {{static_cast<std::int64_t>(id)}, {static_cast<std::int64_t>(id) + 1}},
                           .bytes = 10,
                           .unsent = unsent};
    };
    const Stock stock{.files = {file(1, true), file(2, false), file(3, true), file(4, false)},
                      .free = 1'000,
                      .now = WallTime{1'000'000'000}};
    EXPECT_EQ(to_remove(stock, {.age_max = 1s, .free_min = 0}), (Numbers{2, 4})) << "never for its age";
    EXPECT_EQ(to_remove(stock, {.bytes_max = 15, .free_min = 0}), (Numbers{2, 4, 1}));
}

/// A fragment of a real camera.
UplinkedFragment film(std::string_view result = {}) {
    TestCamera camera{false};
    Chunker chunker;
    std::vector<std::byte> records;
    FragmentTally tally;
    for (int picture = 0; picture < 26; ++picture) {
        for (const media::AccessUnitRef& unit : camera.next({1'800'000'000'000'000})) {
            chunker.take(unit);
        }
    }
    const auto put = [&](RecordHead head, ByteSpan body) {
        head.body_size = static_cast<std::uint32_t>(body.size());
        head.body_sum = checksum(body);
        (void)tally.add(head, 500 + records.size());
        const auto bytes = head_bytes(head, file_there);
        records.insert(records.end(), bytes.begin(), bytes.end());
        records.insert(records.end(), body.begin(), body.end());
    };
    while (const auto made = chunker.next()) {
        RecordHead head{.flags = static_cast<std::uint8_t>(
                            made->begins ? RecordHead::begins_fragment | RecordHead::key : 0),
                        .fragment = made->cut->number,
                        .dts = made->chunk.dts,
                        .duration = made->chunk.duration,
                        .timescale = 90'000,
                        .utc = {1'800'000'000'000'000}};
        put(head, made->chunk.bytes);
        if (!result.empty()) {
            std::vector<std::byte> said;
            mp4::write_event_head(said, {.body = Bytes::copy(result), .capture = head.utc, .pts = head.dts},
                                  1);
            said.insert(said.end(), as_bytes(result).begin(), as_bytes(result).end());
            head.track = results_track;
            head.flags = 0;
            head.duration = 0;
            put(head, said);
        }
    }
    const std::array tracks{camera.video};
    return {.facts = facts(),
            .init = mp4::init_segment(tracks, mp4::ParameterSets::in_entry),
            .file = file_there,
            .fragment = *tally.finish(),
            .records = Bytes{std::move(records)}};
}

TEST(UplinkArchive, case_104_only_what_is_sound_is_let_in) {
    const UplinkedFragment good = film();
    ASSERT_TRUE(check_uplinked(good));
    EXPECT_TRUE(check_uplinked(film(R"({"n":1})"))) << "results come with their pictures";
    for (const char* wrong : {R"({"n":1}},{"more":2)", "{\"n\":\n1}", "[]", "{"}) {
        EXPECT_FALSE(check_uplinked(film(wrong))) << wrong;
    }
    const auto refused = [&](auto change) {
        UplinkedFragment bad = good;
        change(bad);
        return !check_uplinked(bad);
    };
    EXPECT_TRUE(refused([](UplinkedFragment& one) { one.file = 42; })) << "sums of another file";
    EXPECT_TRUE(refused([](UplinkedFragment& one) { one.facts.run = "../../elsewhere"; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { one.facts.codecs = "avc1\"\n#EXTINF"; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { one.facts.cause = "<script>"; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { ++one.fragment.number; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { ++one.fragment.utc.microseconds; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { ++one.fragment.duration_us; }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) { one.init = Bytes::copy("nonsense"); }));
    EXPECT_TRUE(refused([](UplinkedFragment& one) {
        one.records = one.records.slice(0, one.records.size() - 1);
    })) << "cut";
    for (std::size_t at = 0; at < good.records.size(); at += 97) {
        EXPECT_TRUE(refused([at](UplinkedFragment& one) {
            std::vector<std::byte> bytes{one.records.begin(), one.records.end()};
            bytes[at] ^= std::byte{1};
            one.records = Bytes{std::move(bytes)};
        })) << at;
    }
}

}   // namespace
}   // namespace millrace::archive
