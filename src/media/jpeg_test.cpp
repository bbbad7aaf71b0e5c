#include "media/jpeg.hpp"

#include "media/jpeg_for_tests.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media::jpeg {
namespace {

/// libavcodec's encoder, 16x16, 4:4:4 with tables of its own.
constexpr std::string_view encoded =
    "ffd8ffe000104a46494600010200000100010000fffe00104c61766335392e33372e31303000ffdb004300080a0a0b0a0b0d0d0d"
    "0d0d0d100f101010101010101010101012121215151512121210101212141415151717171515151517171919191e1e1c1c232324"
    "2b2b33ffc40071000101000000000000000000000000000005060101000301000000000000000000000000060203010410000300"
    "02020104020301000000000000030201041105120006213113414214233222110001040201040203010000000000000001040302"
    "1105122131140013150641233242ffc00011080010001003011200021200031200ffda000c03010002110311003f0099b8c7e178"
    "1c4208ce23ffd9";

TEST(Jpeg, reads_what_an_encoder_wrote) {
    const Result<Facts> facts = read(from_hex(encoded));
    ASSERT_TRUE(facts) << facts.error().what;
    EXPECT_EQ(facts->width, 16U);
    EXPECT_EQ(facts->height, 16U);
    EXPECT_EQ(facts->components, 3);
    EXPECT_TRUE(facts->huffman_tables);
    EXPECT_FALSE(facts->progressive);
    EXPECT_EQ(facts->size, from_hex(encoded).size());
}

TEST(Jpeg, finds_where_a_padded_picture_ends) {
    Sample sample;
    const std::size_t size = sample.bytes().size();
    sample.end.resize(20);
    const Result<Facts> facts = read(sample.bytes());
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->size, size);
    EXPECT_FALSE(facts->huffman_tables);
}

TEST(Jpeg, takes_a_picture_that_speaks_of_boundaries) {
    const Sample sample{640, 480, "\r\n--frame\r\nContent-Type: image/jpeg\r\n\r\n"};
    const Result<Facts> facts = read(sample.bytes());
    ASSERT_TRUE(facts);
    EXPECT_EQ(facts->width, 640U);
    EXPECT_EQ(facts->height, 480U);
}

struct Broken {
    std::string_view name;
    void (*breaks)(Sample& sample);
    Errc code = Errc::malformed;
};

void set(std::vector<std::byte>& part, std::size_t at, unsigned value) {
    part.at(at) = static_cast<std::byte>(value);
}

constexpr Broken broken[] = {
    {"width 0", [](Sample& s) { s.frame = Sample::frame_header(0, 16); }},
    {"65,535 squared", [](Sample& s) { s.frame = Sample::frame_header(65'535, 65'535); }},
    {"one too wide", [](Sample& s) { s.frame = Sample::frame_header(16'385, 16); }},
    {"height said later", [](Sample& s) { s.frame = Sample::frame_header(16, 0); }, Errc::unsupported},
    {"12 bits", [](Sample& s) { set(s.frame, 4, 12); }, Errc::unsupported},
    {"lossless", [](Sample& s) { set(s.frame, 1, 0xC3); }, Errc::unsupported},
    {"arithmetic", [](Sample& s) { set(s.frame, 1, 0xC9); }, Errc::unsupported},
    {"no components", [](Sample& s) { set(s.frame, 9, 0); }},
    {"more components than there are", [](Sample& s) { set(s.frame, 9, 3); }},
    {"sampling 0", [](Sample& s) { set(s.frame, 11, 0x01); }},
    {"sampling 5", [](Sample& s) { set(s.frame, 11, 0x15); }},
    {"a table that was not given", [](Sample& s) { set(s.frame, 12, 1); }},
    {"a table that cannot be", [](Sample& s) { set(s.frame, 12, 4); }},
    {"a quantiser of 0", [](Sample& s) { set(s.tables, 30, 0); }},
    {"a cut table", [](Sample& s) { s.tables = segment(0xDB, from_hex("00 01 02 03")); }},
    {"table 4", [](Sample& s) { set(s.tables, 4, 4); }},
    {"no tables", [](Sample& s) { s.tables.clear(); }},
    {"no frame", [](Sample& s) { s.frame.clear(); }},
    {"two frames", [](Sample& s) { s.tables.insert(s.tables.end(), s.frame.begin(), s.frame.end()); }},
    {"no scan", [](Sample& s) { s.scan.clear(); }},
    {"a scan of nobody", [](Sample& s) { set(s.scan, 5, 2); }},
    {"a scan of none", [](Sample& s) { set(s.scan, 4, 0); }},
    {"a segment without length", [](Sample& s) { set(s.tables, 3, 1), set(s.tables, 2, 0); }},
    {"no end", [](Sample& s) { s.end.clear(); }},
    {"a Huffman table of nothing",
     [](Sample& s) { s.tables = segment(0xC4, Bytes{std::vector(17, std::byte{})}); }},
    {"a Huffman table that is cut",
     [](Sample& s) { s.tables = segment(0xC4, Bytes{std::vector(17, std::byte{1})}); }},
    {"a restart marker before the scan", [](Sample& s) { set(s.tables, 1, 0xD0); }},
    {"too many segments",
     [](Sample& s) {
         s.tables.clear();
         for (std::size_t i = 0; i < segments_max; ++i) {
             const auto one = segment(0xFE, {});
             s.tables.insert(s.tables.end(), one.begin(), one.end());
         }
     },
     Errc::exhausted},
};

TEST(Jpeg, case_89_passes_no_picture_whose_markers_are_not_sane) {
    ASSERT_TRUE(read(Sample{}.bytes()));
    for (const Broken& one : broken) {
        Sample sample;
        one.breaks(sample);
        const Result<Facts> facts = read(sample.bytes());
        ASSERT_FALSE(facts) << one.name;
        EXPECT_EQ(facts.error().code, one.code) << one.name << ": " << facts.error().what;
    }
}

TEST(Jpeg, takes_fill_bytes_and_any_order_of_what_stands_before_a_scan) {
    Sample sample;
    std::vector<std::byte> filled(5, std::byte{0xFF});
    filled.insert(filled.end(), sample.frame.begin() + 1, sample.frame.end());
    sample.frame = std::exchange(sample.tables, filled);
    EXPECT_TRUE(read(sample.bytes()));
}

TEST(Jpeg, survives_damage) {
    damage(from_hex(encoded), [](ByteSpan bytes) { [[maybe_unused]] const auto facts = read(bytes); });
    EXPECT_EQ(read(Bytes{std::vector<std::byte>(bytes_max + 1)}).error().code, Errc::exhausted);
}

TEST(Jpeg, keeps_the_configuration_while_the_size_stays) {
    const ConfigRef first = config_from({.width = 640, .height = 480});
    EXPECT_EQ(first->codec, Codec::mjpeg);
    EXPECT_EQ(first->codec_string, "mjpeg");
    EXPECT_EQ(first->timescale, 90'000);
    EXPECT_EQ(config_from({.width = 640, .height = 480}, first), first);
    const ConfigRef second = config_from({.width = 640, .height = 360}, first);
    EXPECT_FALSE(second->same_coding(*first));
    EXPECT_FALSE(config_of(0, 480));
    EXPECT_FALSE(config_of(640, side_max + 1));
}

}   // namespace
}   // namespace millrace::media::jpeg
