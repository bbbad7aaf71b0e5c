#include "container/flv_script.hpp"

#include "container/amf0.hpp"
#include "container/flv_samples.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace millrace::flv {
namespace {

Bytes script_of(std::initializer_list<amf0::Value> values) {
    std::vector<std::byte> body;
    ByteWriter writer{body};
    for (const amf0::Value& value : values) {
        amf0::write(writer, value);
    }
    return Bytes{std::move(body)};
}

Metadata read_metadata(amf0::Members members) {
    Result<std::optional<Metadata>> metadata =
        read_script(script_of({"onMetaData", amf0::ecma_array(std::move(members))}));
    return metadata && *metadata ? std::move(**metadata) : Metadata{};
}

TEST(FlvScript, metadata_says_what_will_come) {
    const Metadata metadata = read_metadata({{"width", 1920},
                                             {"height", 1080},
                                             {"framerate", 29.97},
                                             {"videocodecid", 7},
                                             {"audiocodecid", "mp4a"},
                                             {"encoder", "obs-output module"}});
    EXPECT_TRUE(metadata.video);
    EXPECT_TRUE(metadata.audio);
    EXPECT_EQ(metadata.width, 1920U);
    EXPECT_EQ(metadata.height, 1080U);
    EXPECT_EQ(metadata.frame_rate, 29.97);
    EXPECT_EQ(metadata.encoder, "obs-output module");
}

TEST(FlvScript, tracks_are_announced_by_flag_then_codec_then_property) {
    EXPECT_FALSE(read_metadata({{"hasVideo", false}, {"videocodecid", 7}}).video);
    EXPECT_TRUE(read_metadata({{"hasAudio", true}}).audio);
    EXPECT_FALSE(read_metadata({{"videocodecid", 0}, {"width", 640}}).video);
    EXPECT_FALSE(read_metadata({{"audiocodecid", ""}}).audio);
    EXPECT_TRUE(read_metadata({{"width", 640}}).video);
    EXPECT_TRUE(read_metadata({{"audiosamplerate", 44100}}).audio);
    EXPECT_FALSE(read_metadata({{"duration", 0}}).video);
}

TEST(FlvScript, absurd_numbers_are_not_said) {
    for (const double absurd : {-1.0, 0.0, 0.5, 1e9, std::numeric_limits<double>::infinity(),
                                std::numeric_limits<double>::quiet_NaN()}) {
        const Metadata metadata = read_metadata({{"width", absurd}, {"height", absurd}});
        EXPECT_EQ(metadata.width, 0U);
        EXPECT_EQ(metadata.height, 0U);
    }
    for (const double absurd : {-1.0, 0.0, 1e9, std::numeric_limits<double>::quiet_NaN()}) {
        EXPECT_EQ(read_metadata({{"framerate", absurd}}).frame_rate, 0);
    }
    EXPECT_EQ(read_metadata({{"encoder", std::string(5000, 'x')}}).encoder.size(), encoder_name_max);
}

TEST(FlvScript, the_body_is_kept_without_set_data_frame) {
    const amf0::Value said = amf0::object({{"width", 640}});
    const Bytes plain = script_of({"onMetaData", said});
    const Result<std::optional<Metadata>> metadata =
        read_script(script_of({"@setDataFrame", "onMetaData", said}));
    ASSERT_TRUE(metadata && *metadata);
    EXPECT_EQ((*metadata)->body, plain);
    EXPECT_EQ((*metadata)->width, 640U);
}

TEST(FlvScript, other_script_tags_say_nothing) {
    for (const amf0::Value& name : {amf0::Value{"onTextData"}, amf0::Value{1}, amf0::Value{}}) {
        const Result<std::optional<Metadata>> metadata = read_script(script_of({name, amf0::object({})}));
        ASSERT_TRUE(metadata);
        EXPECT_FALSE(*metadata);
    }
}

TEST(FlvScript, every_cut_of_metadata_is_an_error) {
    const Bytes whole = script_of({"onMetaData", amf0::object({{"width", 640}, {"encoder", "x"}})});
    for (std::size_t length = 0; length < whole.size(); ++length) {
        EXPECT_FALSE(read_script(whole.slice(0, length))) << length;
    }
    EXPECT_TRUE(read_script(whole));
}

TEST(FlvScript, case_6_a_script_tag_over_the_limit_is_refused) {
    const Result<std::optional<Metadata>> metadata =
        read_script(script_of({"onMetaData", std::string(script_bytes_max, 'x')}));
    ASSERT_FALSE(metadata);
    EXPECT_EQ(metadata.error().code, Errc::exhausted);
}

TEST(FlvScript, our_metadata_is_read_as_it_was_meant) {
    const media::Track video = samples::track(media::Codec::h264);
    const media::Track audio = samples::track(media::Codec::aac);
    const Result<std::optional<Metadata>> both = read_script(Bytes{metadata_body(&video, &audio)});
    ASSERT_TRUE(both && *both);
    EXPECT_TRUE((*both)->video);
    EXPECT_TRUE((*both)->audio);
    EXPECT_EQ((*both)->width, 64U);
    EXPECT_EQ((*both)->height, 64U);
    EXPECT_EQ((*both)->frame_rate, 25);
    EXPECT_EQ((*both)->encoder, "Millrace");

    const media::Track unconfigured{.kind = media::Kind::audio};
    const Result<std::optional<Metadata>> alone = read_script(Bytes{metadata_body(nullptr, &unconfigured)});
    ASSERT_TRUE(alone && *alone);
    EXPECT_FALSE((*alone)->video);
    EXPECT_TRUE((*alone)->audio);
}

TEST(FlvScript, row_4_12_a_cue_point_of_ours_is_read_as_it_was_meant) {
    const media::Track track = samples::track(media::Codec::h264);
    media::AccessUnit unit{.config = track.config};
    unit.dts = 90 * 1234;
    for (const auto label : {media::CaptureTime::Label::arrival, media::CaptureTime::Label::sender,
                             media::CaptureTime::Label::capture}) {
        unit.capture = {{1'763'646'000'123'456}, label};
        const std::optional<CaptureCue> cue = read_capture_cue(Bytes{time_body(unit)});
        ASSERT_TRUE(cue);
        EXPECT_EQ(cue->dts_ms, 1234);
        EXPECT_NEAR(static_cast<double>(cue->at.utc.microseconds), 1'763'646'000'123'456.0, 1);
        EXPECT_EQ(cue->at.label, label);
    }
    for (const std::int64_t unbelievable : {std::int64_t{1}, std::int64_t{5'000'000'000'000'000}}) {
        unit.capture.utc.microseconds = unbelievable;
        EXPECT_FALSE(read_capture_cue(Bytes{time_body(unit)}));
    }
}

TEST(FlvScript, every_cut_of_a_cue_point_says_nothing) {
    const media::Track track = samples::track(media::Codec::h264);
    const media::AccessUnit unit{.config = track.config, .capture = {.utc = {1'763'646'000'123'456}}};
    const Bytes whole{time_body(unit)};
    for (std::size_t length = 0; length + 3 < whole.size(); ++length) {
        EXPECT_FALSE(read_capture_cue(whole.slice(0, length))) << length;
    }
    EXPECT_TRUE(read_capture_cue(whole));
}

}   // namespace
}   // namespace millrace::flv
