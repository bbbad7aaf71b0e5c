#include "media/opus.hpp"

#include "media/audio_frame.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media::opus {

namespace {

constexpr std::string_view mono = "4f70757348656164 01 01 3801 80bb0000 0000 00";
constexpr std::string_view surround = "4f70757348656164 01 06 3801 80bb0000 0000 01 04 02 000401020305";

}   // namespace

TEST(Opus, reads_and_writes_heads) {
    for (const std::string_view hex : {mono, surround}) {
        const Bytes bytes = from_hex(hex);
        const Result<Head> head = read_head(bytes);
        ASSERT_TRUE(head);
        EXPECT_EQ(head->pre_skip, 312);
        EXPECT_EQ(head->input_sample_rate, 48'000U);
        EXPECT_EQ(Bytes{write_head(*head)}, bytes);
        damage(bytes, [](ByteSpan part) { EXPECT_FALSE(read_head(part) && part.size() < 19); });
    }
    EXPECT_EQ(read_head(from_hex(surround))->streams, 4);
    EXPECT_EQ(read_head(from_hex(surround))->coupled, 2);
}

TEST(Opus, makes_a_configuration) {
    const Result<TrackConfig> config = config_from(from_hex(surround));
    ASSERT_TRUE(config);
    EXPECT_EQ(config->timescale, 48'000);
    EXPECT_EQ(config->channels, 6);
    EXPECT_EQ(config->codec_string, "opus");
    EXPECT_EQ(config->extra, from_hex(surround));
}

TEST(Opus, case_88_refuses_channels_beyond_their_mapping_family) {
    const struct {
        const char* what;
        const char* bytes;
        Errc code;
    } table[] = {
        {"255 channels", "4f70757348656164 01 ff 3801 80bb0000 0000 00", Errc::malformed},
        {"255 channels, family 255", "4f70757348656164 01 ff 3801 80bb0000 0000 ff ff 00", Errc::unsupported},
        {"no channels", "4f70757348656164 01 00 3801 80bb0000 0000 00", Errc::malformed},
        {"9 channels, family 1", "4f70757348656164 01 09 3801 80bb0000 0000 01 09 00 000102030405060708",
         Errc::malformed},
        {"a stream that is not there", "4f70757348656164 01 02 3801 80bb0000 0000 01 01 01 0002",
         Errc::malformed},
        {"no streams", "4f70757348656164 01 01 3801 80bb0000 0000 01 00 00 ff", Errc::malformed},
        {"more coupled than streams", "4f70757348656164 01 02 3801 80bb0000 0000 01 01 02 0001",
         Errc::malformed},
        {"version 16", "4f70757348656164 10 01 3801 80bb0000 0000 00", Errc::malformed},
        {"another magic", "4f70757354616773 01 01 3801 80bb0000 0000 00", Errc::malformed},
    };
    for (const auto& row : table) {
        const Result<Head> head = read_head(from_hex(row.bytes));
        ASSERT_FALSE(head) << row.what;
        EXPECT_EQ(head.error().code, row.code) << row.what;
    }
}

TEST(Opus, counts_the_samples_of_a_packet) {
    const struct {
        const char* what;
        const char* packet;
        std::uint32_t samples;   ///< 0: broken
    } table[] = {
        {"libopus, CELT 20 ms", "f8b4afca", 960},
        {"SILK 10 ms", "00", 480},
        {"SILK 60 ms", "18", 2880},
        {"hybrid 20 ms", "68", 960},
        {"CELT 2.5 ms", "80", 120},
        {"two frames of 20 ms", "f9", 1920},
        {"two frames of their own size", "fa", 1920},
        {"48 frames of 2.5 ms", "83 30", 5760},
        {"49 frames of 2.5 ms", "83 31", 0},
        {"three frames of 60 ms", "1b 03", 0},
        {"no frames", "fb 00", 0},
        {"frame count cut off", "fb", 0},
        {"nothing", "", 0},
    };
    const TrackConfig config = *config_from(from_hex(mono));
    for (const auto& row : table) {
        EXPECT_EQ(samples_in_packet(from_hex(row.packet)).value_or(0), row.samples) << row.what;
        EXPECT_EQ(samples_in_frame(config, from_hex(row.packet)), row.samples) << row.what;
    }
}

}   // namespace millrace::media::opus
