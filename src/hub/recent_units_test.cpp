#include "hub/recent_units.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

using Cover = RecentUnits::Cover;

media::AccessUnitRef unit_at(std::int64_t ms, std::size_t size = 100) {
    media::AccessUnit unit{.config = std::make_shared<const media::TrackConfig>()};
    unit.dts = unit.pts = ms * 90;
    unit.payload = Bytes{std::vector<std::byte>(size)};
    return std::make_shared<const media::AccessUnit>(std::move(unit));
}

TEST(RecentUnits, are_found_by_track_and_time_for_ten_seconds_and_eight_megabytes) {
    RecentUnits recent;
    EXPECT_EQ(recent.covers(0, 0), Cover::no);
    for (std::int64_t ms = 0; ms <= 20'000; ms += 40) {
        recent.take(unit_at(ms));
    }
    EXPECT_EQ(recent.find(0, 9'960 * 90), nullptr);
    ASSERT_NE(recent.find(0, 10'000 * 90), nullptr);
    EXPECT_EQ(recent.find(0, 10'000 * 90 + 1), nullptr);
    EXPECT_EQ(recent.find(1, 10'000 * 90), nullptr);
    EXPECT_EQ(recent.bytes(), 251U * 100);
    recent.take(unit_at(20'040, RecentUnits::bytes_max - 100));
    EXPECT_EQ(recent.bytes(), RecentUnits::bytes_max);
    recent.take(unit_at(20'080, RecentUnits::bytes_max + 1));
    EXPECT_EQ(recent.bytes(), 0U);
    recent.take(unit_at(20'120));
    EXPECT_NE(recent.find(0, 20'120 * 90), nullptr);
}

TEST(RecentUnits, say_whether_all_of_a_time_must_be_there) {
    RecentUnits recent;
    for (std::int64_t ms = 1'000; ms <= 3'000; ms += 40) {
        recent.take(unit_at(ms));
    }
    EXPECT_EQ(recent.covers(1'000'000, 3'000'000), Cover::yes);
    EXPECT_EQ(recent.covers(999'999, 3'000'000), Cover::no) << "its beginning did not come";
    EXPECT_EQ(recent.covers(2'000'000, 3'000'001), Cover::not_yet);
    recent.forget_before(2'000'000);
    EXPECT_EQ(recent.covers(1'000'000, 3'000'000), Cover::no);
    EXPECT_EQ(recent.covers(2'000'000, 3'000'000), Cover::yes);
}

TEST(RecentUnits, of_a_time_that_began_anew_nothing_before_is_kept) {
    RecentUnits recent;
    recent.take(unit_at(0));
    recent.take(unit_at(40));
    recent.take(unit_at(0, 50));
    EXPECT_EQ(recent.bytes(), 50U);
    recent.take(unit_at(3'600'000));
    EXPECT_EQ(recent.bytes(), 100U);
    recent.take(unit_at(100));
    EXPECT_EQ(recent.covers(0, 100'000), Cover::no);
    EXPECT_EQ(recent.bytes(), 100U);
}

}   // namespace
}   // namespace millrace::hub
