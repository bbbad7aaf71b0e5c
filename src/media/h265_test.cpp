#include "media/h265.hpp"

#include "media/h265_config.hpp"
#include "media/video_vectors.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::media::h265 {

namespace {

/// Parameter sets of a stream's first picture.
struct Sets {
    explicit Sets(const CodedStream& stream) : nals{stream.pictures.front()} {
        for (const ByteSpan nal : nals.spans) {
            if (type_of(nal) == NalType::vps) {
                vps = nal;
            } else if (type_of(nal) == NalType::sps) {
                sps = nal;
            } else if (type_of(nal) == NalType::pps) {
                pps = nal;
            }
        }
    }
    NalUnits nals;
    ByteSpan vps;
    ByteSpan sps;
    ByteSpan pps;
};

/// An SPS of the main profile with what the tests of bad values turn.
struct SpsWriter {
    std::uint32_t width = 640;
    std::uint32_t height = 480;
    std::array<std::uint32_t, 4> window{};
    std::uint32_t pictures = 4;
    std::uint32_t short_term_sets = 0;
    std::optional<std::pair<std::uint32_t, std::uint32_t>> timing;

    Bytes write() const {
        BitWriter out;
        out.bits(0x4201, 16).bits(0x01, 8);
        out.bits(0x01, 8).bits(0x60000000, 32).bits(0x90000000, 32).bits(0, 16).bits(93, 8);
        out.ue(0).ue(1).ue(width).ue(height);
        const bool cropped = window != std::array<std::uint32_t, 4>{};
        out.bits(cropped ? 1 : 0, 1);
        for (unsigned i = 0; cropped && i < 4; ++i) {
            out.ue(window[i]);
        }
        out.ue(0).ue(0).ue(4).bits(1, 1).ue(pictures).ue(0).ue(0);
        out.ue(0).ue(3).ue(0).ue(3).ue(0).ue(0);
        out.bits(0, 4);   // scaling lists, amp, sao, pcm
        out.ue(short_term_sets).bits(0, 3);
        out.bits(timing ? 1 : 0, 1);
        if (timing) {
            out.bits(0, 8).bits(1, 1).bits(timing->first, 32).bits(timing->second, 32).bits(0, 3);
        }
        return out.bits(0, 1).nal();
    }
};

}   // namespace

TEST(H265, reads_sizes_rates_and_names_of_encoders_output) {
    for (const CodedStream& stream : h265_streams()) {
        const Sets sets{stream};
        const Result<Sps> sps = read_sps(sets.sps);
        ASSERT_TRUE(sps) << stream.name;
        EXPECT_EQ(sps->width, stream.width) << stream.name;
        EXPECT_EQ(sps->height, stream.height) << stream.name;
        EXPECT_DOUBLE_EQ(sps->frame_rate, stream.frame_rate) << stream.name;
        EXPECT_EQ(sps->reorder_frames, stream.reorder_frames) << stream.name;
        EXPECT_EQ(codec_string(*sps), stream.codec_string) << stream.name;
        EXPECT_FALSE(sps->slices_unknown) << stream.name;
    }
}

