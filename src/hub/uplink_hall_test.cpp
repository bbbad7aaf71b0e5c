#include "hub/uplink_hall.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

Hops node(char digit) {
    return Hops::parse(std::string(Hops::id_size, digit));
}

TEST(UplinkHall, case_103_a_key_is_one_boxs_and_two_that_stay_are_an_alarm) {
    UplinkHall boxes;
    Instant now = Instant{} + 1h;
    {
        const auto live = boxes.enter("gate", node('a'), now);
        const auto log = boxes.enter("gate", node('a'), now);
        ASSERT_TRUE(live && log) << "both links of one box";
        ASSERT_TRUE(boxes.enter("yard", node('b'), now));
        EXPECT_EQ(boxes.enter("gate", node('b'), now).error().code, Errc::exists);
        EXPECT_FALSE(boxes.alarms("gate", now)) << "the first one may have been killed just now";
        now = now + 6s;
        EXPECT_FALSE(boxes.enter("gate", node('b'), now));
        EXPECT_TRUE(boxes.alarms("gate", now));
        EXPECT_FALSE(boxes.enter("gate", node('b'), now + 1s));
        EXPECT_FALSE(boxes.alarms("gate", now + 1s)) << "once a minute";
        EXPECT_TRUE(boxes.alarms("gate", now + 61s));
    }
    EXPECT_TRUE(boxes.enter("gate", node('b'), now)) << "the first one is gone";
}

TEST(UplinkHall, who_says_no_node_or_proves_no_key_is_not_held_to_one) {
    UplinkHall boxes;
    const auto first = boxes.enter("", node('a'), {});
    EXPECT_TRUE(boxes.enter("", node('b'), {}));
    const auto second = boxes.enter("gate", Hops{}, {});
    EXPECT_TRUE(boxes.enter("gate", node('b'), {}));
}

TEST(UplinkHall, the_newest_publisher_of_a_stream_is_found_as_long_as_it_is_there) {
    UplinkHall hall;
    const media::AccessUnit unit{.config = std::make_shared<const media::TrackConfig>()};
    const media::TimedMessage message{.body = Bytes::copy("{}"), .capture = {1}};
    const auto is_there = [&] {
        const bool unit_is = hall.find("live/cam", unit.track, unit.dts) != nullptr;
        const auto said = hall.find_message("live/cam", media::key_of(message));
        EXPECT_EQ(said.has_value(), unit_is);
        return unit_is;
    };
    EXPECT_FALSE(is_there());
    auto first = std::make_unique<UplinkHall::Live>(hall, "live/cam");
    first->take(unit);
    first->take(message);
    EXPECT_TRUE(is_there());
    EXPECT_EQ(hall.covers("live/cam", 0, 0), RecentUnits::Cover::yes);
    auto second = std::make_unique<UplinkHall::Live>(hall, "live/cam");
    first->take(unit);
    first->take(message);
    EXPECT_FALSE(is_there()) << "the first one is no longer looked into";
    second->take(unit);
    second->take(message);
    first.reset();
    EXPECT_TRUE(is_there());
    hall.forget_before("live/cam", 1'000'000'000);
    EXPECT_FALSE(is_there());
    second.reset();
    EXPECT_EQ(hall.covers("live/cam", 0, 0), RecentUnits::Cover::no);
}

}   // namespace
}   // namespace millrace::hub
