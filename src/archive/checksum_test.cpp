#include "archive/checksum.hpp"

#include "archive/files_for_tests.hpp"

namespace millrace::archive {
namespace {

// RFC 3720 §B.4 and the check value that every description of CRC-32C gives.
TEST(Checksum, is_that_of_the_standard) {
    EXPECT_EQ(checksum(as_bytes("123456789")), 0xE3069283U);
    EXPECT_EQ(checksum(std::vector<std::byte>(32)), 0x8A9136AAU);
    EXPECT_EQ(checksum(std::vector<std::byte>(32, std::byte{0xFF})), 0x62A8AB43U);
}

// Bit by bit, as the standard says it.
TEST(Checksum, is_that_of_the_polynomial_for_any_length) {
    const std::vector<std::byte> bytes = body(5, 100);
    std::uint32_t sum = ~0U;
    for (std::size_t at = 0; at < bytes.size(); ++at) {
        EXPECT_EQ(checksum(ByteSpan{bytes}.first(at)), ~sum) << at;
        sum ^= std::to_integer<std::uint32_t>(bytes[at]);
        for (int bit = 0; bit < 8; ++bit) {
            sum = (sum >> 1U) ^ ((sum & 1U) != 0 ? 0x82F63B78U : 0U);
        }
    }
}

TEST(Checksum, goes_on_from_any_place) {
    const std::vector<std::byte> bytes = body(3, 61);
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        const ByteSpan all{bytes};
        EXPECT_EQ(checksum(all.subspan(at), checksum(all.first(at))), checksum(all)) << at;
    }
}

}   // namespace
}   // namespace millrace::archive
