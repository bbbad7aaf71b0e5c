#include "base/bytes.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/connection.hpp"
#include "base/result.hpp"
#include "base/time.hpp"

#include <gtest/gtest.h>

namespace millrace {
namespace {

TEST(Bytes, share_memory_instead_of_copying) {
    std::vector<std::byte> vector(100, std::byte{7});
    const std::byte* const memory = vector.data();
    const Bytes bytes{std::move(vector)};
    EXPECT_EQ(bytes.data(), memory);
    Bytes part;
    {
        const Bytes copy = bytes;
        part = copy.slice(90, 10);
    }
    EXPECT_EQ(part.data(), memory + 90);
    EXPECT_EQ(part.size(), 10U);
    EXPECT_EQ(part, bytes.slice(0, 10));
    EXPECT_NE(part, bytes);
    EXPECT_TRUE(Bytes{}.empty());
    EXPECT_EQ(Bytes{}, Bytes::copy(""));
    EXPECT_EQ(as_text(Bytes::copy("abc")), "abc");
}

TEST(ByteReader, reads_what_a_ByteWriter_wrote) {
    std::vector<std::byte> out;
    ByteWriter writer{out};
    writer.u8(0xAB);
    writer.u16(0xABCD);
    writer.u24(0xABCDEF);
    writer.u32(0x89ABCDEF);
    writer.u64(0x0123456789ABCDEF);
    writer.u32_little_endian(0x01020304);
    writer.f64(1.5);
    writer.text("text");
    writer.zeros(2);
    EXPECT_EQ(writer.size(), 36U);
    ByteReader reader{out};
    EXPECT_EQ(reader.u8(), 0xABU);
    EXPECT_EQ(reader.u16(), 0xABCDU);
    EXPECT_EQ(reader.u24(), 0xABCDEFU);
    EXPECT_EQ(reader.u32(), 0x89ABCDEFU);
    EXPECT_EQ(reader.u64(), 0x0123456789ABCDEFU);
    EXPECT_EQ(reader.rest()[0], std::byte{4});
    EXPECT_EQ(reader.u32_little_endian(), 0x01020304U);
    EXPECT_EQ(std::bit_cast<double>(reader.u64()), 1.5);
    EXPECT_EQ(as_text(reader.take(4)), "text");
    EXPECT_EQ(reader.remaining(), 2U);
    reader.skip(2);
    EXPECT_TRUE(reader.ok());
    EXPECT_TRUE(reader.at_end());
}

TEST(ByteReader, gives_zeros_and_stays_not_ok_past_the_end) {
    std::vector<std::byte> bytes(8, std::byte{0xFF});
    for (std::size_t length = 0; length < 8; ++length) {
        ByteReader reader{std::span{bytes}.first(length)};
        EXPECT_EQ(reader.u64(), 0U) << length;
        EXPECT_FALSE(reader.ok());
        EXPECT_TRUE(reader.at_end());
        EXPECT_EQ(reader.u8(), 0U);
        EXPECT_TRUE(reader.take(1).empty());
        EXPECT_TRUE(reader.take(0).empty());
        EXPECT_FALSE(reader.ok());
    }
    ByteReader reader{bytes};
    EXPECT_TRUE(reader.take(SIZE_MAX).empty());
    EXPECT_FALSE(reader.ok());
}

TEST(Result, names_every_error) {
    for (auto code = 0; code <= static_cast<int>(Errc::io); ++code) {
        EXPECT_NE(name(static_cast<Errc>(code)), "unknown");
    }
    const Result<int> failed = fail(Errc::refused, "not allowed");
    EXPECT_EQ(failed.error().what, "not allowed");
}

TEST(Instant, never_is_later_than_all_and_stays_never) {
    EXPECT_EQ(Instant::never() + 1s, Instant::never());
    EXPECT_EQ(Instant::never() - 1s, Instant::never());
    EXPECT_LT(Instant{} + 1h, Instant::never());
    EXPECT_EQ((Instant{} + 3s) - (Instant{} + 1s), 2s);
}

TEST(Endpoint, writes_ipv6_in_brackets) {
    EXPECT_EQ((Endpoint{"2001:db8::1", 80}.text()), "[2001:db8::1]:80");
    EXPECT_EQ((Endpoint{"192.0.2.1", 80}.text()), "192.0.2.1:80");
}

}   // namespace
}   // namespace millrace
