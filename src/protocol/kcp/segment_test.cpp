#include "protocol/kcp/segment.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

constexpr std::uint32_t conv = 0x1122'3344;

std::vector<std::byte> bytes_of(std::string_view hex) {
    std::vector<std::byte> bytes;
    for (std::size_t i = 0; i + 1 < hex.size(); i += hex[i] == ' ' ? 1 : 2) {
        if (hex[i] != ' ') {
            bytes.push_back(static_cast<std::byte>(std::stoul(std::string{hex.substr(i, 2)}, nullptr, 16)));
        }
    }
    return bytes;
}

struct Golden {
    const char* what;
    std::string_view hex;
    Segment segment;
};

const Golden golden[] = {
    {"a push of three bytes",
     "44332211 51 02 8000 e8030000 05000000 04000000 03000000 616263",
     {conv, Command::push, 2, 128, 1'000, 5, 4, as_bytes("abc")}},
    {"a push of nothing",
     "44332211 51 00 2000 00000000 00000000 00000000 00000000",
     {conv, Command::push, 0, 32, 0, 0, 0, {}}},
    {"an acknowledgement at the end of the numbers",
     "44332211 52 00 ffff ffffffff ffffffff 00000000 00000000",
     {conv, Command::ack, 0, 65'535, 0xffff'ffff, 0xffff'ffff, 0, {}}},
    {"the question for a window",
     "44332211 53 00 0001 00000000 00000000 07000000 00000000",
     {conv, Command::ask_window, 0, 256, 0, 0, 7, {}}},
    {"the answer to it",
     "44332211 54 00 0000 00000000 00000000 07000000 00000000",
     {conv, Command::tell_window, 0, 0, 0, 0, 7, {}}},
};

TEST(KcpSegment, reads_and_writes_golden_datagrams) {
    for (const Golden& one : golden) {
        std::vector<std::byte> written;
        append(written, one.segment);
        EXPECT_EQ(written, bytes_of(one.hex)) << one.what;
        std::vector<Segment> read;
        ASSERT_TRUE(read_datagram(written, conv, read)) << one.what;
        ASSERT_EQ(read.size(), 1U) << one.what;
        std::vector<std::byte> again;
        append(again, read[0]);
        EXPECT_EQ(again, written) << one.what;
    }
}

TEST(KcpSegment, reads_a_packed_datagram_and_ignores_a_short_rest) {
    std::vector<std::byte> datagram;
    for (const Golden& one : golden) {
        append(datagram, one.segment);
    }
    datagram.resize(datagram.size() + header_size - 1);
    std::vector<Segment> read;
    ASSERT_TRUE(read_datagram(datagram, conv, read));
    EXPECT_EQ(read.size(), std::size(golden));
    EXPECT_EQ(as_text(read[0].payload), "abc");
    EXPECT_EQ(conversation_of(datagram).value(), conv);
}

TEST(KcpSegment, case_37_refuses_what_is_short_strange_or_too_long) {
    std::vector<std::byte> good;
    append(good, golden[0].segment);
    std::vector<Segment> read;
    for (std::size_t size = 0; size < good.size(); ++size) {
        EXPECT_FALSE(read_datagram(ByteSpan{good}.first(size), conv, read)) << size;
    }
    EXPECT_FALSE(read_datagram(good, conv + 1, read));
    for (const int command : {0, 80, 85, 255}) {
        std::vector<std::byte> strange = good;
        strange[4] = static_cast<std::byte>(command);
        EXPECT_FALSE(read_datagram(strange, conv, read)) << command;
    }
    std::vector<std::byte> endless = good;
    endless[23] = std::byte{0xff};
    EXPECT_FALSE(read_datagram(endless, conv, read));
    EXPECT_FALSE(conversation_of({}));
}

TEST(KcpSegment, compares_numbers_around_their_wrap) {
    EXPECT_EQ(ahead(0, 0xffff'ffff), 1);
    EXPECT_EQ(ahead(0xffff'fff0, 16), -32);
    EXPECT_EQ(ahead(7, 7), 0);
}

}   // namespace
}   // namespace millrace::kcp
