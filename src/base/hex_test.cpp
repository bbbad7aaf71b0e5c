#include "base/hex.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Hex, bytes_become_digits_and_bytes_again) {
    const std::vector<std::byte> bytes{std::byte{0}, std::byte{0x9f}, std::byte{0xa0}, std::byte{0xff}};
    EXPECT_EQ(hex_text(bytes), "009fa0ff");
    EXPECT_EQ(hex_bytes("009FA0ff"), bytes);
    EXPECT_EQ(hex_bytes(""), std::vector<std::byte>{});
}

TEST(Hex, what_is_no_digit_is_nothing) {
    for (const std::string_view text : {"0", "0g", "@0", "0x10", "1 ", "-1", "`a"}) {
        EXPECT_FALSE(hex_bytes(text)) << text;
    }
}

}   // namespace
}   // namespace millrace
