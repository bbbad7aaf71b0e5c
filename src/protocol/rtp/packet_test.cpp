#include "protocol/rtp/packet.hpp"
#include "media/test_bytes.hpp"
#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtp {
namespace {

using media::from_hex;

TEST(Packet, reads_header_sources_extension_and_padding) {
    // V=2, P, X, CC=1, M, PT 96, sequence 0x0102, time 0x03040506, SSRC, one CSRC, extension of one word
    const Bytes bytes = from_hex("b1e0 0102 03040506 0708090a aaaaaaaa bede0001 11ff0000 414243 0002");
    const Result<Packet> packet = read_packet(bytes);
    ASSERT_TRUE(packet);
    EXPECT_TRUE(packet->header.marker);
    EXPECT_EQ(packet->header.payload_type, 96);
    EXPECT_EQ(packet->header.sequence, 0x0102);
    EXPECT_EQ(packet->header.timestamp, 0x03040506U);
    EXPECT_EQ(packet->header.ssrc, 0x0708090AU);
    EXPECT_EQ(as_text(packet->payload), "ABC");
    ASSERT_TRUE(find_element(*packet, 1));
    EXPECT_EQ(find_element(*packet, 1)->size(), 2U);
    EXPECT_FALSE(find_element(*packet, 2));
    media::damage(bytes, [](ByteSpan damaged) {
        if (const auto read = read_packet(damaged)) {
            find_element(*read, 1);
        }
    });
}

TEST(Packet, case_22_refuses_what_does_not_fit) {
    const char* const rows[] = {
        "00600000 00000000 00000000 41",            // version 0
        "8f600000 00000000 00000000 00000000",      // CSRC 15 beyond the packet
        "90600000 00000000 00000000 bede0009 00",   // extension beyond the packet
        "a0600000 00000000 00000000 4105",          // padding of five in two bytes
        "a0600000 00000000 00000000 4100",          // of none
        "a0600000 00000000 00000000",               // and of nothing
        "80600000 00000000 000000",                 // cut
    };
    for (const char* row : rows) {
        EXPECT_FALSE(read_packet(from_hex(row))) << row;
    }
    const Bytes empty = from_hex("80600000 00000000 00000000");
    ASSERT_TRUE(read_packet(empty));
    Result<Receiver> receiver = Receiver::make({}, {});
    receiver->receive(empty, Instant{});
    EXPECT_EQ(receiver->counters().packets_refused, 1U);
}

TEST(Packet, turns_utc_into_ntp_and_back) {
    const WallTime now{1'790'000'000'123'456};
    EXPECT_EQ(utc_of(ntp_of(now)), now);
    EXPECT_EQ(ntp_of(WallTime{0}), NtpTime{2'208'988'800} << 32U);
    EXPECT_EQ(utc_of(0).seconds(), (std::int64_t{1} << 32) - 2'208'988'800);   // 2036
    EXPECT_TRUE(believable_utc(ntp_of(now)));
    EXPECT_FALSE(
        believable_utc(ntp_of(WallTime{1'000'000})));   // a camera that counts since it was switched on
}

TEST(Unwrapper, sees_numbers_that_wrap_as_those_that_do_not) {
    SequenceUnwrapper sequence;
    EXPECT_EQ(sequence.follow(65'534), 65'534);
    EXPECT_EQ(sequence.follow(1), 65'537);
    EXPECT_EQ(sequence.extend(65'535), 65'535);
    TimestampUnwrapper times;
    EXPECT_EQ(times.follow(0xFFFFFF00U), 0xFFFFFF00);
    EXPECT_EQ(times.follow(0x100), 0x1'0000'0100);
    EXPECT_EQ(times.follow(0xFFFFFFFF), 0xFFFFFFFF);
}

}   // namespace
}   // namespace millrace::rtp
