#include "base/hops.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

constexpr std::string_view a = "0123456789abcdef";
constexpr std::string_view b = "fedcba9876543210";

TEST(Hops, are_read_as_they_were_written) {
    Hops hops;
    hops.add(a);
    hops.add(b);
    hops.add(a);
    EXPECT_EQ(hops.text(), "0123456789abcdef,fedcba9876543210");
    EXPECT_EQ(Hops::parse(hops.text()), hops);
    EXPECT_EQ(Hops::parse(" 0123456789abcdef , fedcba9876543210 "), hops);
    EXPECT_TRUE(hops.contains(b));
    EXPECT_TRUE(hops.meets(Hops::parse(b)));
    EXPECT_FALSE(hops.meets({}));
}

TEST(Hops, case_85_what_is_no_id_is_passed_over_and_there_is_an_end_to_them) {
    for (const std::string_view text :
         {"", ",", "0123456789abcde", "0123456789ABCDEF", "0123456789abcdef0", "\r\nX: y", ",,,,"}) {
        EXPECT_TRUE(Hops::parse(text).empty()) << text;
    }
    EXPECT_EQ(Hops::parse("x,0123456789abcdef").text(), a);
    std::string many;
    for (int i = 0; i < 1000; ++i) {
        many += fmt::format("{:016x},", i);
    }
    EXPECT_EQ(Hops::parse(many).text().size(), Hops::count_max * (Hops::id_size + 1) - 1);
}

}   // namespace
}   // namespace millrace
