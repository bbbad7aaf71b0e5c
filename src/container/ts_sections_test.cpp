#include "container/ts_sections.hpp"

#include "container/ts_samples.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::ts {
namespace {

/// A section's packets.
std::vector<std::byte> packed(Pid pid, ByteSpan section, std::uint8_t& counter) {
    std::vector<std::byte> payload{std::byte{0}};
    samples::append(payload, section);
    payload.resize((payload.size() + packet_payload_max - 1) / packet_payload_max * packet_payload_max,
                   std::byte{0xFF});
    std::vector<std::byte> out;
    PacketWriter{out, counter, {.pid = pid}, payload.size()}.put(payload);
    return out;
}

std::vector<Bytes> gathered(SectionGatherer& gatherer, ByteSpan packets) {
    std::vector<Bytes> sections;
    for (const Packet& packet : samples::packets_of(packets)) {
        for (Bytes& section : gatherer.take(packet)) {
            sections.push_back(std::move(section));
        }
    }
    return sections;
}

ProgrammeMap map_of(std::size_t streams) {
    ProgrammeMap map{.programme = 7, .version = 3, .clock_pid = 0x100, .streams = {}};
    for (std::size_t i = 0; i < streams; ++i) {
        map.streams.push_back({0x1B, static_cast<Pid>(0x100 + i), {std::byte{5}, std::byte{0}}});
    }
    return map;
}

TEST(TsSections, the_crc_is_that_of_the_standard) {
    EXPECT_EQ(crc32(as_bytes("123456789")), 0x0376E6E7U);   // CRC-32/MPEG-2
}

TEST(TsSections, tables_come_back_also_over_several_packets) {
    SectionGatherer gatherer;
    std::uint8_t counter = 0;
    const std::vector<std::byte> pat = write_pat({7, 0x1000});
    std::vector<Bytes> sections = gathered(gatherer, packed(pat_pid, pat, counter));
    ASSERT_EQ(sections.size(), 1U);
    const auto programmes = flv::samples::sound(read_pat(sections[0]));
    ASSERT_EQ(programmes.size(), 1U);
    EXPECT_EQ(programmes[0], (Programme{7, 0x1000}));

    SectionGatherer maps;
    counter = 0;
    sections = gathered(maps, packed(0x1000, write_pmt(map_of(100)), counter));
    ASSERT_EQ(sections.size(), 1U);
    const ProgrammeMap map = flv::samples::sound(read_pmt(sections[0]));
    EXPECT_EQ(map.programme, 7);
    EXPECT_EQ(map.version, 3);
    EXPECT_EQ(map.streams.size(), 100U);
    EXPECT_EQ(map.streams[99].pid, 0x163);
    EXPECT_EQ(map.streams[99].descriptors.size(), 2U);
}

TEST(TsSections, a_name_longer_than_its_descriptor_is_cut) {
    const std::string name(600, 'n');
    const std::vector<std::byte> sdt = write_sdt({.provider = "Millrace", .name = name});
    EXPECT_LE(sdt.size(), section_size_max);
    EXPECT_EQ(crc32(sdt), 0U);
}

TEST(TsSections, an_sdt_says_whether_its_service_runs) {
    for (const bool running : {true, false}) {
        const std::vector<std::byte> section =
            write_sdt({.number = 7, .running = running, .provider = "Millrace", .name = "live/cam"});
        EXPECT_EQ(read_running(section, 7).value(), running ? Running::yes : Running::no);
        EXPECT_EQ(read_running(section, 8).error().code, Errc::not_found);
        for (std::size_t size = 0; size < section.size(); ++size) {
            const Result<Running> cut = read_running(ByteSpan{section}.first(size), 7);
            EXPECT_TRUE(!cut || *cut == (running ? Running::yes : Running::no)) << size;
        }
    }
    EXPECT_EQ(read_running(write_pat({1, 0x1000}), 1).error().code, Errc::unsupported);
}

TEST(TsSections, case_40_a_section_with_a_bad_crc_is_ignored) {
    SectionGatherer gatherer;
    std::uint8_t counter = 0;
    std::vector<std::byte> pat = write_pat({1, 0x1000});
    pat[9] ^= std::byte{1};
    EXPECT_TRUE(gathered(gatherer, packed(pat_pid, pat, counter)).empty());
    EXPECT_EQ(gatherer.refused(), 1U);
    EXPECT_EQ(gathered(gatherer, packed(pat_pid, write_pat({1, 0x1000}), counter)).size(), 1U);
}

TEST(TsSections, case_40_a_section_length_of_4093_is_ignored) {
    SectionGatherer gatherer;
    std::uint8_t counter = 0;
    std::vector<std::byte> section(4096, std::byte{0x11});
    section[0] = std::byte{0};
    section[1] = std::byte{0xBF};
    section[2] = std::byte{0xFD};
    EXPECT_TRUE(gathered(gatherer, packed(pat_pid, section, counter)).empty());
    EXPECT_EQ(gatherer.refused(), 1U);
    EXPECT_EQ(gathered(gatherer, packed(pat_pid, write_pat({1, 0x1000}), counter)).size(), 1U);
}

TEST(TsSections, case_40_descriptors_beyond_their_section_are_refused) {
    std::vector<std::byte> pmt = write_pmt(map_of(1));
    pmt[16] = std::byte{200};   // ES_info_length
    EXPECT_EQ(read_pmt(pmt).error().code, Errc::malformed);
    pmt = write_pmt(map_of(1));
    pmt[11] = std::byte{200};   // program_info_length
    EXPECT_EQ(read_pmt(pmt).error().code, Errc::malformed);
    EXPECT_FALSE(find_descriptor(media::from_hex("05ff4f707573"), 5).has_value());
}

TEST(TsSections, a_section_is_dropped_when_a_packet_of_it_is_missing) {
    std::uint8_t counter = 0;
    const std::vector<std::byte> whole = packed(0x1000, write_pmt(map_of(100)), counter);
    std::vector<std::byte> damaged = whole;
    damaged.erase(damaged.begin() + packet_size, damaged.begin() + 2 * packet_size);
    SectionGatherer gatherer;
    EXPECT_TRUE(gathered(gatherer, damaged).empty());
    EXPECT_EQ(gatherer.refused(), 1U);
}

TEST(TsSections, damaged_tables_do_no_harm) {
    media::damage(write_pmt(map_of(3)), [](ByteSpan bytes) {
        (void)read_pmt(bytes);
        (void)read_pat(bytes);
        (void)find_descriptor(bytes, 5);
    });
}

}   // namespace
}   // namespace millrace::ts
