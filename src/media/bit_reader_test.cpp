#include "media/bit_reader.hpp"

#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

#include <array>
#include <random>

namespace millrace::media {

TEST(BitReader, reads_bits_across_bytes) {
    const Bytes bytes = from_hex("a5 0f ff 00 12 34");
    BitReader reader{bytes};
    EXPECT_EQ(reader.bits(1), 1U);
    EXPECT_EQ(reader.bits(7), 0x25U);
    EXPECT_EQ(reader.bits(12), 0x0FFU);
    EXPECT_EQ(reader.bits(0), 0U);
    EXPECT_EQ(reader.bits(28), 0xF001234U);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(reader.at_end());
    EXPECT_EQ(reader.bits(1), 0U);
    EXPECT_FALSE(reader.ok());
}

TEST(BitReader, leaves_out_emulation_prevention_bytes) {
    const Bytes nal = from_hex("00 00 03 01 00 00 03 00 00 03 03");
    BitReader reader{nal, BitReader::Form::nal};
    EXPECT_EQ(reader.bits(32), 0x00000100U);
    EXPECT_EQ(reader.bits(32), 0x00000003U);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(reader.at_end());
    BitReader plain{nal};
    EXPECT_EQ(plain.bits(32), 0x00000301U);
}

TEST(BitReader, reads_exp_golomb_codes) {
    const Bytes bytes = BitWriter{}.ue(0).ue(1).ue(254).ue(0xFFFFFFFE).se(0).se(1).se(-1).se(-5000).plain();
    BitReader reader{bytes};
    EXPECT_EQ(reader.ue(), 0U);
    EXPECT_EQ(reader.ue(), 1U);
    EXPECT_EQ(reader.ue(), 254U);
    EXPECT_EQ(reader.ue(), 0xFFFFFFFEU);
    EXPECT_EQ(reader.se(), 0);
    EXPECT_EQ(reader.se(), 1);
    EXPECT_EQ(reader.se(), -1);
    EXPECT_EQ(reader.se(), -5000);
    EXPECT_TRUE(reader.ok());
}

TEST(BitReader, case_86_refuses_exp_golomb_of_32_zeros_and_more) {
    const Bytes zeros_32 = from_hex("00000000 ffffffffff");
    BitReader reader{zeros_32};
    EXPECT_EQ(reader.ue(), 0U);
    EXPECT_FALSE(reader.ok());
    const Bytes only_zeros = from_hex("000000000000000000000000");
    BitReader endless{only_zeros};
    EXPECT_EQ(endless.se(), 0);
    EXPECT_FALSE(endless.ok());
}

TEST(BitReader, refuses_codes_beyond_their_limit) {
    const Bytes bytes = BitWriter{}.ue(31).ue(32).plain();
    BitReader reader{bytes};
    EXPECT_EQ(reader.ue(31), 31U);
    EXPECT_TRUE(reader.ok());
    EXPECT_EQ(reader.ue(31), 0U);
    EXPECT_FALSE(reader.ok());
}

TEST(BitReader, skips_more_than_there_is_without_going_round) {
    const Bytes bytes = from_hex("0123456789");
    BitReader reader{bytes};
    reader.skip(36);
    EXPECT_EQ(reader.bits(4), 9U);
    reader.skip(SIZE_MAX);
    EXPECT_FALSE(reader.ok());
}

/// Bytes among which emulation prevention is frequent.
std::vector<std::byte> bytes_of_zeros_and_threes(std::minstd_rand& random) {
    constexpr std::array<unsigned, 6> values{0, 0, 0, 1, 3, 0xA5};
    std::vector<std::byte> bytes(random() % 40);
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(values[random() % values.size()]);
    }
    return bytes;
}

TEST(BitReader, skips_as_if_it_read) {
    std::minstd_rand random{1};
    for (int round = 0; round < 20'000; ++round) {
        const std::vector<std::byte> bytes = bytes_of_zeros_and_threes(random);
        const auto form = random() % 2 == 0 ? BitReader::Form::nal : BitReader::Form::plain;
        BitReader skipping{bytes, form};
        BitReader reading{bytes, form};
        const auto begun = static_cast<unsigned>(random() % 33);
        ASSERT_EQ(skipping.bits(begun), reading.bits(begun));
        const std::size_t count = random() % 300;
        skipping.skip(count);
        for (std::size_t i = 0; i < count; ++i) {
            reading.bits(1);
        }
        ASSERT_EQ(skipping.ok(), reading.ok());
        ASSERT_EQ(skipping.byte_aligned(), reading.byte_aligned());
        ASSERT_EQ(skipping.at_end(), reading.at_end());
        ASSERT_EQ(skipping.bits(32), reading.bits(32)) << count << " bits behind " << begun;
        ASSERT_EQ(skipping.ok(), reading.ok());
    }
}

TEST(BitReader, reads_codes_as_their_bits_say) {
    std::minstd_rand random{2};
    for (int round = 0; round < 20'000; ++round) {
        const std::vector<std::byte> bytes = bytes_of_zeros_and_threes(random);
        BitReader codes{bytes, BitReader::Form::nal};
        BitReader bits{bytes, BitReader::Form::nal};
        for (int i = 0; i < 20 && codes.ok(); ++i) {
            unsigned zeros = 0;
            while (zeros < 32 && bits.ok() && !bits.flag()) {
                ++zeros;
            }
            const bool whole = zeros < 32 && bits.ok();
            const std::uint32_t value = whole ? (1U << zeros) - 1U + bits.bits(zeros) : 0;
            ASSERT_EQ(codes.ue(), value);
            ASSERT_EQ(codes.ok(), whole && bits.ok());
        }
    }
}

}   // namespace millrace::media
