#include "media/sei.hpp"

#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media {

TEST(Sei, finds_a_message_behind_others) {
    const Bytes nal = from_hex("01 02 aabb 06 01 c4 80");
    std::optional<BitReader> message = find_sei(nal, sei_recovery_point);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->u8(), 0xC4);
    EXPECT_FALSE(find_sei(nal, sei_user_data_unregistered));
}

TEST(Sei, steps_over_emulation_prevention) {
    // A payload of four bytes, 00 00 01 02, which has five in the NAL unit.
    const Bytes nal = from_hex("05 04 00000301 02 06 01 c4 80");
    std::optional<BitReader> message = find_sei(nal, sei_recovery_point);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->u8(), 0xC4);
}

TEST(Sei, reads_types_and_sizes_of_several_bytes) {
    std::vector<std::byte> nal;
    for (const unsigned byte : {0xFFU, 0x01U, 0xFFU, 0x2DU}) {   // type 256, size 300
        nal.push_back(static_cast<std::byte>(byte));
    }
    nal.resize(nal.size() + 300, std::byte{0x55});
    nal.push_back(std::byte{6});
    nal.push_back(std::byte{1});
    nal.push_back(std::byte{0xC4});
    EXPECT_TRUE(find_sei(nal, 256));
    EXPECT_TRUE(find_sei(nal, sei_recovery_point));
}

TEST(Sei, case_87_a_size_beyond_the_nal_unit_ends_the_search) {
    EXPECT_FALSE(find_sei(from_hex("05 ffffffffffffffff10 aabb"), sei_recovery_point));
    EXPECT_FALSE(find_sei(from_hex("05 ff"), sei_recovery_point));
    EXPECT_FALSE(find_sei(from_hex("ff"), sei_recovery_point));
    EXPECT_FALSE(find_sei({}, sei_recovery_point));
    std::optional<BitReader> cut = find_sei(from_hex("06 05"), sei_recovery_point);
    ASSERT_TRUE(cut);
    cut->ue();
    EXPECT_FALSE(cut->ok());
}

TEST(Sei, case_87_sixteen_megabytes_are_looked_through_only_at_their_beginning) {
    const std::size_t size = std::size_t{16} << 20U;
    EXPECT_FALSE(find_sei(std::vector<std::byte>(size, std::byte{0xFF}), sei_recovery_point));
    // Empty messages without end.
    EXPECT_FALSE(find_sei(std::vector<std::byte>(size, std::byte{0}), sei_recovery_point));
}

TEST(Sei, survives_damage) {
    damage(from_hex("05 04 00000301 02 06 01 c4 80"), [](ByteSpan bytes) {
        if (std::optional<BitReader> message = find_sei(bytes, sei_recovery_point)) {
            message->ue();
        }
    });
}

}   // namespace millrace::media
