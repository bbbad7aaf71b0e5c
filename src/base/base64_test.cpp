#include "base/base64.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Base64, writes_and_reads_the_vectors_of_rfc_4648) {
    struct Row {
        std::string_view plain, coded;
    };
    const Row rows[] = {{"", ""},
                        {"f", "Zg=="},
                        {"fo", "Zm8="},
                        {"foo", "Zm9v"},
                        {"foob", "Zm9vYg=="},
                        {"fooba", "Zm9vYmE="},
                        {"foobar", "Zm9vYmFy"}};
    for (const Row& row : rows) {
        EXPECT_EQ(encode_base64(as_bytes(row.plain)), row.coded);
        const auto read = decode_base64_loosely(row.coded);
        ASSERT_TRUE(read);
        EXPECT_EQ(as_text(*read), row.plain);
    }
}

TEST(Base64, reads_what_others_write_and_no_more) {
    EXPECT_EQ(as_text(*decode_base64_loosely("Zm 9v\r\nYg")), "foob");
    EXPECT_EQ(*decode_base64_loosely("-_8"), *decode_base64_loosely("+/8="));
    EXPECT_FALSE(decode_base64_loosely("Zm9vY"));
    EXPECT_FALSE(decode_base64_loosely("Zg==Zg"));
    EXPECT_FALSE(decode_base64_loosely("Zm9,"));
}

}   // namespace
}   // namespace millrace
