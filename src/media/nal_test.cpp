#include "media/nal.hpp"

#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media {

namespace {

std::vector<Bytes> copies(const std::vector<ByteSpan>& nals) {
    std::vector<Bytes> copied;
    for (const ByteSpan nal : nals) {
        copied.push_back(Bytes::copy(nal));
    }
    return copied;
}

}   // namespace

TEST(Nal, splits_lengths_of_1_2_and_4_bytes) {
    const std::vector<Bytes> expected = {from_hex("aabb"), from_hex("cc")};
    EXPECT_EQ(copies(*split_length_prefixed(from_hex("02aabb 01cc"), 1)), expected);
    EXPECT_EQ(copies(*split_length_prefixed(from_hex("0002aabb 0001cc"), 2)), expected);
    EXPECT_EQ(copies(*split_length_prefixed(from_hex("00000002aabb 00000001cc"), 4)), expected);
    EXPECT_TRUE(split_length_prefixed({}, 4)->empty());
}

TEST(Nal, case_8_refuses_a_length_size_of_3) {
    EXPECT_EQ(split_length_prefixed(from_hex("000001cc"), 3).error().code, Errc::malformed);
    EXPECT_EQ(split_length_prefixed(from_hex("000001cc"), 0).error().code, Errc::malformed);
}

TEST(Nal, case_9_leaves_out_empty_nals_and_refuses_a_length_beyond_the_buffer) {
    EXPECT_EQ(copies(*split_length_prefixed(from_hex("00000000 00000001cc 00000000"), 4)),
              std::vector<Bytes>{from_hex("cc")});
    EXPECT_EQ(split_length_prefixed(from_hex("ffffffff cc"), 4).error().code, Errc::malformed);
    EXPECT_EQ(split_length_prefixed(from_hex("00000002 cc"), 4).error().code, Errc::malformed);
    EXPECT_EQ(split_length_prefixed(from_hex("000000"), 4).error().code, Errc::malformed);
}

TEST(Nal, bounds_the_number_of_nals) {
    const std::vector<std::byte> one_byte_each(2 * (nals_per_access_unit_max + 1), std::byte{1});
    EXPECT_EQ(split_length_prefixed(one_byte_each, 1).error().code, Errc::exhausted);
    std::vector<std::byte> start_codes;
    for (std::size_t i = 0; i < nals_per_access_unit_max + 10; ++i) {
        for (const unsigned byte : {0U, 0U, 1U, 9U}) {
            start_codes.push_back(static_cast<std::byte>(byte));
        }
    }
    EXPECT_EQ(split_annex_b(start_codes).size(), nals_per_access_unit_max + 1);
}

TEST(Nal, splits_annex_b_at_start_codes_of_3_and_4_bytes) {
    const struct {
        const char* stream;
        std::vector<Bytes> nals;
    } table[] = {
        {"00000001 6742 000001 68ce 00000001 6588", {from_hex("6742"), from_hex("68ce"), from_hex("6588")}},
        {"000001 0900 0000 000001 41", {from_hex("09"), from_hex("41")}},
        {"ffff 000001 41", {from_hex("41")}},
        {"000001 000001 41 000001", {from_hex("41")}},
        {"000001 41 0000 0301", {from_hex("4100000301")}},
        {"41420001", {}},
        {"0000", {}},
        {"", {}},
    };
    for (const auto& row : table) {
        const Bytes stream = from_hex(row.stream);
        EXPECT_EQ(copies(split_annex_b(stream)), row.nals) << row.stream;
        damage(stream, [](ByteSpan bytes) { split_annex_b(bytes); });
    }
}

TEST(Nal, appends_what_the_split_takes_apart) {
    std::vector<std::byte> out;
    append_nal(out, from_hex("6588"));
    append_nal(out, from_hex("41"));
    EXPECT_EQ(Bytes{out}, from_hex("000000026588 0000000141"));
}

}   // namespace millrace::media
