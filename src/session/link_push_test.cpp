#include "hub/segments_for_tests.hpp"
#include "protocol/link/message.hpp"
#include "session/links_for_tests.hpp"

namespace millrace::session {
namespace {

class LinkPushes : public toys::LinkTest {
protected:
    /// 40 s of pictures of that size, a key frame each second; the longest that any waited.
    Duration show_large(std::size_t size) {
        Duration waited{};
        for (int i = 0; i < 1'000; ++i, at_ms_ += 40) {
            media::AccessUnit unit = picture(at_ms_ % 1'000 == 0);
            std::vector<std::byte> large(size, std::byte{1});
            const std::size_t nal_size = large.size() - 4;
            large[0] = large[1] = std::byte{0};
            large[2] = static_cast<std::byte>(nal_size >> 8U);
            large[3] = static_cast<std::byte>(nal_size & 0xFFU);
            large[4] = unit.key ? std::byte{0x65} : std::byte{0x41};
            unit.payload = Bytes{std::move(large)};
            publisher_->unit(std::move(unit));
            pass(40ms);
            waited = std::max(waited, report().queue_age);
        }
        return waited;
    }
};

TEST_F(LinkPushes, f14_at_20_percent_loss_each_way_every_picture_arrives_and_every_chunk_is_proven) {
    path({.delay = 50ms, .loss = 0.2});
    publish_to(address("live/copy"));
    show(250);
    const std::uint64_t late = pictures("live/copy");
    const std::uint64_t sent = *report().frames_sent;
    EXPECT_GE(late + 15, sent) << "no picture is later than 600 ms";
    pass(2s);
    EXPECT_EQ(pictures("live/copy"), sent);
    const auto copy = at("live/copy");
    EXPECT_GE(copy->chunks.proven, 40U);
    EXPECT_EQ(copy->chunks.different, 0U);
    EXPECT_EQ(copy->chunks.incomplete, 0U);
    EXPECT_EQ(report().skips, 0U);
    EXPECT_GT(network_.counters().lost, 80U);
    ASSERT_TRUE(report().link);
    EXPECT_GT(report().link->resends_by_gap + report().link->resends_by_timer, 5U);
    EXPECT_GT(report().link->loss, 0.05) << "what parity made good is not counted as lost";
    EXPECT_LT(report().link->loss, 0.3);
    EXPECT_GE(report().link->round_trip_min, 100ms);
}

TEST_F(LinkPushes, f16_what_comes_twice_and_out_of_order_is_there_once_and_in_order) {
    path({.delay = 20ms, .duplication = 0.1, .reordering = 0.1, .held_back = 50ms});
    publish_to(address("live/copy"));
    show(5);
    hub::toys::Viewer viewer{world_, world_.desk_b, "live/copy"};
    show(100);
    pass(1s);
    const std::vector<std::int64_t> times = toys::times_of(viewer.read(), 'v');
    ASSERT_GE(times.size(), 100U);
    for (std::size_t i = 1; i < times.size(); ++i) {
        EXPECT_EQ(times[i] - times[i - 1], 40);
    }
    EXPECT_EQ(at("live/copy")->chunks.different, 0U);
    EXPECT_GT(network_.counters().duplicated, 20U);
}

/// The segments of a list, by number: name and bytes; "-" for one that is lacking.
std::map<std::uint64_t, std::string> segments_of(hub::toys::Player& player, const std::string& stream) {
    std::map<std::uint64_t, std::string> found;
    const auto list = player.list(stream);
    for (const hub::SegmentEntryRef& one :
         list && *list ? (**list)->segments : std::vector<hub::SegmentEntryRef>{}) {
        found[one->cut.number] = one->parts.empty()
                                     ? "-"
                                     : fmt::format("{} {:.3f} {}", one->parts.front().name, one->seconds(),
                                                   as_text(one->parts.front().bytes.span()));
    }
    return found;
}

TEST_F(LinkPushes, row_0_11_a_server_lists_the_segments_of_its_edge_by_number_time_name_and_bytes) {
    uplink_ = true;
    path({.delay = 20ms, .loss = 0.05});
    publish_to(address("live/copy"));
    hub::toys::Player here{world_, world_.desk_b, "here"};
    hub::toys::Player there{world_, world_.desk_b, "there"};
    segments_of(here, "live/cam");
    segments_of(there, "live/copy");
    show(350);
    const auto ours = segments_of(here, "live/cam");
    const auto theirs = segments_of(there, "live/copy");
    ASSERT_GE(theirs.size(), 4U);
    for (const auto& [number, segment] : theirs) {
        ASSERT_TRUE(ours.contains(number)) << number;
        EXPECT_EQ(segment, ours.at(number));
    }
    // The link breaks for some segments: these are gaps there, and what follows is the same again.
    path({.loss = 1});
    show(150);
    path({.delay = 20ms});
    show(500);
    const auto then = segments_of(here, "live/cam");
    std::size_t same = 0;
    for (const auto& [number, segment] : segments_of(there, "live/copy")) {
        EXPECT_TRUE(segment == "-" || !then.contains(number) || segment == then.at(number)) << segment;
        same += then.contains(number) && segment == then.at(number) ? 1 : 0;
    }
    EXPECT_GE(same, 3U);
}

TEST_F(LinkPushes, an_end_that_is_said_is_told_at_once) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
    finish();
    pass(200ms);
    const auto copy = at("live/copy");
    EXPECT_TRUE(!copy || copy->state == hub::StreamState::offline);
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
}

TEST_F(LinkPushes, a_server_that_is_gone_is_found_and_called_again) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    path({.loss = 1});
    show(80);
    EXPECT_NE(report().state, hub::ForwardState::live);
    EXPECT_FALSE(report().reason.empty());
    path({.delay = 20ms});
    show(200);
    EXPECT_EQ(report().state, hub::ForwardState::live);
    EXPECT_EQ(report().reconnects(), 1U);
    EXPECT_EQ(at("live/copy")->state, hub::StreamState::live);
}

TEST_F(LinkPushes, what_the_receiver_wishes_reaches_the_encoder) {
    path({.delay = 20ms});
    publish_to(address("live/copy"));
    show(10);
    const int before = publisher_->asks;
    world_.desk_b.executor.run([this] { world_.directory.ask("live/copy", hub::AskBitrate{500'000}); });
    show(10);
    EXPECT_EQ(publisher_->asks, before + 1);
}

TEST_F(LinkPushes, row_0_28_what_applications_say_there_reaches_who_publishes_here) {
    path({.delay = 20ms, .loss = 0.1});
    publish_to(address("live/copy"));
    show(10);
    std::string large = R"({"text":"")";
    large.insert(large.size() - 1, link::Note::bytes_max - large.size() - 1, 'x');
    large += '}';
    for (const std::string& one : {std::string{R"({"light":"on"})"}, large, std::string{"no object"}}) {
        world_.desk_b.executor.run([&] { world_.directory.send_back("live/copy", Bytes::copy(one), {}); });
        show(20);
    }
    EXPECT_EQ(publisher_->heard, (std::vector<std::string>{R"({"light":"on"})", large}));
    EXPECT_EQ(report().reconnects(), 0U);
}

TEST_F(LinkPushes, f15_an_uplink_skips_whole_groups_of_live_pictures_that_are_older_than_its_deadline) {
    const auto longest = [this](Duration deadline) {
        desk_.settings = std::make_shared<const Settings>(Settings{.uplink_deadline = deadline});
        executor_.run([&] { forwards_.use({{"live/cam", address("live/copy"), true}}); });
        const Duration waited = show_large(4'000);
        EXPECT_GT(report().skips, 3U);
        EXPECT_EQ(report().reconnects(), 0U);
        EXPECT_EQ(at("live/copy")->chunks.different, 0U);
        push({});
        pass(5s);
        return waited;
    };
    path({.delay = 20ms, .bytes_per_second = 60'000});   // 60 % of what comes
    publish();
    const Duration soon = longest(1s);
    const Duration late = longest(3s);
    EXPECT_LE(soon, 2s);
    EXPECT_GT(late, 2'500ms);
    EXPECT_LE(late, 4s);
}

struct Narrow {
    std::uint64_t bytes_per_second = 0;   // 60 % of what comes
    std::size_t picture_size = 0;
    std::uint64_t pictures_min = 0;   // of 1,000; the path would carry 600
};

class LinkPushesNarrowly : public LinkPushes, public testing::WithParamInterface<Narrow> {};

TEST_P(LinkPushesNarrowly, what_is_too_much_is_skipped_to_key_frames_and_the_rest_stays_close) {
    path({.delay = 20ms, .bytes_per_second = GetParam().bytes_per_second});
    publish();
    push({address("live/copy")});
    // At any time: a second, the group that began within it, and what the link holds.
    EXPECT_LE(show_large(GetParam().picture_size), 2'500ms);
    EXPECT_GT(report().skips, 3U);
    EXPECT_GT(pictures("live/copy"), GetParam().pictures_min);
    EXPECT_EQ(report().reconnects(), 0U);
    ASSERT_TRUE(report().link);
    EXPECT_EQ(at("live/copy")->chunks.different, 0U);
}

INSTANTIATE_TEST_SUITE_P(Paths, LinkPushesNarrowly,
                         testing::Values(Narrow{150'000, 10'000, 450}, Narrow{60'000, 4'000, 400},
                                         Narrow{30'000, 2'000, 350}));

}   // namespace
}   // namespace millrace::session
