#include "media/test_bytes.hpp"
#include "protocol/rtp/depacketiser.hpp"
#include "protocol/rtp/jpeg_picture.hpp"
#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtp {
namespace {

using media::from_hex;

const std::string hbr = "mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1210";

std::vector<media::AccessUnit> units_of(const Format& format, std::initializer_list<Piece> pieces) {
    const auto made = depacketiser_of(format);
    std::vector<media::AccessUnit> units;
    if (!made) {
        return units;
    }
    for (const Piece& piece : pieces) {
        (*made)->take(piece);
        while (std::optional<media::AccessUnit> unit = (*made)->next()) {
            units.push_back(std::move(*unit));
        }
    }
    return units;
}

TEST(AacDepacketiser, reads_several_frames_a_packet_and_one_over_several) {
    const Format format{.encoding = Encoding::aac, .clock_rate = 44'100, .parameters = hbr};
    const Bytes two = from_hex("0020 0018 0010 aabbcc ddee");
    std::vector<media::AccessUnit> units =
        units_of(format, {{.timestamp = 1'000, .marker = true, .payload = two}});
    ASSERT_EQ(units.size(), 2U);
    EXPECT_EQ(units[0].payload, from_hex("aabbcc"));
    EXPECT_EQ(units[1].payload, from_hex("ddee"));
    EXPECT_EQ(units[1].pts, 2'024);
    const Bytes first = from_hex("0010 0028 aabb");
    const Bytes rest = from_hex("0010 0028 ccddee");
    units = units_of(format,
                     {{.timestamp = 1, .payload = first}, {.timestamp = 1, .marker = true, .payload = rest}});
    ASSERT_EQ(units.size(), 1U);
    EXPECT_EQ(units[0].payload, from_hex("aabbccddee"));
    EXPECT_TRUE(units_of(format, {{.timestamp = 1, .payload = first},
                                  {.timestamp = 1, .after_loss = true, .payload = rest}})
                    .empty());
}

TEST(AacDepacketiser, takes_what_odd_senders_say_of_themselves) {
    struct Row {
        const char* parameters;
        const char* payload;
        std::size_t units;
    };
    const Row rows[] = {
        {"config=1210", "0010 0018 aabbcc", 1},                                     // no mode at all
        {"mode=AAC-lbr; config=1210", "0008 0c aabbcc", 1},                         // its own sizes
        {"mode=generic; config=1210; constantsize=3; sizelength=0", "aabbcc", 1},   // no headers
        {"mode=AAC-hbr; config=1210; sizelength=13; indexlength=3; indexdeltalength=3",
         "0010 0050 fff15080015ffc aabbcc", 1},
        {"mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1210", "0020 0018 aabbcc",
         0},
        {"mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1210", "ffff 0018", 0},
        {"mode=AAC-hbr; sizelength=13; indexlength=3; indexdeltalength=3; config=1210", "00", 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.payload);
        const Bytes payload = from_hex(row.payload);
        const std::vector<media::AccessUnit> units =
            units_of({.encoding = Encoding::aac, .clock_rate = 44'100, .parameters = row.parameters},
                     {{.marker = true, .payload = payload}});
        ASSERT_EQ(units.size(), row.units);
        if (row.units == 1) {
            EXPECT_EQ(units[0].payload, from_hex("aabbcc"));   // an ADTS header taken off
        }
    }
    EXPECT_FALSE(
        depacketiser_of({.encoding = Encoding::aac, .clock_rate = 44'100, .parameters = "mode=AAC-hbr"}));
}

TEST(LatmDepacketiser, reads_frames_with_the_configuration_outside) {
    // StreamMuxConfig of one AAC LC layer of 24 kHz mono: 40 00 26 10 3f c0 (RFC 6416 §7.4)
    const Format format{
        .encoding = Encoding::latm, .clock_rate = 24'000, .parameters = "cpresent=0; config=400026103fc0"};
    const Bytes element = from_hex("03 aabbcc");
    const std::vector<media::AccessUnit> units =
        units_of(format, {{.timestamp = 5, .marker = true, .payload = element}});
    ASSERT_EQ(units.size(), 1U);
    EXPECT_EQ(units[0].payload, from_hex("aabbcc"));
    EXPECT_EQ(units[0].config->sample_rate, 24'000U);
    EXPECT_FALSE(
        depacketiser_of({.encoding = Encoding::latm, .clock_rate = 8'000, .parameters = "config=zz"}));
    const Bytes cut = from_hex("09 aa");
    EXPECT_TRUE(units_of(format, {{.marker = true, .payload = cut}}).empty());
}

TEST(LatmDepacketiser, takes_the_short_configuration_that_gstreamer_sends) {
    const Bytes element = from_hex("03 aabbcc");
    for (const char* config : {"cpresent=0;config=40002310adca00", "cpresent=0;config=40002310"}) {
        const Format format{.encoding = Encoding::latm, .clock_rate = 48'000, .parameters = config};
        const std::vector<media::AccessUnit> units = units_of(format, {{.marker = true, .payload = element}});
        ASSERT_EQ(units.size(), 1U) << config;
        EXPECT_EQ(units[0].payload, from_hex("aabbcc"));
        EXPECT_EQ(units[0].config->sample_rate, 48'000U);
        EXPECT_EQ(units[0].config->channels, 1U);
    }
}

TEST(PlainDepacketiser, gives_samples_their_time_and_refuses_parts_of_them) {
    const Bytes odd = from_hex("010203");
    EXPECT_TRUE(units_of(*static_format(10), {{.payload = odd}}).empty());
    const Bytes two = from_hex("0102030405060708");
    const std::vector<media::AccessUnit> stereo =
        units_of(*static_format(10), {{.timestamp = 3, .payload = two}});
    ASSERT_EQ(stereo.size(), 1U);
    EXPECT_EQ(stereo[0].duration, 2);
    const std::vector<media::AccessUnit> wide =
        units_of(*static_format(9), {{.timestamp = 160, .payload = two}});
    ASSERT_EQ(wide.size(), 1U);
    EXPECT_EQ(wide[0].pts, 320);   // 16 kHz, while its RTP clock runs at 8
    EXPECT_EQ(wide[0].duration, 16);
}

TEST(JpegDepacketiser, rebuilds_pictures_with_tables_by_quality_and_told_once) {
    const auto payload = [](std::string_view head, std::size_t tables) {
        std::vector<std::byte> bytes = samples::from_hex(head);
        bytes.resize(bytes.size() + tables, std::byte{16});
        bytes.insert(bytes.end(), 10, std::byte{0x5A});
        return bytes;
    };
    const auto by_quality = payload("00000000 01 50 28 1e", 0);
    const auto told = payload("00000000 01 80 28 1e 00000080", 128);
    const auto known = payload("00000000 01 80 28 1e 00000000", 0);
    const auto restarts = payload("00000000 41 50 28 1e 0004 ffff", 0);
    const auto refused = payload("00000000 01 ff 28 1e 00000000", 0);
    const std::vector<media::AccessUnit> units =
        units_of(*static_format(26), {{.timestamp = 1, .marker = true, .payload = by_quality},
                                      {.timestamp = 2, .marker = true, .payload = told},
                                      {.timestamp = 3, .marker = true, .payload = known},
                                      {.timestamp = 4, .marker = true, .payload = restarts},
                                      {.timestamp = 5, .marker = true, .payload = refused}});
    ASSERT_EQ(units.size(), 4U);
    EXPECT_EQ(units[1].payload, units[2].payload);
    for (const media::AccessUnit& unit : units) {
        const Result<JpegPicture> picture = read_jpeg_picture(unit.payload);
        ASSERT_TRUE(picture);
        EXPECT_EQ(picture->width, 320U);
        EXPECT_EQ(picture->height, 240U);
        EXPECT_EQ(picture->scan.size(), 10U);
    }
    EXPECT_EQ(read_jpeg_picture(units[3].payload)->restart_interval, 4);
    media::damage(units[3].payload, [](ByteSpan damaged) { static_cast<void>(read_jpeg_picture(damaged)); });
}

TEST(JpegDepacketiser, drops_a_picture_that_lacks_a_part) {
    const media::AccessUnit unit = samples::jpeg_unit(0, 6'000, 8);
    const Format format = samples::format(unit);
    Sender sender{format, {.payload_type = 26}};
    const auto packets = samples::packets_of(sender, {unit});
    for (std::size_t lost = 0; lost < packets.size(); ++lost) {
        Result<Receiver> receiver = Receiver::make(format, {});
        for (std::size_t i = 0; i < packets.size(); ++i) {
            if (i != lost) {
                receiver->receive(packets[i], Instant{});
            }
        }
        EXPECT_TRUE(samples::drain(*receiver).empty());
    }
}

}   // namespace
}   // namespace millrace::rtp
