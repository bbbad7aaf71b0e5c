#include "container/mp4_box.hpp"

#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

TEST(Mp4Box, sizes_are_those_of_all_that_was_written_inside) {
    std::vector<std::byte> out;
    {
        const OpenBox moof{out, four_cc("moof")};
        const OpenBox mfhd{out, four_cc("mfhd"), 1, 0x020304};
        ByteWriter{out}.u32(7);
    }
    EXPECT_EQ(out, flv::samples::from_hex("00000018 6d6f6f66 00000010 6d666864 01 020304 00000007"));
}

TEST(Mp4Box, case_90_what_is_wrong_is_told_with_the_box_it_is_in) {
    struct Broken {
        const char* hex;
        const char* says;
    };
    const Broken table[] = {
        {"00000010 6d6f6f66 00000000 74726166", "moof(traf: a box of size 0 inside another)"},
        {"00000010 6d6f6f66 00000001 74726166", "moof(traf: a box cut short in its header)"},
        {"00000010 6d6f6f66 00000007 74726166", "moof(traf: a box smaller than its header)"},
        {"00000010 6d6f6f66 00000009 74726166", "moof(traf: a box larger than what holds it)"},
        {"00000018 6d6f6f66 00000001 74726166 0000000000000008", "moof(traf: a box smaller than its header)"},
        {"00000018 6d6f6f66 00000001 74726166 ffffffffffffffff",
         "moof(traf: a box larger than what holds it)"},
        {"0000000c 6d6f6f66 00000000", "moof(: too few bytes for a box)"},
    };
    for (const Broken& broken : table) {
        EXPECT_EQ(samples::tree(flv::samples::from_hex(broken.hex)), broken.says) << broken.hex;
    }
}

TEST(Mp4Box, a_size_of_64_bits_is_read) {
    const std::vector<std::byte> box = flv::samples::from_hex("00000001 66726565 0000000000000012 abcd");
    BoxPath path;
    ByteSpan bytes = box;
    const Result<Box> read = take_box(bytes, path);
    ASSERT_TRUE(read);
    EXPECT_EQ(read->body.size(), 2U);
    EXPECT_TRUE(bytes.empty());
}

TEST(Mp4Box, nesting_has_an_end) {
    BoxPath path;
    for (std::size_t i = 0; i < BoxPath::depth_max; ++i) {
        EXPECT_TRUE(path.enter(four_cc("udta")));
    }
    const Result<> deeper = path.enter(four_cc("udta"));
    ASSERT_FALSE(deeper);
    EXPECT_EQ(deeper.error().code, Errc::exhausted);
}

TEST(Mp4Box, names_that_are_no_text_do_not_break_a_log_line) {
    EXPECT_EQ(text_of(0x6D000AFF), "m...");
}

}   // namespace
}   // namespace millrace::mp4
