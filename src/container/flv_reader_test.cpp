#include "container/flv_reader.hpp"

#include "container/flv_samples.hpp"
#include "media/capture_sei.hpp"

#include <gtest/gtest.h>

namespace millrace::flv {
namespace {

using samples::from_hex;

std::vector<std::byte> joined(std::initializer_list<std::vector<std::byte>> parts) {
    std::vector<std::byte> out;
    for (const std::vector<std::byte>& part : parts) {
        out.insert(out.end(), part.begin(), part.end());
    }
    return out;
}

std::vector<std::byte> h264_header() {
    return joined(
        {from_hex("17 00 000000"), media::h264::write_avcc(samples::read_config(media::Codec::h264))});
}
std::vector<std::byte> h265_record() {
    return media::h265::write_hvcc(samples::read_config(media::Codec::h265));
}

/// A NAL unit after its length in that many bytes.
std::vector<std::byte> prefixed(const std::vector<std::byte>& nal, unsigned length_size) {
    std::vector<std::byte> out;
    for (unsigned i = length_size; i-- > 0;) {
        out.push_back(static_cast<std::byte>(nal.size() >> (8 * i) & 0xFFU));
    }
    out.insert(out.end(), nal.begin(), nal.end());
    return out;
}

struct Reading {
    TagReader reader;

