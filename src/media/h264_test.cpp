#include "media/h264.hpp"

#include "media/h264_config.hpp"
#include "media/video_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

namespace millrace::media::h264 {

namespace {

/// An SPS of the baseline profile with what the tests of bad values turn.
struct SpsWriter {
    std::uint32_t ref_frames = 1;
    std::uint32_t columns_less_1 = 39;
    std::uint32_t rows_less_1 = 29;
    std::array<std::uint32_t, 4> crop{};
    std::optional<std::pair<std::uint32_t, std::uint32_t>> timing;   ///< units in tick, time scale

    Bytes write() const {
        BitWriter out;
        out.bits(0x67, 8).bits(66, 8).bits(0, 8).bits(30, 8);
        out.ue(0).ue(0).ue(2).ue(ref_frames).bits(0, 1);   // id, frame_num, poc_type, references, gaps
        out.ue(columns_less_1).ue(rows_less_1).bits(1, 1).bits(1, 1);
        const bool cropped = crop != std::array<std::uint32_t, 4>{};
        out.bits(cropped ? 1 : 0, 1);
        for (unsigned i = 0; cropped && i < 4; ++i) {
            out.ue(crop[i]);
        }
        out.bits(timing ? 1 : 0, 1);
        if (timing) {
            out.bits(0, 4).bits(1, 1).bits(timing->first, 32).bits(timing->second, 32).bits(1, 1);
            out.bits(0, 4);   // no HRD, no pic_struct, no bitstream restriction
        }
        return out.nal();
    }
};

}   // namespace

TEST(H264, reads_sizes_rates_and_names_of_encoders_output) {
    for (const CodedStream& stream : h264_streams()) {
        const NalUnits nals{stream.pictures.front()};
        const Result<Sps> sps = read_sps(nals.spans[0]);
        ASSERT_TRUE(sps) << stream.name;
        EXPECT_EQ(sps->width, stream.width) << stream.name;
        EXPECT_EQ(sps->height, stream.height) << stream.name;
        EXPECT_DOUBLE_EQ(sps->frame_rate, stream.frame_rate) << stream.name;
        EXPECT_EQ(sps->reorder_frames, stream.reorder_frames) << stream.name;
        EXPECT_EQ(codec_string(*sps), stream.codec_string) << stream.name;
    }
}

TEST(H264, reads_slice_types_and_qp_as_ffmpeg_does) {
    for (const CodedStream& stream : h264_streams()) {
        const NalUnits first{stream.pictures.front()};
        const Result<Sps> sps = read_sps(first.spans[0]);
        const Result<Pps> pps = read_pps(first.spans[1]);
        ASSERT_TRUE(sps && pps) << stream.name;
        for (const CodedPicture& picture : stream.pictures) {
            const NalUnits nals{picture};
            const auto slice_nal =
                std::ranges::find_if(nals.spans, [](ByteSpan nal) { return is_vcl(type_of(nal)); });
            const Result<Slice> slice = read_slice(*slice_nal, *sps, *pps);
            ASSERT_TRUE(slice) << stream.name << picture.nals.back();
            EXPECT_EQ(slice->type, picture.type) << stream.name << picture.nals.back();
            EXPECT_EQ(slice->qp, picture.qp) << stream.name << picture.nals.back();
        }
    }
}

TEST(H264, case_86_refuses_impossible_sequence_parameter_sets) {
    EXPECT_TRUE(read_sps(SpsWriter{}.write()));
    EXPECT_EQ(read_sps(SpsWriter{}.write())->width, 640U);
    const struct {
        const char* what;
        SpsWriter sps;
    } table[] = {
        {"width 2^31", {.columns_less_1 = (1U << 27U) - 1}},
        {"width 2^36", {.columns_less_1 = 0xFFFFFFFE}},
        {"height 2^31", {.rows_less_1 = (1U << 27U) - 1}},
        {"255 reference frames", {.ref_frames = 255}},
        {"cropping of all columns", {.crop = {320, 0, 0, 0}}},
        {"cropping beyond the picture", {.crop = {0, 0, 200, 100}}},
        {"cropping that would overflow", {.crop = {0xFFFFFFFE, 0xFFFFFFFE, 0, 0}}},
    };
    for (const auto& row : table) {
        const Result<Sps> sps = read_sps(row.sps.write());
        ASSERT_FALSE(sps) << row.what;
        EXPECT_EQ(sps.error().code, Errc::malformed) << row.what;
    }
}

TEST(H264, case_86_timing_of_zero_is_no_frame_rate) {
    const std::map<std::pair<std::uint32_t, std::uint32_t>, double> table = {
        {{0, 0}, 0},   {{0, 50}, 0},         {{1, 0}, 0},
        {{1, 50}, 25}, {{1, 0xFFFFFFFF}, 0}, {{0xFFFFFFFF, 1}, 1.0 / 8589934590}};
    for (const auto& [timing, rate] : table) {
        const Result<Sps> sps = read_sps(SpsWriter{.timing = timing}.write());
        ASSERT_TRUE(sps);
        EXPECT_DOUBLE_EQ(sps->frame_rate, rate) << timing.first << "/" << timing.second;
    }
}

TEST(H264, case_86_takes_pps_ids_to_255_only) {
    const auto pps = [](std::uint32_t id) {
        return BitWriter{}
            .bits(0x68, 8)
            .ue(id)
            .ue(0)
            .bits(0, 2)
            .ue(0)
            .ue(0)
            .ue(0)
            .bits(0, 3)
            .se(0)
            .se(0)
            .se(0)
            .bits(0, 3)
            .nal();
    };
    EXPECT_EQ(read_pps(pps(255))->id, 255);
    EXPECT_FALSE(read_pps(pps(256)));
    EXPECT_FALSE(read_pps(pps(0xFFFFFFFE)));
}

TEST(H264, ignores_a_broken_vui) {
    const Bytes whole = SpsWriter{.timing = {{1, 50}}}.write();
    const Result<Sps> sps = read_sps(whole.span().first(whole.size() - 4));
    ASSERT_TRUE(sps);
    EXPECT_EQ(sps->width, 640U);
    EXPECT_EQ(sps->frame_rate, 0);
}

TEST(H264, survives_damaged_parameter_sets_and_slices) {
    for (const CodedStream& stream : h264_streams()) {
        const NalUnits first{stream.pictures.front()};
        const Sps sps = *read_sps(first.spans[0]);
        const Pps pps = *read_pps(first.spans[1]);
        damage(first.spans[0], [](ByteSpan bytes) { EXPECT_FALSE(read_sps(bytes) && bytes.size() < 8); });
        damage(first.spans[1], [](ByteSpan bytes) { EXPECT_FALSE(read_pps(bytes) && bytes.size() < 3); });
        for (const CodedPicture& picture : stream.pictures) {
            const NalUnits nals{picture};
            damage(nals.spans.back(), [&](ByteSpan bytes) {
                EXPECT_FALSE(read_slice(bytes, sps, pps) && bytes.size() < 3);
                EXPECT_FALSE(read_slice_start(bytes) && bytes.size() < 2);
            });
        }
    }
}

TEST(H264, reads_and_writes_avcc_as_ffmpeg_does) {
    const struct {
        const char* record;
        std::uint32_t width;
        const char* codec_string;
    } table[] = {
        {"0164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d96 01000668ebe3cb22c0 fdf8f800",
         640, "avc1.64001e"},
        {"017a000dffe10018677a000db6cb40a043f1f808800001f480007530078a1550 01000668ef0f2cc00b fefafa00", 320,
         "avc1.7a000d"},
        {"0142c00affe100166742c00ad902c4ec0440000003004000000783c48992 01000568cb83cb20", 176, "avc1.42c00a"},
    };
    for (const auto& row : table) {
        const Bytes record = from_hex(row.record);
        const Result<AvcConfiguration> read = read_avcc(record);
        ASSERT_TRUE(read) << row.record;
        EXPECT_EQ(read->length_size, 4U);
        EXPECT_EQ(read->config.codec, Codec::h264);
        EXPECT_EQ(read->config.width, row.width);
        EXPECT_EQ(read->config.codec_string, row.codec_string);
        EXPECT_EQ(Bytes{write_avcc(read->config)}, record) << row.record;
        damage(record, [](ByteSpan bytes) { EXPECT_FALSE(read_avcc(bytes) && bytes.size() < 20); });
    }
}

TEST(H264, reads_an_avcc_that_leaves_out_its_extension) {
    EXPECT_TRUE(read_avcc(
        from_hex("0164001effe1001a6764001eacd940a02ff97011000003000100000300320f162d96 01000668ebe3cb22c0")));
}

TEST(H264, case_8_refuses_a_broken_avcc) {
    const std::string sps = "001a6764001eacd940a02ff97011000003000100000300320f162d96";
    const std::string pps = "000668ebe3cb22c0";
    const struct {
        const char* what;
        std::string record;
        Errc code;
    } table[] = {
        {"31 SPS announced, one there", "0164001effff" + sps + "01" + pps, Errc::malformed},
        {"SPS length 65,535", "0164001effe1ffff6764001e", Errc::malformed},
        {"lengthSizeMinusOne 2", "0164001efee1" + sps + "01" + pps, Errc::malformed},
        {"no SPS", "0164001effe001" + pps, Errc::malformed},
        {"no PPS", "0164001effe1" + sps + "00", Errc::malformed},
        {"empty SPS", "0164001effe1000001" + pps, Errc::malformed},
        {"version 0", "0064001effe1" + sps + "01" + pps, Errc::malformed},
        {"nothing", "", Errc::malformed},
    };
    for (const auto& row : table) {
        const Result<AvcConfiguration> read = read_avcc(from_hex(row.record));
        ASSERT_FALSE(read) << row.what;
        EXPECT_EQ(read.error().code, row.code) << row.what;
    }
    std::vector<std::byte> long_sps(2 + 65'535);
    EXPECT_FALSE(config_from(std::vector<ByteSpan>{ByteSpan{long_sps}}));
}

TEST(H264, makes_a_configuration_of_bare_parameter_sets) {
    const CodedStream stream = h264_streams().front();
    NalUnits nals{stream.pictures.front()};
    std::ranges::reverse(nals.spans);
    const Result<TrackConfig> config = config_from(nals.spans);
    ASSERT_TRUE(config);
    EXPECT_EQ(config->width, 640U);
    EXPECT_EQ(config->sps.size(), 1U);
    EXPECT_EQ(config->timescale, 90'000);
}

TEST(H264, writes_no_avcc_without_sps) {
    EXPECT_TRUE(write_avcc(TrackConfig{}).empty());
    TrackConfig broken;
    broken.sps = {from_hex("67")};
    EXPECT_TRUE(write_avcc(broken).empty());
}

}   // namespace millrace::media::h264
