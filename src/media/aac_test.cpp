#include "media/aac.hpp"

#include "media/audio_frame.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media::aac {

TEST(Aac, reads_audio_specific_configs) {
    const struct {
        const char* what;
        const char* bytes;
        std::uint32_t sample_rate;
        unsigned channels;
        unsigned samples;
        const char* codec_string;
    } table[] = {
        {"LC 44.1 kHz stereo", "1210", 44'100, 2, 1024, "mp4a.40.2"},
        {"LC 48 kHz 5.1", "11b0", 48'000, 6, 1024, "mp4a.40.2"},
        {"ffmpeg's, with a sync extension that says no SBR", "120856e500", 44'100, 1, 1024, "mp4a.40.2"},
        {"LC of 960 samples", "1214", 44'100, 2, 960, "mp4a.40.2"},
        {"HE-AAC said first", "2b920800", 22'050, 2, 1024, "mp4a.40.5"},
        {"HE-AAC said behind", "139056e5a0", 22'050, 2, 1024, "mp4a.40.5"},
        {"HE-AAC v2 said first", "eb8a0800", 22'050, 1, 1024, "mp4a.40.29"},
        {"HE-AAC v2 said behind", "138856e5a54880", 22'050, 1, 1024, "mp4a.40.29"},
        {"rate written out", "1780 5622 10", 44'100, 2, 1024, "mp4a.40.2"},
        {"ER AAC LD of 512", "b9 90 00", 48'000, 2, 512, "mp4a.40.23"},
        {"ER AAC ELD of 480", "f8e6 50", 48'000, 2, 480, "mp4a.40.39"},
    };
    for (const auto& row : table) {
        const Bytes bytes = from_hex(row.bytes);
        const Result<AudioSpecificConfig> asc = read_audio_specific_config(bytes);
        ASSERT_TRUE(asc) << row.what;
        EXPECT_EQ(asc->sample_rate, row.sample_rate) << row.what;
        EXPECT_EQ(asc->channels, row.channels) << row.what;
        EXPECT_EQ(asc->samples_per_frame, row.samples) << row.what;
        EXPECT_EQ(codec_string(*asc), row.codec_string) << row.what;
        const Result<TrackConfig> config = config_from(bytes);
        ASSERT_TRUE(config);
        EXPECT_EQ(config->timescale, row.sample_rate);
        EXPECT_EQ(config->extra, bytes);
        EXPECT_EQ(samples_in_frame(*config, {}), row.samples);
        damage(bytes, [](ByteSpan part) { EXPECT_FALSE(config_from(part) && part.size() < 2); });
    }
}

TEST(Aac, case_88_counts_the_channels_of_a_program_config_element) {
    // LC 48 kHz, channelConfiguration 0; front a single one and a pair, back a pair, one LFE: 5.1.
    BitWriter out;
    out.bits(2, 5).bits(3, 4).bits(0, 4).bits(0, 3);
    out.bits(0, 4).bits(1, 2).bits(3, 4).bits(2, 4).bits(0, 4).bits(1, 4).bits(1, 2).bits(0, 3).bits(0, 4);
    out.bits(0, 3);   // no mixdowns
    out.bits(0, 5).bits(0x11, 5).bits(0x12, 5).bits(0, 4);
    const Result<AudioSpecificConfig> asc = read_audio_specific_config(out.plain());
    ASSERT_TRUE(asc);
    EXPECT_EQ(asc->channels, 6);
    // An element without channels, and one that is not there.
    EXPECT_EQ(read_audio_specific_config(from_hex("11800000000000000000")).error().code, Errc::malformed);
    EXPECT_EQ(read_audio_specific_config(from_hex("1180")).error().code, Errc::malformed);
}

TEST(Aac, case_88_refuses_sample_rates_of_zero_and_reserved_ones) {
    for (const char* bytes : {"1780000010", "1690", "1710", "1780000090", "17ffffff90"}) {
        EXPECT_EQ(read_audio_specific_config(from_hex(bytes)).error().code, Errc::malformed) << bytes;
    }
    // HE-AAC with an output rate of 0.
    EXPECT_EQ(read_audio_specific_config(from_hex("2b97800000 08 00")).error().code, Errc::malformed);
}

TEST(Aac, refuses_what_is_not_aac) {
    EXPECT_EQ(read_audio_specific_config(from_hex("f94610000000")).error().code, Errc::unsupported);
    EXPECT_EQ(read_audio_specific_config({}).error().code, Errc::malformed);
}

TEST(Adts, splits_frames_and_keeps_the_rest) {
    // Two frames of 9 bytes as ffmpeg heads them, one of them with a checksum, and half a header.
    const Bytes stream = from_hex("fff150400 13ffc aabb fff050400 17ffc 1234 ccdd fff150");
    const Result<AdtsFrames> frames = split_adts(stream);
    ASSERT_TRUE(frames);
    ASSERT_EQ(frames->raw_frames.size(), 2U);
    EXPECT_EQ(Bytes::copy(frames->raw_frames[0]), from_hex("aabb"));
    EXPECT_EQ(Bytes::copy(frames->raw_frames[1]), from_hex("ccdd"));
    EXPECT_EQ(frames->rest.size(), 3U);
    EXPECT_EQ(frames->header.rate_index, 4);
    EXPECT_EQ(frames->header.channel_configuration, 1);
    EXPECT_EQ(Bytes{write_audio_specific_config(frames->header)}, from_hex("1208"));
    damage(stream, [](ByteSpan bytes) { (void)split_adts(bytes); });
}

TEST(Adts, case_88_refuses_a_length_of_zero_or_below_the_header) {
    const struct {
        const char* what;
        const char* bytes;
        Errc code;
    } table[] = {
        {"length 0", "fff150400 01ffc aabb", Errc::malformed},
        {"length 6", "fff150400 0dffc aabb", Errc::malformed},
        {"length 8 with a checksum", "fff050400 11ffc aabb", Errc::malformed},
        {"reserved rate", "fff17c400 13ffc aabb", Errc::malformed},
        {"no syncword", "ffe150400 13ffc aabb", Errc::malformed},
        {"two raw data blocks", "fff150400 13ffd aabb", Errc::unsupported},
    };
    for (const auto& row : table) {
        EXPECT_EQ(split_adts(from_hex(row.bytes)).error().code, row.code) << row.what;
    }
}

TEST(Adts, writes_the_header_it_reads) {
    const TrackConfig config = *config_from(from_hex("1208"));
    const Result<std::array<std::byte, 7>> header = write_adts_header(config, 2);
    ASSERT_TRUE(header);
    EXPECT_EQ(Bytes::copy(*header), from_hex("fff150400 13ffc"));
    const Result<AdtsHeader> read = read_adts_header(*write_adts_header(config, 8184));
    ASSERT_TRUE(read);
    EXPECT_EQ(read->frame_size, 8191);
    EXPECT_EQ(write_adts_header(config, 8185).error().code, Errc::unsupported);
    EXPECT_EQ(write_adts_header(config, SIZE_MAX).error().code, Errc::unsupported);
    EXPECT_EQ(write_adts_header(TrackConfig{}, 2).error().code, Errc::malformed);
    EXPECT_EQ(write_adts_header(*config_from(from_hex("1214")), 2).error().code, Errc::unsupported);
}

TEST(Adts, bounds_the_number_of_frames) {
    std::vector<std::byte> many;
    const Bytes frame = from_hex("fff150400 11ffc aa");
    for (std::size_t i = 0; i <= adts_frames_max; ++i) {
        many.insert(many.end(), frame.begin(), frame.end());
    }
    EXPECT_EQ(split_adts(many).error().code, Errc::exhausted);
}

}   // namespace millrace::media::aac