    Result<std::optional<Item>> video(std::vector<std::byte> body, std::uint32_t at_ms = 0) {
        return reader.read(TagType::video, at_ms, Bytes{std::move(body)});
    }
    Result<std::optional<Item>> audio(std::vector<std::byte> body, std::uint32_t at_ms = 0) {
        return reader.read(TagType::audio, at_ms, Bytes{std::move(body)});
    }
};

template <class T>
std::optional<T> as(const Result<std::optional<Item>>& item) {
    if (!item || !*item || !std::holds_alternative<T>(**item)) {
        return std::nullopt;
    }
    return std::get<T>(**item);
}

Errc error_of(const Result<std::optional<Item>>& item) {
    return item ? Errc::would_block : item.error().code;
}

bool says_nothing(const Result<std::optional<Item>>& item) {
    return item.has_value() && !item->has_value();
}

std::vector<std::byte> h264_picture(std::string_view head, std::size_t index = 0) {
    return joined({from_hex(head), prefixed(samples::frames(media::Codec::h264)[index], 4)});
}

TEST(FlvTagReader, classic_h264_is_configured_and_read) {
    Reading reading;
    const std::optional<Configured> configured = as<Configured>(reading.video(h264_header()));
    ASSERT_TRUE(configured);
    EXPECT_EQ(configured->track, video_track);
    EXPECT_EQ(configured->config->width, 64U);

    const auto key = as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"), 1000));
    ASSERT_TRUE(key);
    EXPECT_TRUE(key->key);
    EXPECT_EQ(key->config, configured->config);
    EXPECT_EQ(key->dts, 90'000);
    EXPECT_EQ(key->payload, Bytes{prefixed(samples::frames(media::Codec::h264)[0], 4)});

    const auto inter = as<media::AccessUnit>(reading.video(h264_picture("27 01 000050", 1), 1040));
    ASSERT_TRUE(inter);
    EXPECT_FALSE(inter->key);
    EXPECT_EQ(inter->dts, 1040 * 90);
    EXPECT_EQ(inter->pts, 1120 * 90);

    const auto early = as<media::AccessUnit>(reading.video(h264_picture("27 01 FFFFD8", 2), 1080));
    ASSERT_TRUE(early);
    EXPECT_EQ(early->pts, 1040 * 90);
}

TEST(FlvTagReader, a_cameras_note_gives_capture_time_and_quantizer) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    constexpr WallTime taken{1'763'646'000'123'456};
    const std::vector<std::byte> note = media::write_capture_sei(media::Codec::h264, {taken, 7, 31.25});
    const auto unit = as<media::AccessUnit>(reading.video(joined(
        {from_hex("17 01 000000"), prefixed(note, 4), prefixed(samples::frames(media::Codec::h264)[0], 4)})));
    ASSERT_TRUE(unit);
    EXPECT_EQ(unit->capture.utc, taken);
    EXPECT_EQ(unit->capture.label, media::CaptureTime::Label::capture);
    EXPECT_NEAR(unit->coded_qp.value_or(0), 31.25, 0.01);
    EXPECT_EQ(unit->camera_number, 7U);
}

TEST(FlvTagReader, row_4_12_a_cue_point_gives_the_frames_behind_it_their_capture_times) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    const media::Track track = samples::track(media::Codec::h264);
    media::AccessUnit said{.config = track.config,
                           .capture = {{1'763'646'000'000'000}, media::CaptureTime::Label::sender}};
    said.dts = 1000 * 90;
    const auto utc_of = [&](std::uint32_t timestamp_ms) {
        const auto unit = as<media::AccessUnit>(reading.video(h264_picture("17 01 000000", 0), timestamp_ms));
        return unit ? unit->capture : media::CaptureTime{{-1}, {}};
    };
    EXPECT_EQ(utc_of(960).utc, WallTime{});
    ASSERT_TRUE(reading.reader.read(TagType::script, 1000, Bytes{time_body(said)}));
    EXPECT_EQ(utc_of(1000).utc, said.capture.utc);
    EXPECT_EQ(utc_of(1040).utc.microseconds, said.capture.utc.microseconds + 40'000);
    EXPECT_EQ(utc_of(1080).label, media::CaptureTime::Label::sender);
    EXPECT_EQ(utc_of(9000).utc, WallTime{}) << "too long ago";

    ASSERT_TRUE(reading.reader.read(TagType::script, 1000, Bytes{time_body(said)}));
    EXPECT_EQ(utc_of(9040).utc, WallTime{}) << "not the frame that the cue point spoke of";
}

TEST(FlvTagReader, lengths_of_one_and_two_bytes_become_four) {
    for (const unsigned length_size : {1U, 2U}) {
        std::vector<std::byte> header = h264_header();
        header[5 + 4] = static_cast<std::byte>(0xFCU | (length_size - 1));
        Reading reading;
        ASSERT_TRUE(as<Configured>(reading.video(header)));
        const std::vector<std::byte> frame = samples::frames(media::Codec::h264)[0];
        const auto unit = as<media::AccessUnit>(
            reading.video(joined({from_hex("17 01 000000"), prefixed(frame, length_size)})));
        ASSERT_TRUE(unit);
        EXPECT_EQ(unit->payload, Bytes{prefixed(frame, 4)});
    }
}

TEST(FlvTagReader, a_header_said_again_says_nothing) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    EXPECT_TRUE(says_nothing(reading.video(h264_header())));
    ASSERT_TRUE(as<Configured>(reading.audio(from_hex("AF 00 1210"))));
    EXPECT_TRUE(says_nothing(reading.audio(from_hex("AF 00 1210"))));
    EXPECT_TRUE(as<Configured>(reading.audio(from_hex("AF 00 1190"))));
}

struct H265Form {
    const char* start;
    const char* coded;
    std::int64_t composition_ms;
};

TEST(FlvTagReader, h265_is_read_enhanced_and_as_the_old_codec_12) {
    const H265Form forms[] = {
        {"90 68766331", "91 68766331 000050", 80},   // CodedFrames
        {"90 68766331", "93 68766331", 0},           // CodedFramesX
        {"1C 00 000000", "1C 01 FFFFD8", -40},
    };
    for (const H265Form& form : forms) {
        Reading reading;
        ASSERT_TRUE(as<Configured>(reading.video(joined({from_hex(form.start), h265_record()}))));
        const auto unit = as<media::AccessUnit>(reading.video(
            joined({from_hex(form.coded), prefixed(samples::frames(media::Codec::h265)[0], 4)}), 100));
        ASSERT_TRUE(unit) << form.coded;
        EXPECT_TRUE(unit->key);
        EXPECT_EQ(unit->dts, 9'000);
        EXPECT_EQ(unit->pts, 9'000 + form.composition_ms * 90);
    }
}

TEST(FlvTagReader, enhanced_h264_and_av1_are_read) {
    Reading reading;
    const std::vector<std::byte> avcc = media::h264::write_avcc(samples::read_config(media::Codec::h264));
    ASSERT_TRUE(as<Configured>(reading.video(joined({from_hex("90 61766331"), avcc}))));
    EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("91 61766331 000000"))));
    EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("A3 61766331", 1))));

