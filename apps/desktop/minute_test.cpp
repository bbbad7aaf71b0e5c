#include "apps/desktop/minute.hpp"

#include "apps/desktop/course.hpp"
#include "apps/desktop/mailbox.hpp"

#include <gtest/gtest.h>

namespace millrace::apps {
namespace {

Instant at(double seconds) {
    return Instant::from_nanoseconds(static_cast<std::int64_t>(seconds * 1e9));
}

TEST(Minute, forgets_what_is_older_than_a_minute) {
    Minute minute;
    for (int second = 0; second <= 90; ++second) {
        minute.add(at(second), 10);
    }
    const auto lines = minute.lines(at(90));
    ASSERT_EQ(lines.size(), 1U);
    EXPECT_EQ(lines[0].size(), 61U);
    EXPECT_DOUBLE_EQ(lines[0].front().across, 0);
    EXPECT_DOUBLE_EQ(lines[0].back().across, 1);
}

TEST(Minute, leaves_a_gap_where_there_was_no_number) {
    Minute minute;
    minute.add(at(1), 1);
    minute.add(at(2), 2);
    minute.add(at(3), std::nullopt);
    minute.add(at(4), 5);
    const auto lines = minute.lines(at(61));
    ASSERT_EQ(lines.size(), 2U);
    EXPECT_EQ(lines[0].size(), 2U);
    EXPECT_DOUBLE_EQ(lines[1][0].up, 1);
}

TEST(Minute, keeps_no_more_than_ten_a_second) {
    Minute minute;
    for (int i = 0; i < 100; ++i) {
        minute.add(at(i * 0.05), 1);
    }
    EXPECT_LE(minute.lines(at(5))[0].size(), 51U);
}

TEST(Minute, reaches_up_to_a_round_number) {
    for (const auto& [number, top] : std::vector<std::pair<double, double>>{
             {0, 0}, {1, 1}, {1.1, 2}, {29.9, 50}, {0.03, 0.05}, {5e6, 5e6}, {2.01e6, 5e6}, {501, 1000}}) {
        Minute minute;
        minute.add(at(1), number);
        EXPECT_DOUBLE_EQ(minute.top(), top) << number;
    }
}

TEST(Course, row_4_9_buttons_do_what_would_work_and_nothing_else) {
    Course course;
    EXPECT_TRUE(course.can_start());
    EXPECT_FALSE(course.stop());
    EXPECT_TRUE(course.start());
    EXPECT_FALSE(course.start());
    EXPECT_TRUE(course.can_stop());
    EXPECT_TRUE(course.stop());
    EXPECT_FALSE(course.can_start()) << "the node still says its end";
    EXPECT_FALSE(course.can_stop());
    course.ended();
    EXPECT_TRUE(course.can_start());
    EXPECT_EQ(name(course.state()), "stopped");
}

TEST(Course, follows_a_node_that_ends_by_itself) {
    Course course;
    course.start();
    course.ended();
    EXPECT_TRUE(course.can_start());
    EXPECT_FALSE(course.can_stop());
}

TEST(Mailbox, tells_once_and_holds_only_the_newest) {
    Mailbox<int> mailbox;
    EXPECT_TRUE(mailbox.put(1).tell);
    const auto left = mailbox.put(2);
    EXPECT_FALSE(left.tell);
    EXPECT_EQ(left.displaced, 1);
    EXPECT_EQ(mailbox.take(), 2);
    EXPECT_EQ(mailbox.take(), std::nullopt);
    EXPECT_TRUE(mailbox.put(3).tell);
}

}   // namespace
}   // namespace millrace::apps
