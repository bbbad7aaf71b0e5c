#include "container/mp4_init.hpp"

#include "container/mp4_language.hpp"
#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

using media::Codec;

constexpr Codec codecs[] = {Codec::h264, Codec::h265, Codec::av1, Codec::aac, Codec::opus, Codec::mp3};

/// The first sample entry and the box in it: "avc1 avcC".
std::string entry_of(const Bytes& init) {
    ByteReader stsd{samples::find(init, four_cc("stsd"))};
    stsd.skip(12);
    const FourCc entry = stsd.u32();
    const bool audio = entry == four_cc("mp4a") || entry == four_cc("Opus");
    stsd.skip(audio ? 28 : 78);
    stsd.skip(4);
    return text_of(entry) + " " + text_of(stsd.u32());
}

TEST(Mp4Init, a_file_has_the_boxes_that_players_ask_for) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    const std::string media = "stbl(stsd stts stsc stsz stco)";
    EXPECT_EQ(samples::tree(init_segment(tracks, ParameterSets::in_entry)),
              "ftyp moov(mvhd trak(tkhd mdia(mdhd hdlr minf(vmhd dinf(dref) " + media +
                  "))) trak(tkhd mdia(mdhd hdlr minf(smhd dinf(dref) " + media + "))) mvex(trex trex))");
}

TEST(Mp4Init, the_brand_of_cmaf_is_for_one_track) {
    const auto brands = [](std::span<const media::Track> tracks) {
        const Bytes init = init_segment(tracks, ParameterSets::in_entry);
        ByteReader reader{samples::find(init, four_cc("ftyp"))};
        std::string text;
        while (!reader.at_end()) {
            const FourCc brand = reader.u32();
            text += brand == 0 ? "|" : text_of(brand);
        }
        return text;
    };
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    EXPECT_EQ(brands({tracks, 1}), "iso6|iso6cmfcmp41");
    EXPECT_EQ(brands(tracks), "iso6|iso6mp41");
    const media::Track av1 = samples::track(Codec::av1);
    EXPECT_EQ(brands({&av1, 1}), "iso6|iso6cmfcmp41av01");
}

TEST(Mp4Init, each_codec_has_the_sample_entry_of_its_specification) {
    const char* in_entry[] = {"avc1 avcC", "hvc1 hvcC", "av01 av1C", "mp4a esds", "Opus dOps", "mp4a esds"};
    const char* in_band[] = {"avc3 avcC", "hev1 hvcC", "av01 av1C", "mp4a esds", "Opus dOps", "mp4a esds"};
    for (std::size_t i = 0; i < std::size(codecs); ++i) {
        const media::Track track = samples::track(codecs[i]);
        EXPECT_EQ(entry_of(init_segment({&track, 1}, ParameterSets::in_entry)), in_entry[i]);
        EXPECT_EQ(entry_of(init_segment({&track, 1}, ParameterSets::in_band)), in_band[i]);
    }
}

TEST(Mp4Init, hev1_says_that_more_parameter_sets_may_come) {
    const media::Track track = samples::track(Codec::h265);
    for (const ParameterSets where : {ParameterSets::in_entry, ParameterSets::in_band}) {
        const Bytes init = init_segment({&track, 1}, where);
        const std::string_view text = as_text(init);
        const std::size_t record = text.find("hvcC") + 4;
        constexpr std::size_t first_array = 23;
        EXPECT_EQ(text[record + first_array], where == ParameterSets::in_band ? 0x20 : '\xA0');
        EXPECT_TRUE(media::h265::read_hvcc(init.span().subspan(record)));
    }
}

TEST(Mp4Init, every_codec_and_language_comes_back) {
    for (const Codec codec : codecs) {
        for (const ParameterSets where : {ParameterSets::in_entry, ParameterSets::in_band}) {
            media::Track track = samples::track(codec);
            track.language = "de-CH";
            const samples::Read read = samples::read_file(init_segment({&track, 1}, where));
            ASSERT_EQ(read.error, "");
            ASSERT_EQ(read.opened.size(), 1U);
            ASSERT_EQ(read.opened[0].tracks.size(), 1U);
            const media::Track& came = read.opened[0].tracks[0];
            EXPECT_EQ(came.kind, track.kind);
            EXPECT_EQ(came.language, "deu");
            EXPECT_TRUE(came.config->same_coding(*track.config)) << media::name(codec);
            EXPECT_EQ(came.config->codec_string, track.config->codec_string);
        }
    }
}

TEST(Mp4Init, opus_of_six_channels_keeps_its_mapping) {
    media::Track track = samples::track(Codec::opus);
    const media::opus::Head head{.channels = 6,
                                 .pre_skip = 312,
                                 .input_sample_rate = 44'100,
                                 .output_gain = -256,
                                 .mapping_family = 1,
                                 .streams = 4,
                                 .coupled = 2,
                                 .mapping = {0, 4, 1, 2, 3, 5}};
    track.config = std::make_shared<const media::TrackConfig>(
        flv::samples::sound(media::opus::config_from(media::opus::write_head(head))));
    const samples::Read read = samples::read_file(init_segment({&track, 1}, ParameterSets::in_entry));
    ASSERT_EQ(read.error, "");
    EXPECT_EQ(read.opened[0].tracks[0].config->extra, track.config->extra);
}

TEST(Mp4Init, the_type_names_the_codecs_once) {
    const media::Track video = samples::track(Codec::h264);
    const media::Track audio = samples::track(Codec::aac);
    const media::Track both[] = {video, audio, audio};
    EXPECT_EQ(mime_type(both), "video/mp4; codecs=\"" + video.config->codec_string + ",mp4a.40.2\"");
    EXPECT_EQ(mime_type({&audio, 1}), "audio/mp4; codecs=\"mp4a.40.2\"");
}

TEST(Mp4Init, languages_are_packed_as_three_letters) {
    EXPECT_EQ(packed_language("en-GB"), 0x15C7);
    EXPECT_EQ(unpacked_language(packed_language("EN")), "eng");
    EXPECT_EQ(unpacked_language(packed_language("nds")), "nds");
    EXPECT_EQ(packed_language(""), 0x55C4);
    EXPECT_EQ(packed_language("x1"), 0x55C4);
    EXPECT_EQ(unpacked_language(0x55C4), "");
    EXPECT_EQ(unpacked_language(0xFFFF), "");
    EXPECT_EQ(unpacked_language(0), "");
}

}   // namespace
}   // namespace millrace::mp4
