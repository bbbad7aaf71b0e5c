#include "media/mp3.hpp"

#include "media/audio_frame.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media::mp3 {

TEST(Mp3, reads_frame_headers) {
    const struct {
        const char* what;
        const char* bytes;
        std::uint32_t rate;
        unsigned channels;
        unsigned samples;
        unsigned size;
    } table[] = {
        {"LAME, 128 kb/s 44.1 kHz mono", "fffb90c4", 44'100, 1, 1152, 417},
        {"the same, padded", "fffb92c4", 44'100, 1, 1152, 418},
        {"LAME, 64 kb/s 22.05 kHz mono", "fff380c0", 22'050, 1, 576, 208},
        {"320 kb/s 32 kHz stereo", "fffbe800", 32'000, 2, 1152, 1440},
        {"MPEG-2.5 8 kHz, 8 kb/s", "ffe31800", 8'000, 2, 576, 72},
    };
    for (const auto& row : table) {
        const Result<FrameHeader> header = read_header(from_hex(row.bytes));
        ASSERT_TRUE(header) << row.what;
        EXPECT_EQ(header->sample_rate, row.rate) << row.what;
        EXPECT_EQ(header->channels, row.channels) << row.what;
        EXPECT_EQ(header->samples_per_frame, row.samples) << row.what;
        EXPECT_EQ(header->frame_size, row.size) << row.what;
        const TrackConfig config = *config_from(from_hex(row.bytes));
        EXPECT_EQ(config.timescale, row.rate);
        EXPECT_EQ(samples_in_frame(config, from_hex(row.bytes)), row.samples);
        EXPECT_EQ(samples_in_frame(config, {}), 0);
        damage(from_hex(row.bytes),
               [](ByteSpan bytes) { EXPECT_FALSE(read_header(bytes) && bytes.size() < 4); });
    }
}

TEST(Mp3, refuses_reserved_values_and_other_layers) {
    const struct {
        const char* what;
        const char* bytes;
        Errc code;
    } table[] = {
        {"no syncword", "fe7b90c4", Errc::malformed},
        {"reserved version", "ffeb90c4", Errc::malformed},
        {"reserved layer", "fff990c4", Errc::malformed},
        {"bitrate 15", "fffbf0c4", Errc::malformed},
        {"reserved rate", "fffb9cc4", Errc::malformed},
        {"reserved emphasis", "fffb90c6", Errc::malformed},
        {"free format", "fffb00c4", Errc::unsupported},
        {"layer II", "fffd90c4", Errc::unsupported},
        {"a picture instead", "47494638", Errc::malformed},
    };
    for (const auto& row : table) {
        EXPECT_EQ(read_header(from_hex(row.bytes)).error().code, row.code) << row.what;
    }
}

}   // namespace millrace::media::mp3
