#include "media/av1.hpp"

#include "media/nal.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media::av1 {

namespace {

// SVT-AV1 and libaom (8 and 10 bits), cut after the first bytes of their frames.
constexpr std::string_view svt_key = "1200 0a0b000000043cfeccfbf90040 3204 1400a220";
constexpr std::string_view svt_inter = "1200 3204 32010404";
constexpr std::string_view aom_header = "0a0b000000043cfeccdaf90040";
constexpr std::string_view aom10_header = "0a0b000000043cfeccdaf94040";

}   // namespace

TEST(Av1, reads_sequence_headers_of_encoders) {
    const struct {
        std::string_view obu;
        std::uint32_t width;
        std::uint32_t height;
        const char* codec_string;
    } table[] = {
        {"0a0b000000043cfeccfbf90040", 320, 180, "av01.0.00M.08"},
        {aom_header, 320, 180, "av01.0.00M.08"},
        {aom10_header, 320, 180, "av01.0.00M.10"},
    };
    for (const auto& row : table) {
        const Bytes obu = from_hex(row.obu);
        const Result<TrackConfig> config = config_from(obu);
        ASSERT_TRUE(config) << row.obu;
        EXPECT_EQ(config->codec, Codec::av1);
        EXPECT_EQ(config->width, row.width);
        EXPECT_EQ(config->height, row.height);
        EXPECT_EQ(config->codec_string, row.codec_string);
        EXPECT_EQ(config->extra, obu);
        damage(obu, [](ByteSpan bytes) { EXPECT_FALSE(config_from(bytes) && bytes.size() < 9); });
    }
}

TEST(Av1, reads_the_frame_rate_where_it_is_constant) {
    const auto header = [](std::uint32_t units, std::uint32_t scale) {
        BitWriter out;
        out.bits(0, 3).bits(0, 2).bits(1, 1).bits(units, 32).bits(scale, 32).bits(1, 1).bits(1, 1);
        out.bits(0, 2).bits(0, 5).bits(0, 12).bits(31, 5).bits(
            1, 1);   // one operating point, level 31, tier high
        out.bits(15, 4).bits(15, 4).bits(1919, 16).bits(1079, 16);
        out.bits(0, 1).bits(0, 3).bits(0, 4).bits(0, 1).bits(0, 2).bits(0, 3);
        out.bits(0, 4).bits(0, 4);
        return out.plain();
    };
    const Result<SequenceHeader> sequence = read_sequence_header(header(1001, 60000));
    ASSERT_TRUE(sequence);
    EXPECT_DOUBLE_EQ(sequence->frame_rate, 60000.0 / 1001);
    EXPECT_EQ(sequence->width, 1920U);
    EXPECT_EQ(codec_string(*sequence), "av01.0.31H.08");
    EXPECT_EQ(read_sequence_header(header(0, 60000))->frame_rate, 0);
    EXPECT_EQ(read_sequence_header(header(1, 0))->frame_rate, 0);
    EXPECT_EQ(read_sequence_header(header(1, 0xFFFFFFFF))->frame_rate, 0);
}

TEST(Av1, case_86_refuses_a_picture_beyond_belief) {
    // Level 0, and the largest size that 16 bits say.
    const Bytes header = BitWriter{}
                             .bits(0, 3)
                             .bits(0b11, 2)
                             .bits(0, 5)
                             .bits(0xFF, 8)
                             .bits(0xFFFF, 16)
                             .bits(0xFFFF, 16)
                             .bits(0, 32)
                             .plain();
    EXPECT_EQ(read_sequence_header(header).error().code, Errc::malformed);
}

TEST(Av1, splits_temporal_units_and_puts_them_together) {
    const Bytes unit = from_hex(svt_key);
    const Result<std::vector<Obu>> obus = split_obus(unit);
    ASSERT_TRUE(obus);
    ASSERT_EQ(obus->size(), 3U);
    EXPECT_EQ((*obus)[0].type, ObuType::temporal_delimiter);
    EXPECT_EQ((*obus)[1].type, ObuType::sequence_header);
    EXPECT_EQ((*obus)[2].type, ObuType::frame);
    std::vector<std::byte> again;
    for (const Obu& obu : *obus) {
        append_obu(again, obu);
    }
    EXPECT_EQ(Bytes{again}, unit);
    EXPECT_EQ(split_temporal_unit(unit)->at(1).size(), 13U);
}

TEST(Av1, takes_a_last_obu_without_size_and_gives_it_one) {
    const Result<std::vector<Obu>> obus = split_obus(from_hex("1200 30aabbcc"));
    ASSERT_TRUE(obus);
    ASSERT_EQ(obus->size(), 2U);
    std::vector<std::byte> out;
    append_obu(out, Obu{.type = ObuType::frame, .header = 0x30, .payload = as_bytes("abc")});
    EXPECT_EQ(Bytes{out}, from_hex("3203616263"));
}

TEST(Av1, refuses_obu_sizes_beyond_the_input) {
    for (const std::string_view unit :
         {"32ff", "3204aabbcc", "32ffffffffffffffffff01", "36", "b200", "32808080808080808001"}) {
        EXPECT_EQ(split_obus(from_hex(unit)).error().code, Errc::malformed) << unit;
    }
    EXPECT_EQ(
        split_obus(std::vector<std::byte>(2 * nals_per_access_unit_max + 2, std::byte{0x12})).error().code,
        Errc::malformed);
    std::vector<std::byte> many;
    for (std::size_t i = 0; i <= nals_per_access_unit_max; ++i) {
        append_obu(many, Obu{.type = ObuType::padding, .header = 0x7A});
    }
    EXPECT_EQ(split_obus(many).error().code, Errc::exhausted);
}

TEST(Av1, tells_temporal_units_that_start_with_a_key_frame) {
    EXPECT_TRUE(starts_with_key_frame(from_hex(svt_key)));
    EXPECT_FALSE(starts_with_key_frame(from_hex(svt_inter)));
    EXPECT_FALSE(starts_with_key_frame(from_hex("1200 0a0b000000043cfeccfbf90040 3204 32010404")));
    EXPECT_FALSE(starts_with_key_frame({}));
    damage(from_hex(svt_key), [](ByteSpan bytes) { starts_with_key_frame(bytes); });
}

TEST(Av1, reads_and_writes_av1c_as_ffmpeg_does) {
    const Bytes record = from_hex("81000c00 0a0b000000043cfeccdaf90040");
    const Result<TrackConfig> config = read_av1c(record);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->extra, from_hex(aom_header));
    EXPECT_EQ(Bytes{write_av1c(*config)}, record);
    EXPECT_EQ(Bytes{write_av1c(*config_from(from_hex(aom10_header)))}.span()[2], std::byte{0x4C});
    EXPECT_FALSE(read_av1c(from_hex("81000c00")));
    EXPECT_FALSE(read_av1c(from_hex("01000c00 0a0b000000043cfeccdaf90040")));
    EXPECT_TRUE(write_av1c(TrackConfig{}).empty());
    damage(record, [](ByteSpan bytes) { EXPECT_FALSE(read_av1c(bytes) && bytes.size() < 12); });
}

}   // namespace millrace::media::av1
