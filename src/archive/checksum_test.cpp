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

TEST(Checksum, goes_on_from_any_place) {
    const std::vector<std::byte> bytes = body(3, 61);
    for (std::size_t at = 0; at <= bytes.size(); ++at) {
        const ByteSpan all{bytes};
        EXPECT_EQ(checksum(all.subspan(at), checksum(all.first(at))), checksum(all)) << at;
    }
}

}   // namespace
}   // namespace millrace::archive