    const std::vector<std::byte> av1c = media::av1::write_av1c(samples::read_config(media::Codec::av1));
    const auto configured = as<Configured>(reading.video(joined({from_hex("90 61763031"), av1c})));
    ASSERT_TRUE(configured);
    EXPECT_EQ(configured->config->codec, media::Codec::av1);
    // A temporal delimiter, which an access unit does not keep.
    const std::vector<std::byte> frame = samples::frames(media::Codec::av1)[0];
    const auto unit = as<media::AccessUnit>(reading.video(joined({from_hex("91 61763031 1200"), frame})));
    ASSERT_TRUE(unit);
    EXPECT_TRUE(unit->key);
    EXPECT_EQ(unit->payload, Bytes{frame});
}

TEST(FlvTagReader, aac_opus_and_mp3_are_read_with_their_durations) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.audio(from_hex("AF 00 1210"))));
    const auto aac = as<media::AccessUnit>(reading.audio(from_hex("AF 01 21004503"), 1'000));
    ASSERT_TRUE(aac);
    EXPECT_EQ(aac->track, audio_track);
    EXPECT_EQ(aac->dts, 44'100);
    EXPECT_EQ(aac->duration, 1024);
    EXPECT_TRUE(aac->key);
    EXPECT_EQ(aac->payload, Bytes{from_hex("21004503")});

    const std::vector<std::byte> head = media::opus::write_head({});
    ASSERT_TRUE(as<Configured>(reading.audio(joined({from_hex("90 4F707573"), head}))));
    const auto opus = as<media::AccessUnit>(reading.audio(from_hex("91 4F707573 FC0102"), 1'020));
    ASSERT_TRUE(opus);
    EXPECT_EQ(opus->dts, 48'960);
    EXPECT_EQ(opus->duration, 960);

    const std::vector<std::byte> frame = samples::frames(media::Codec::mp3)[0];
    for (const char* head_of_mp3 : {"2E", "91 2E6D7033"}) {
        const auto mp3 = as<media::AccessUnit>(reading.audio(joined({from_hex(head_of_mp3), frame})));
        ASSERT_TRUE(mp3);
        EXPECT_EQ(mp3->config->codec, media::Codec::mp3);
        EXPECT_EQ(mp3->duration, 1152);
    }
}

TEST(FlvTagReader, what_tells_nothing_is_no_error) {
    Reading reading;
    EXPECT_TRUE(says_nothing(reading.video({})));
    EXPECT_TRUE(says_nothing(reading.audio({})));
    EXPECT_TRUE(says_nothing(reading.video(from_hex("57 00"))));              // seek command
    EXPECT_TRUE(says_nothing(reading.video(from_hex("D1 00"))));              // the same, enhanced
    EXPECT_TRUE(says_nothing(reading.video(from_hex("94 68766331 0200"))));   // colour metadata
    EXPECT_TRUE(says_nothing(reading.audio(from_hex("94 4F707573 01"))));
    EXPECT_TRUE(says_nothing(reading.audio(from_hex("92 4F707573"))));
}

TEST(FlvTagReader, row_4_13_the_end_of_a_sequence_of_pictures_is_told) {
    Reading reading;
    for (const char* const body : {"17 02 000000", "17 02", "92 68766331"}) {
        EXPECT_TRUE(as<Ended>(reading.video(from_hex(body)))) << body;
    }
}

struct BadBody {
    const char* what;
    TagType type;
    const char* hex;
    Errc code;
};

TEST(FlvTagReader, what_we_do_not_carry_is_unsupported_in_words) {
    const BadBody table[] = {
        {"video modifier", TagType::video, "97 000000 68766331", Errc::unsupported},
        {"video multitrack", TagType::video, "96 00 68766331 00", Errc::unsupported},
        {"MPEG-2 TS start", TagType::video, "95 61763031", Errc::unsupported},
        {"VP9", TagType::video, "90 76703039 00", Errc::unsupported},
        {"Sorenson", TagType::video, "12 00", Errc::unsupported},
        {"audio modifier", TagType::audio, "97 000000 4F707573", Errc::unsupported},
        {"audio multitrack", TagType::audio, "95 00 4F707573 00", Errc::unsupported},
        {"AC-3", TagType::audio, "90 61632D33", Errc::unsupported},
        {"Speex", TagType::audio, "B2 00", Errc::unsupported},
        {"PCM", TagType::audio, "3E 00", Errc::unsupported},
        {"unknown tag", TagType{63}, "00", Errc::unsupported},
        {"encrypted tag", TagType{0x29}, "17 01 000000", Errc::unsupported},
        {"undefined video packet", TagType::video, "9F 68766331", Errc::malformed},
        {"undefined AVC packet", TagType::video, "17 03 000000", Errc::malformed},
        {"undefined audio packet", TagType::audio, "9F 4F707573", Errc::malformed},
        {"undefined AAC packet", TagType::audio, "AF 02", Errc::malformed},
    };
    for (const BadBody& bad : table) {
        TagReader reader;
        const auto item = reader.read(bad.type, 0, Bytes{from_hex(bad.hex)});
        EXPECT_EQ(error_of(item), bad.code) << bad.what;
    }
}

TEST(FlvTagReader, every_cut_of_a_body_is_survived_and_the_next_tag_read) {
    const std::vector<std::vector<std::byte>> bodies{h264_header(), h264_picture("17 01 000000"),
                                                     joined({from_hex("90 68766331"), h265_record()})};
    for (const std::vector<std::byte>& body : bodies) {
        for (std::size_t length = 0; length < body.size(); ++length) {
            Reading reading;
            const auto cut =
                std::vector<std::byte>(body.begin(), body.begin() + static_cast<std::ptrdiff_t>(length));
            (void)reading.video(cut);
            EXPECT_TRUE(reading.video(h264_header()));
            EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"))));
        }
    }
    for (const char* hex : {"AF", "AF 01", "91", "91 4F7075", "91 4F707573", "2E", "2E FF"}) {
        Reading reading;
        EXPECT_FALSE(reading.audio(from_hex(hex))) << hex;
    }
}

TEST(FlvTagReader, case_8_a_bad_avc_record_is_dropped_and_a_good_one_awaited) {
    const BadBody table[] = {
        {"31 SPS announced", TagType::video, "17 00 000000 01 64000A FF FF 0018 6764000aacd94426",
         Errc::malformed},
        {"SPS of 65,535 bytes", TagType::video, "17 00 000000 01 64000A FF E1 FFFF 6764000aacd94426",
         Errc::malformed},
        {"no SPS", TagType::video, "17 00 000000 01 64000A FF E0 00", Errc::malformed},
        {"empty record", TagType::video, "17 00 000000", Errc::malformed},
    };
    for (const BadBody& bad : table) {
        Reading reading;
        EXPECT_EQ(error_of(reading.video(from_hex(bad.hex))), bad.code) << bad.what;
        EXPECT_EQ(error_of(reading.video(h264_picture("17 01 000000"))), Errc::refused);
        EXPECT_TRUE(as<Configured>(reading.video(h264_header())));
        EXPECT_EQ(error_of(reading.video(from_hex(bad.hex))), bad.code) << bad.what;
        EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("17 01 000000")))) << bad.what;
    }
}

TEST(FlvTagReader, case_8_length_size_minus_one_of_2_is_dropped) {
    std::vector<std::byte> header = h264_header();
    header[5 + 4] = std::byte{0xFE};
    Reading reading;
    EXPECT_EQ(error_of(reading.video(header)), Errc::malformed);
    EXPECT_EQ(error_of(reading.video(h264_picture("17 01 000000"))), Errc::refused);
}

TEST(FlvTagReader, case_9_coded_frames_before_their_sequence_header_are_refused) {
    Reading reading;
    EXPECT_EQ(error_of(reading.video(h264_picture("17 01 000000"))), Errc::refused);
    EXPECT_EQ(error_of(reading.audio(from_hex("AF 01 2100"))), Errc::refused);
    EXPECT_EQ(error_of(reading.audio(from_hex("91 4F707573 FC"))), Errc::refused);
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    EXPECT_EQ(error_of(reading.video(from_hex("93 68766331 00000000"))), Errc::refused);
}

TEST(FlvTagReader, case_9_a_sequence_header_that_changes_each_frame_configures_each_time) {
    Reading reading;
    std::vector<std::byte> other = h264_header();
    other[other.size() - 5] ^= std::byte{0x01};   // inside the last parameter set or its extension
    media::ConfigRef last;
    for (int i = 0; i < 100; ++i) {
        const auto configured =
            as<Configured>(reading.audio(from_hex(i % 2 == 0 ? "AF 00 1210" : "AF 00 1190")));
        ASSERT_TRUE(configured);
        const auto unit = as<media::AccessUnit>(reading.audio(from_hex("AF 01 2100")));
        ASSERT_TRUE(unit);
        EXPECT_EQ(unit->config, configured->config);
        EXPECT_NE(unit->config, last);
        last = unit->config;
    }
    for (int i = 0; i < 100; ++i) {
        (void)reading.video(i % 2 == 0 ? h264_header() : other);
        (void)reading.video(h264_picture("17 01 000000"));
    }
    (void)reading.video(h264_header());
    EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"))));
}

TEST(FlvTagReader, case_9_nal_lengths_of_zero_and_beyond_the_body_give_no_picture) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    EXPECT_TRUE(says_nothing(reading.video(from_hex("17 01 000000 00000000"))));
    EXPECT_EQ(error_of(reading.video(from_hex("17 01 000000 FFFFFFFF 65"))), Errc::malformed);
    EXPECT_EQ(error_of(reading.video(from_hex("17 01 000000 0000"))), Errc::malformed);
    EXPECT_TRUE(as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"))));
}

struct TimeStep {
    std::uint32_t said_ms;
    std::int64_t meant_ms;
};

TEST(FlvTagReader, case_10_times_are_unwrapped_and_small_steps_back_stay) {
    const TimeStep steps[] = {
        {0xFFFFFF00, 0xFFFFFF00},   {0xFFFFFFFF, 0xFFFFFFFF},  {0x00000010, 0x100000010},
        {0xFFFFFFF0, 0xFFFFFFF0},   {0x00000020, 0x100000020}, {0x00000020, 0x100000020},
        {0x0526'5C00, 0x105265C00}, {0x7FFFFFFF, 0x17FFFFFFF}, {0xF0000000, 0x1F0000000},
        {0x00000000, 0x200000000},
    };
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    for (const TimeStep& step : steps) {
        const auto unit = as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"), step.said_ms));
        ASSERT_TRUE(unit);
        EXPECT_EQ(unit->dts, step.meant_ms * 90) << step.said_ms;
    }
}

TEST(FlvTagReader, case_10_headers_and_metadata_do_not_move_time) {
    Reading reading;
    ASSERT_TRUE(as<Configured>(reading.video(h264_header())));
    (void)reading.video(h264_picture("17 01 000000"), 0xFFFFFFFF);
    (void)reading.audio(from_hex("AF 00 1210"), 0x70000000);
    const auto unit = as<media::AccessUnit>(reading.video(h264_picture("17 01 000000"), 0x00000027));
    ASSERT_TRUE(unit);
    EXPECT_EQ(unit->dts, (0x100000000 + 0x27) * 90);
}

}   // namespace
}   // namespace millrace::flv