TEST(H265, reads_slice_types_and_qp_as_ffmpeg_does) {
    for (const CodedStream& stream : h265_streams()) {
        const Sets sets{stream};
        const Result<Sps> sps = read_sps(sets.sps);
        const Result<Pps> pps = read_pps(sets.pps);
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

TEST(H265, case_86_refuses_impossible_sequence_parameter_sets) {
    ASSERT_TRUE(read_sps(SpsWriter{}.write()));
    EXPECT_EQ(codec_string(*read_sps(SpsWriter{}.write())), "hvc1.1.6.L93.90");
    const struct {
        const char* what;
        SpsWriter sps;
    } table[] = {
        {"width 2^31", {.width = 1U << 31U}},
        {"width 0", {.width = 0}},
        {"height 2^31", {.height = 1U << 31U}},
        {"window of all columns", {.window = {160, 160, 0, 0}}},
        {"window that would overflow", {.window = {0, 0, 0xFFFFFFFE, 0xFFFFFFFE}}},
        {"255 pictures", {.pictures = 255}},
        {"65 short-term sets", {.short_term_sets = 65}},
        {"64 short-term sets that are not there", {.short_term_sets = 64}},
    };
    for (const auto& row : table) {
        const Result<Sps> sps = read_sps(row.sps.write());
        ASSERT_FALSE(sps) << row.what;
        EXPECT_EQ(sps.error().code, Errc::malformed) << row.what;
    }
}

TEST(H265, case_86_timing_of_zero_is_no_frame_rate) {
    EXPECT_EQ(read_sps(SpsWriter{.timing = {{0, 50}}}.write())->frame_rate, 0);
    EXPECT_EQ(read_sps(SpsWriter{.timing = {{50, 0}}}.write())->frame_rate, 0);
    EXPECT_EQ(read_sps(SpsWriter{.timing = {{1, 0xFFFFFFFF}}}.write())->frame_rate, 0);
    EXPECT_EQ(read_sps(SpsWriter{.timing = {{1, 50}}}.write())->frame_rate, 50);
}

TEST(H265, case_86_takes_pps_ids_to_63_only) {
    const auto pps = [](std::uint32_t id) {
        return BitWriter{}
            .bits(0x4401, 16)
            .ue(id)
            .ue(0)
            .bits(0, 7)
            .ue(0)
            .ue(0)
            .se(0)
            .bits(0, 3)
            .se(0)
            .se(0)
            .bits(0, 10)
            .ue(0)
            .bits(0, 2)
            .nal();
    };
    EXPECT_EQ(read_pps(pps(63))->id, 63);
    EXPECT_FALSE(read_pps(pps(64)));
    EXPECT_FALSE(read_pps(pps(255)));
}

TEST(H265, predicts_short_term_sets_from_earlier_ones) {
    // {-1, -3, +2}, then the same moved by -1: {-1 - 1, -3 - 1, +2 - 1, -1}.
    BitWriter out;
    out.ue(2).ue(1).ue(0).bits(1, 1).ue(1).bits(0, 1).ue(1).bits(1, 1);
    out.bits(1, 1).bits(1, 1).ue(0).bits(0b1111, 4);
    const Bytes bytes = out.plain();
    BitReader reader{bytes};
    std::vector<ShortTermSet> sets = {read_short_term_set(reader, 0, {}, false)};
    sets.push_back(read_short_term_set(reader, 1, sets, false));
    ASSERT_TRUE(reader.ok());
    EXPECT_EQ(sets[0].negative, 2);
    EXPECT_EQ(sets[0].positive, 1);
    EXPECT_EQ(sets[0].delta[1], -3);
    EXPECT_FALSE(sets[0].used[1]);
    EXPECT_EQ(sets[1].negative, 3);
    EXPECT_EQ(sets[1].positive, 1);
    EXPECT_EQ(sets[1].delta[0], -1);
    EXPECT_EQ(sets[1].delta[1], -2);
    EXPECT_EQ(sets[1].delta[2], -4);
    EXPECT_EQ(sets[1].delta[3], 1);
}

TEST(H265, survives_damaged_parameter_sets_and_slices) {
    for (const CodedStream& stream : h265_streams()) {
        const Sets sets{stream};
        const Sps sps = *read_sps(sets.sps);
        const Pps pps = *read_pps(sets.pps);
        damage(sets.vps, [](ByteSpan bytes) { EXPECT_FALSE(read_vps(bytes) && bytes.size() < 5); });
        damage(sets.sps, [](ByteSpan bytes) { EXPECT_FALSE(read_sps(bytes) && bytes.size() < 16); });
        damage(sets.pps, [](ByteSpan bytes) { EXPECT_FALSE(read_pps(bytes) && bytes.size() < 4); });
        for (const CodedPicture& picture : stream.pictures) {
            const NalUnits nals{picture};
            damage(nals.spans.back(), [&](ByteSpan bytes) {
                EXPECT_FALSE(read_slice(bytes, sps, pps) && bytes.size() < 3);
                EXPECT_FALSE(read_slice_pps_id(bytes) && bytes.size() < 3);
            });
        }
    }
}

TEST(H265, reads_and_writes_hvcc_as_ffmpeg_does) {
    const struct {
        const char* record;
        std::uint32_t width;
        const char* codec_string;
    } table[] = {
        {"0101600000009000000000003ff000fcfdf8f800000f03a00001001840010c01ffff0160000003009000000300000300"
         "3f959409a10001002a42010101600000030090000003000003003fa0050201696595964932bc05a02000000300200000"
         "030321a2000100074401c172b66240",
         640, "hvc1.1.6.L63.90"},
        {"0102200000009000000000003cf002fffdfafa00001303a00001001c40010c02ffff0220000003009000000300000300"
         "3c00009598acc048a10001003f42010202200000030090000003000003003c0000a00a880c1c94d965662b349272bc05"
         "a02000007d20000ea60c02918dc001e848003d0970007a12000f4244a2000100074401c172b44240",
         330, "hvc1.2.4.L60.90"},
    };
    for (const auto& row : table) {
        const Bytes record = from_hex(row.record);
        const Result<HevcConfiguration> read = read_hvcc(record);
        ASSERT_TRUE(read) << row.record;
        EXPECT_EQ(read->length_size, 4U);
        EXPECT_EQ(read->config.codec, Codec::h265);
        EXPECT_EQ(read->config.width, row.width);
        EXPECT_EQ(read->config.codec_string, row.codec_string);
        std::vector<std::byte> written = write_hvcc(read->config);
        const Result<HevcConfiguration> again = read_hvcc(written);
        ASSERT_TRUE(again);
        EXPECT_TRUE(again->config.same_coding(read->config));
        // ffmpeg 5.1 says a spatial segmentation and a parallelism of its own; the rest is the same.
        std::copy_n(record.begin() + 13, 3, written.begin() + 13);
        EXPECT_EQ(Bytes{written}, record) << row.record;
        damage(record, [](ByteSpan bytes) { EXPECT_FALSE(read_hvcc(bytes) && bytes.size() < 60); });
    }
}

TEST(H265, case_8_refuses_a_broken_hvcc) {
    const std::string head = "0101600000009000000000003ff000fcfdf8f80000";
    const struct {
        const char* what;
        std::string record;
    } table[] = {
        {"lengthSizeMinusOne 2", head + "0e00"},
        {"no arrays", head + "0f00"},
        {"255 arrays announced", head + "0fff"},
        {"65,535 SPS announced", head + "0f01a1ffff0002"},
        {"SPS length 65,535", head + "0f01a10001ffff4201"},
        {"nothing", ""},
    };
    for (const auto& row : table) {
        const Result<HevcConfiguration> read = read_hvcc(from_hex(row.record));
        ASSERT_FALSE(read) << row.what;
        EXPECT_EQ(read.error().code, Errc::malformed) << row.what;
    }
}

TEST(H265, names_profiles_and_constraints_as_the_standard_does) {
    Sps sps;
    sps.level = {.space = 0,
                 .high_tier = false,
                 .profile = 1,
                 .compatibility = 0x60000000,
                 .constraints = {0xB0, 0, 0, 0, 0, 0},
                 .level = 93};
    EXPECT_EQ(codec_string(sps), "hvc1.1.6.L93.B0");
    sps.level = {.space = 1,
                 .high_tier = true,
                 .profile = 4,
                 .compatibility = 0x08000000,
                 .constraints = {0, 0x0B, 0, 0, 0, 0},
                 .level = 120};
    EXPECT_EQ(codec_string(sps), "hvc1.A4.10.H120.0.B");
    sps.level.constraints = {};
    EXPECT_EQ(codec_string(sps), "hvc1.A4.10.H120");
}

}   // namespace millrace::media::h265
