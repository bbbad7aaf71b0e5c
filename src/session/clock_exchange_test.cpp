#include "session/clock_exchange.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

constexpr Instant now = Instant::from_nanoseconds(5'000'000'000);
constexpr WallTime received{1'800'000'000'000'042};

TEST(ClockExchange, answers_with_what_it_was_asked_and_two_times_of_its_own) {
    const auto answer =
        ClockExchange{}.hear(as_bytes(R"({"t":"clock","c":1795199730983.50})"), now, received);
    ASSERT_TRUE(answer && *answer);
    EXPECT_EQ(ClockExchange::finish(**answer, {1'800'000'000'001'007}),
              R"({"t":"clock","c":1795199730983.50,"r":1800000000000.042,"s":1800000000001.007})");
}

TEST(ClockExchange, takes_any_number_and_leaves_other_words_alone) {
    for (const std::string_view number : {"0", "-1.5", "1e3", "18446744073709551615"}) {
        const std::string asked = R"({"c":)" + std::string{number} + R"(,"t":"clock"})";
        const auto answer = ClockExchange{}.hear(as_bytes(asked), now, received);
        ASSERT_TRUE(answer && *answer) << number;
        EXPECT_TRUE((*answer)->contains(R"("c":)" + std::string{number} + ",")) << **answer;
    }
    for (const std::string_view other : {R"({"t":"hello"})", R"({})", R"({"t":5})"}) {
        const auto answer = ClockExchange{}.hear(as_bytes(other), now, received);
        EXPECT_TRUE(answer && !*answer) << other;
    }
}

TEST(ClockExchange, case_60_what_is_no_question_ends_the_conversation) {
    const std::string long_one = R"({"t":"clock","c":1,"x":")" + std::string(300, 'x') + R"("})";
    for (const std::string_view wrong : std::initializer_list<std::string_view>{
             "", "clock", "[]", R"({"t":"clock"})", R"({"t":"clock","c":"1"})", R"({"t":"clock","c":true})",
             R"({"t":"clock","c":null})", R"({"t":"clock","c":[1]})", R"({"t":"clock","c":1,"c":2})",
             long_one}) {
        EXPECT_FALSE(ClockExchange{}.hear(as_bytes(wrong), now, received)) << wrong;
    }
}

TEST(ClockExchange, hears_ten_questions_a_second) {
    ClockExchange exchange;
    const ByteSpan question = as_bytes(R"({"t":"clock","c":1})");
    for (int i = 0; i < 10; ++i) {
        EXPECT_TRUE(exchange.hear(question, now, received)) << i;
    }
    EXPECT_FALSE(exchange.hear(question, now, received));
    EXPECT_TRUE(exchange.hear(question, now + 1s, received));
}

}   // namespace
}   // namespace millrace::session
