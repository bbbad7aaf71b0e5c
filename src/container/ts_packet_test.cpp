#include "container/ts_packet.hpp"

#include "container/ts_samples.hpp"
#include "container/ts_sync.hpp"

#include <gtest/gtest.h>

namespace millrace::ts {
namespace {

std::vector<std::byte> counting(std::size_t size) {
    std::vector<std::byte> bytes(size);
    for (std::size_t i = 0; i < size; ++i) {
        bytes[i] = static_cast<std::byte>(i);
    }
    return bytes;
}

std::vector<std::byte> gather(ByteSpan packets, Pid pid) {
    std::vector<std::byte> payload;
    for (const Packet& packet : samples::packets_of(packets)) {
        EXPECT_EQ(packet.pid, pid);
        samples::append(payload, packet.payload);
    }
    return payload;
}

TEST(TsPacket, a_unit_of_every_size_fills_whole_packets_and_comes_back) {
    const UnitHead heads[] = {{.pid = 0x100},
                              {.pid = 0x101, .random_access = true},
                              {.pid = 0x102, .random_access = true, .discontinuity = true, .pcr = 12345}};
    for (const UnitHead& head : heads) {
        for (std::size_t size = 1; size <= 3 * packet_size; ++size) {
            std::vector<std::byte> out;
            std::uint8_t counter = 14;
            const std::vector<std::byte> unit = counting(size);
            PacketWriter writer{out, counter, head, size};
            writer.put(ByteSpan{unit}.first(size / 3));
            writer.put(ByteSpan{unit}.subspan(size / 3));
            const std::vector<Packet> packets = samples::packets_of(out);
            ASSERT_EQ(gather(out, head.pid), unit) << size;
            EXPECT_EQ(packets.front().pcr, head.pcr);
            EXPECT_EQ(packets.front().discontinuity, head.discontinuity);
            EXPECT_EQ(packets.front().random_access, head.random_access);
            for (std::size_t i = 0; i < packets.size(); ++i) {
                EXPECT_EQ(packets[i].starts, i == 0);
                EXPECT_EQ(packets[i].counter, (14 + i) % 16);
            }
            EXPECT_EQ(counter, (14 + packets.size()) % 16);
        }
    }
}

TEST(TsPacket, a_clock_packet_has_the_counter_of_the_packet_before_and_33_bits) {
    for (const std::int64_t time : {std::int64_t{0}, std::int64_t{1}, clock_wrap - 1, clock_wrap + 5}) {
        std::vector<std::byte> out;
        append_clock_packet(out, {.pid = 0x100, .pcr = time}, 0);
        const Packet packet = samples::packets_of(out).front();
        EXPECT_FALSE(packet.has_payload);
        EXPECT_EQ(packet.counter, 15);
        EXPECT_EQ(packet.pcr, time % clock_wrap);
    }
}

TEST(TsPacket, case_39_an_adaptation_field_longer_than_its_packet_is_malformed) {
    std::vector<std::byte> packet(packet_size, std::byte{0xFF});
    packet[0] = sync_byte;
    packet[3] = std::byte{0x30};
    for (unsigned length = 0; length <= 255; ++length) {
        packet[4] = static_cast<std::byte>(length);
        packet[5] = std::byte{0};
        EXPECT_EQ(read_packet(packet).has_value(), length <= 183) << length;
    }
    packet[4] = std::byte{1};
    packet[5] = std::byte{0x10};   // a clock in a field of one byte
    EXPECT_FALSE(read_packet(packet).has_value());
}

std::size_t found(PacketFinder& finder, ByteSpan input) {
    std::size_t packets = 0;
    while (!finder.next(input).empty()) {
        ++packets;
    }
    return packets;
}

TEST(TsPacketFinder, case_39_finds_its_packets_again_after_any_number_of_bytes_was_lost) {
    std::vector<std::byte> stream;
    for (int i = 0; i < 12; ++i) {
        append_clock_packet(stream, {.pid = 0x100, .pcr = 0}, 0);
    }
    for (std::size_t lost = 1; lost < packet_size; ++lost) {
        std::vector<std::byte> damaged = stream;
        damaged.erase(damaged.begin() + 700, damaged.begin() + 700 + static_cast<std::ptrdiff_t>(lost));
        PacketFinder finder;
        std::size_t packets = found(finder, damaged);
        finder.end();
        packets += found(finder, {});
        EXPECT_GE(packets, 10U) << lost;
        EXPECT_EQ(finder.losses(), 1U) << lost;
    }
}

TEST(TsPacketFinder, believes_no_bytes_that_only_look_like_a_packet) {
    std::vector<std::byte> stream(1000, std::byte{0x47});   // sync bytes at every distance
    stream.resize(1100);
    for (int i = 0; i < 6; ++i) {
        append_clock_packet(stream, {.pid = 0x100, .pcr = 0}, 0);
    }
    PacketFinder finder;
    std::size_t sound = 0;
    for (ByteSpan input = stream;;) {
        const ByteSpan packet = finder.next(input);
        if (packet.empty()) {
            break;
        }
        const Result<Packet> read = read_packet(packet);
        sound += read && read->pid == 0x100 && read->pcr ? 1 : 0;
    }
    EXPECT_GE(sound, 5U);
    std::vector<std::byte> noise(100'000);
    PacketFinder other;
    EXPECT_EQ(found(other, noise), 0U);
}

}   // namespace
}   // namespace millrace::ts
