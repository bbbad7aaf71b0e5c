#include "media/picture_reader.hpp"

#include "media/av1.hpp"
#include "media/h264_config.hpp"
#include "media/nal.hpp"
#include "media/video_vectors.hpp"

#include <gtest/gtest.h>

namespace millrace::media {

namespace {

/// Reads NAL units given in hex.
Result<std::optional<Picture>> read(PictureReader& reader, const std::vector<std::string_view>& nals) {
    const NalUnits units{CodedPicture{.nals = nals}};
    return reader.read(units.spans);
}

std::vector<CodedStream> streams_of(Codec codec) {
    return codec == Codec::h264 ? h264_streams() : h265_streams();
}

/// Of the first H.264 stream: 640x360 and its pictures.
constexpr std::string_view sps = "6764001eacd940a02ff97011000003000100000300320f162d96";
constexpr std::string_view pps = "68ebe3cb22c0";
constexpr std::string_view idr = "6588840047dae3985bd757";
constexpr std::string_view inter = "419a226c457fbc7c7f296abf";
/// 176x144, baseline.
constexpr std::string_view small_sps = "6742c00ad902c4ec0440000003004000000783c48992";
constexpr std::string_view small_pps = "68cb83cb20";
constexpr std::string_view small_idr = "65888415f1088ac181087e";
constexpr std::string_view sei = "0605 02 aabb 80";

}   // namespace

TEST(PictureReader, reads_the_streams_of_encoders) {
    for (const Codec codec : {Codec::h264, Codec::h265}) {
        for (const CodedStream& stream : streams_of(codec)) {
            PictureReader reader{codec};
            ConfigRef config;
            for (const CodedPicture& coded : stream.pictures) {
                const NalUnits nals{coded};
                const Result<std::optional<Picture>> picture = reader.read(nals.spans);
                ASSERT_TRUE(picture && *picture) << stream.name << coded.nals.back();
                EXPECT_EQ((*picture)->key, coded.key) << stream.name << coded.nals.back();
                EXPECT_EQ((*picture)->leading, coded.leading) << stream.name << coded.nals.back();
                EXPECT_EQ((*picture)->picture, coded.type) << stream.name << coded.nals.back();
                ASSERT_TRUE((*picture)->slice_qp) << stream.name << coded.nals.back();
                // What ffmpeg said of is the first slice; those behind it may be finer.
                EXPECT_EQ((*picture)->slice_qp->max, coded.qp) << stream.name << coded.nals.back();
                // The parameter sets are the same at each key frame, so the configuration is the first.
                config = config ? config : (*picture)->config;
                EXPECT_EQ((*picture)->config, config) << stream.name;
            }
            EXPECT_EQ(config->width, stream.width) << stream.name;
            EXPECT_EQ(config->height, stream.height) << stream.name;
            EXPECT_EQ(config->codec_string, stream.codec_string) << stream.name;
            EXPECT_EQ(config->reorder_frames_max, stream.reorder_frames) << stream.name;
            EXPECT_EQ(reader.counters().parameter_sets_refused, 0U);
        }
    }
}

TEST(PictureReader, puts_the_payload_in_canonical_form) {
    PictureReader reader{Codec::h264};
    const auto picture = read(reader, {"09f0", sps, pps, sei, idr, "", "0c ffff80", "0a", "0b"});
    ASSERT_TRUE(picture && *picture);
    const Result<std::vector<ByteSpan>> nals = split_length_prefixed((*picture)->payload, 4);
    ASSERT_TRUE(nals);
    ASSERT_EQ(nals->size(), 2U);
    EXPECT_EQ(Bytes::copy((*nals)[0]), from_hex(sei));
    EXPECT_EQ(Bytes::copy((*nals)[1]), from_hex(idr));
}

TEST(PictureReader, copies_nothing_of_what_is_canonical_already) {
    PictureReader reader{Codec::h264};
    ASSERT_TRUE(read(reader, {sps, pps, idr}));
    const auto framed = [](const std::vector<std::string_view>& nals) {
        std::vector<std::byte> bytes;
        for (const Bytes& nal : NalUnits{CodedPicture{.nals = nals}}.bytes) {
            append_nal(bytes, nal);
        }
        return Bytes{std::move(bytes)};
    };
    const auto payload_of = [&reader](const Bytes& whole) {
        return (*reader.read(*split_length_prefixed(whole, 4), whole))->payload;
    };
    const Bytes with_delimiter = framed({"09f0", sei, idr, "0a"});
    const Bytes slice = payload_of(with_delimiter);
    EXPECT_EQ(slice.data(), with_delimiter.data() + 6);
    EXPECT_EQ(slice, framed({sei, idr}));
    // In two pieces it is copied, as with SEI that waited for its picture, and as a small part of much
    // memory.
    EXPECT_EQ(payload_of(framed({sei, sps, pps, idr})), framed({sei, idr}));
    EXPECT_EQ(*read(reader, {sei}), std::nullopt);
    EXPECT_EQ(payload_of(framed({idr})), framed({sei, idr}));
    const std::string filler = "0c" + std::string(1000, 'f');
    const Bytes mostly_filler = framed({idr, filler});
    const Bytes small = payload_of(mostly_filler);
    EXPECT_EQ(small, framed({idr}));
    EXPECT_NE(small.data(), mostly_filler.data());
}

TEST(PictureReader, takes_parameter_sets_from_an_avcc) {
    PictureReader reader{Codec::h264};
    EXPECT_EQ(reader.config(), nullptr);
    const NalUnits sets{CodedPicture{.nals = {sps, pps}}};
    ASSERT_TRUE(reader.configure(*h264::config_from(sets.spans)));
    const ConfigRef config = reader.config();
    ASSERT_NE(config, nullptr);
    EXPECT_EQ((*read(reader, {idr}))->config, config);
    // The same in band, behind a zero, and once more by an avcC: nothing new.
    EXPECT_EQ((*read(reader, {"6764001eacd940a02ff97011000003000100000300320f162d9600", pps, idr}))->config,
              config);
    ASSERT_TRUE(reader.configure(*h264::config_from(sets.spans)));
    EXPECT_EQ(reader.config(), config);
}

TEST(PictureReader, makes_a_new_configuration_when_parameter_sets_change) {
    PictureReader reader{Codec::h264};
    const ConfigRef first = (*read(reader, {sps, pps, idr}))->config;
    // An SPS in one message and its PPS in the next make one change, not two.
    EXPECT_EQ(*read(reader, {small_sps}), std::nullopt);
    EXPECT_EQ(reader.config(), first);
    EXPECT_EQ(*read(reader, {small_pps}), std::nullopt);
    const ConfigRef second = (*read(reader, {small_idr}))->config;
    EXPECT_NE(second, first);
    EXPECT_EQ(second->width, 176U);
    EXPECT_EQ(second->sps.size(), 1U);
    EXPECT_EQ(first->width, 640U);
    EXPECT_EQ((*read(reader, {small_sps, small_pps, small_idr}))->config, second);
}

TEST(PictureReader, follows_the_sps_that_slices_refer_to) {
    // The same SPS with id 1 and 176 columns, a PPS 1 for it, and a slice that refers to it.
    const Bytes other_sps = BitWriter{}
                                .bits(0x67, 8)
                                .bits(66, 8)
                                .bits(0, 8)
                                .bits(30, 8)
                                .ue(1)
                                .ue(0)
                                .ue(2)
                                .ue(1)
                                .bits(0, 1)
                                .ue(10)
                                .ue(8)
                                .bits(0b110, 3)
                                .bits(0, 1)
                                .nal();
    const Bytes other_pps = BitWriter{}
                                .bits(0x68, 8)
                                .ue(1)
                                .ue(1)
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
    const Bytes other_idr =
        BitWriter{}.bits(0x65, 8).ue(0).ue(7).ue(1).bits(0, 4).ue(0).bits(0, 2).se(-3).nal();
    PictureReader reader{Codec::h264};
    const ConfigRef first = (*read(reader, {sps, pps, idr}))->config;
    const std::vector<ByteSpan> nals = {other_sps, other_pps, other_idr};
    const Picture other = **reader.read(nals);
    EXPECT_EQ(other.config->width, 176U);
    EXPECT_EQ(other.config->sps.size(), 2U);
    EXPECT_EQ(other.slice_qp.value().min, 23);
    const Picture back = **read(reader, {idr});
    EXPECT_EQ(back.config->width, 640U);
    EXPECT_EQ(back.config->sps.size(), 2U);
}

TEST(PictureReader, row_4_24_the_qp_of_a_picture_is_that_of_all_its_slices) {
    for (const CodedStream& stream : streams_of(Codec::h264)) {
        if (stream.name != std::string_view{"interlaced, open GOP, two slices"}) {
            continue;
        }
        PictureReader reader{Codec::h264};
        constexpr std::array second{10, 13};   // by ffmpeg's trace_headers, as are the first slices'
        for (std::size_t i = 0; i < second.size(); ++i) {
            const NalUnits nals{stream.pictures[i]};
            const SliceQp qp = (*reader.read(nals.spans))->slice_qp.value();
            EXPECT_EQ(qp.min, second.at(i));
            EXPECT_EQ(qp.max, stream.pictures[i].qp);
            EXPECT_EQ(qp.average, static_cast<float>(second.at(i) + stream.pictures[i].qp) / 2);
        }
        return;
    }
    FAIL() << "no stream with two slices";
}

TEST(PictureReader, case_9_refuses_video_before_its_parameter_sets) {
    PictureReader reader{Codec::h264};
    EXPECT_EQ(read(reader, {idr}).error().code, Errc::refused);
    EXPECT_EQ(read(reader, {sps, idr}).error().code, Errc::refused);
    EXPECT_EQ(reader.config(), nullptr);
    EXPECT_TRUE(read(reader, {pps, idr})->has_value());
    PictureReader h265{Codec::h265};
    const CodedStream stream = h265_streams().front();
    EXPECT_EQ(read(h265, {stream.pictures[0].nals[3]}).error().code, Errc::refused);
    EXPECT_EQ(read(h265, {stream.pictures[0].nals[1], stream.pictures[0].nals[2], stream.pictures[0].nals[3]})
                  .error()
                  .code,
              Errc::refused);
    EXPECT_TRUE(read(h265, {stream.pictures[0].nals[0], stream.pictures[0].nals[3]})->has_value());
}

TEST(PictureReader, case_9_parameter_sets_that_change_with_each_frame_cost_a_configuration_each) {
    PictureReader reader{Codec::h264};
    ConfigRef last;
    for (int i = 0; i < 20; ++i) {
        const bool small = i % 2 == 1;
        const auto picture =
            small ? read(reader, {small_sps, small_pps, small_idr}) : read(reader, {sps, pps, idr});
        ASSERT_TRUE(picture && *picture);
        EXPECT_NE((*picture)->config, last);
        EXPECT_EQ((*picture)->config->sps.size(), 1U);
        last = (*picture)->config;
    }
}

TEST(PictureReader, case_86_counts_broken_parameter_sets_and_keeps_the_good_ones) {
    PictureReader reader{Codec::h264};
    const ConfigRef config = (*read(reader, {sps, pps, idr}))->config;
    EXPECT_EQ((*read(reader, {"6764001eac", "68", idr}))->config, config);
    EXPECT_EQ(reader.counters().parameter_sets_refused, 2U);
}

TEST(PictureReader, case_87_bounds_parameter_sets_sei_and_pictures) {
    PictureReader reader{Codec::h264};
    ASSERT_TRUE(read(reader, {sps, pps, idr}));
    std::vector<std::byte> long_pps(parameter_set_bytes_max + 1, std::byte{0x68});
    const std::vector<ByteSpan> with_long_pps = {long_pps};
    EXPECT_TRUE(reader.read(with_long_pps));
    EXPECT_EQ(reader.counters().parameter_sets_refused, 1U);
    // SEI without pictures waits up to its limit.
    std::vector<std::byte> long_sei(40'000, std::byte{0x06});
    const std::vector<ByteSpan> only_sei = {long_sei, long_sei, long_sei};
    EXPECT_EQ(*reader.read(only_sei), std::nullopt);
    EXPECT_EQ(reader.counters().sei_dropped, 2U);
    EXPECT_GT((*read(reader, {idr}))->payload.size(), 40'000U);
    EXPECT_LT((*read(reader, {idr}))->payload.size(), 100U);
    // An SEI of 16 MiB with a picture is more than an access unit may be.
    std::vector<std::byte> huge_sei(picture_bytes_max, std::byte{0xFF});
    huge_sei[0] = std::byte{0x06};
    const Bytes slice = from_hex(idr);
    const std::vector<ByteSpan> with_huge_sei = {huge_sei, slice};
    EXPECT_EQ(reader.read(with_huge_sei).error().code, Errc::exhausted);
    const std::vector<ByteSpan> many(nals_per_access_unit_max + 1, slice);
    EXPECT_EQ(reader.read(many).error().code, Errc::exhausted);
}

TEST(PictureReader, sei_without_a_picture_goes_before_the_next) {
    PictureReader reader{Codec::h264};
    EXPECT_EQ(*read(reader, {sei, sps, pps}), std::nullopt);
    EXPECT_NE(reader.config(), nullptr);
    const Picture picture = **read(reader, {idr});
    const Result<std::vector<ByteSpan>> nals = split_length_prefixed(picture.payload, 4);
    ASSERT_EQ(nals->size(), 2U);
    EXPECT_EQ(Bytes::copy(nals->front()), from_hex(sei));
}

TEST(PictureReader, an_intra_refresh_is_no_key_frame_but_says_when_it_is_whole) {
    PictureReader reader{Codec::h264};
    ASSERT_TRUE(read(reader, {sps, pps, idr}));
    const Picture refresh = **read(reader, {"060602244080", inter});
    EXPECT_FALSE(refresh.key);
    EXPECT_EQ(refresh.recovery_frames, 3U);
    const Picture claims_none = **read(reader, {"060601c480", inter});
    EXPECT_FALSE(claims_none.key);
    EXPECT_EQ((*read(reader, {inter}))->recovery_frames, std::nullopt);
}

TEST(PictureReader, a_frame_rate_from_outside_counts_where_the_bitstream_says_none) {
    const Bytes silent_sps = BitWriter{}
                                 .bits(0x67, 8)
                                 .bits(66, 8)
                                 .bits(0, 8)
                                 .bits(30, 8)
                                 .ue(0)
                                 .ue(0)
                                 .ue(2)
                                 .ue(1)
                                 .bits(0, 1)
                                 .ue(39)
                                 .ue(29)
                                 .bits(0b110, 3)
                                 .bits(0, 1)
                                 .nal();
    const Bytes any_pps = from_hex(pps);
    TrackConfig config = *h264::config_from(std::vector<ByteSpan>{silent_sps, any_pps});
    EXPECT_EQ(config.frame_rate, 0);
    config.frame_rate = 12.5;
    PictureReader reader{Codec::h264};
    ASSERT_TRUE(reader.configure(std::move(config)));
    EXPECT_EQ(reader.config()->frame_rate, 12.5);
    ASSERT_TRUE(read(reader, {sps, pps}));
    EXPECT_EQ((*read(reader, {idr}))->config->frame_rate, 25);
}

TEST(PictureReader, keeps_its_configuration_when_a_new_one_is_broken) {
    PictureReader reader{Codec::h264};
    const ConfigRef config = (*read(reader, {sps, pps, idr}))->config;
    TrackConfig broken;
    EXPECT_EQ(reader.configure(broken).error().code, Errc::malformed);
    broken.sps = {from_hex("6764")};
    EXPECT_EQ(reader.configure(broken).error().code, Errc::malformed);
    EXPECT_EQ((*read(reader, {idr}))->config, config);
}

TEST(PictureReader, reads_av1_temporal_units) {
    PictureReader reader{Codec::av1};
    const Bytes key = from_hex("1200 0a0b000000043cfeccfbf90040 3204 1400a220");
    const Bytes frame = from_hex("1200 3204 32010404");
    EXPECT_EQ(reader.read(*av1::split_temporal_unit(frame)).error().code, Errc::refused);
    const Picture first = **reader.read(*av1::split_temporal_unit(key));
    EXPECT_TRUE(first.key);
    EXPECT_EQ(first.picture, PictureType::i);
    EXPECT_EQ(first.payload, from_hex("3204 1400a220"));
    EXPECT_EQ(first.config->codec_string, "av01.0.00M.08");
    const Picture second = **reader.read(*av1::split_temporal_unit(frame));
    EXPECT_FALSE(second.key);
    EXPECT_EQ(second.picture, PictureType::p);
    EXPECT_EQ(second.config, first.config);
    ASSERT_TRUE(reader.configure(*av1::config_from(from_hex("0a0b000000043cfeccfbf90040"))));
    EXPECT_EQ(reader.config(), first.config);
    EXPECT_NE((*reader.read(*av1::split_temporal_unit(from_hex("0a0b000000043cfeccdaf94040 3204 1400a220"))))
                  ->config,
              first.config);
    EXPECT_EQ(*reader.read({}), std::nullopt);
}

TEST(PictureReader, reads_no_audio) {
    PictureReader reader{Codec::aac};
    EXPECT_EQ(read(reader, {idr}).error().code, Errc::unsupported);
    EXPECT_EQ(reader.configure({}).error().code, Errc::unsupported);
    EXPECT_EQ(reader.config(), nullptr);
}

TEST(PictureReader, survives_damaged_access_units) {
    for (const Codec codec : {Codec::h264, Codec::h265}) {
        for (const CodedStream& stream : streams_of(codec)) {
            PictureReader reader{codec};
            for (const CodedPicture& coded : stream.pictures) {
                std::vector<std::byte> unit;
                for (const Bytes& nal : NalUnits{coded}.bytes) {
                    append_nal(unit, nal);
                }
                damage(unit, [&](ByteSpan bytes) {
                    const Bytes framed = Bytes::copy(bytes);
                    if (const auto nals = split_length_prefixed(framed, 4)) {
                        (void)reader.read(*nals, framed);
                    }
                });
            }
        }
    }
}

}   // namespace millrace::media
