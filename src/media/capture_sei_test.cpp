#include "media/capture_sei.hpp"

#include "media/picture_reader.hpp"
#include "media/sei.hpp"
#include "media/video_vectors.hpp"

#include <gtest/gtest.h>

namespace millrace::media {

namespace {

constexpr WallTime some_time{1'763'646'000'123'456};

/// The note in a whole NAL unit.
std::optional<CaptureNote> read(Codec codec, ByteSpan nal) {
    return read_capture_sei(nal.subspan(codec == Codec::h265 ? 2 : 1));
}

Picture read_picture(Codec codec, const CodedPicture& coded, const std::vector<std::byte>& note) {
    const NalUnits nals{coded};
    std::vector<ByteSpan> spans{ByteSpan{note}};
    spans.insert(spans.end(), nals.spans.begin(), nals.spans.end());
    PictureReader reader{codec};
    Result<std::optional<Picture>> picture = reader.read(spans);
    return picture && *picture ? std::move(**picture) : Picture{};
}

}   // namespace

TEST(CaptureSei, reads_back_what_it_wrote) {
    for (const Codec codec : {Codec::h264, Codec::h265}) {
        for (const std::optional<double> qp :
             {std::optional<double>{}, std::optional{23.25}, std::optional{0.0}}) {
            const std::vector<std::byte> nal = write_capture_sei(codec, {some_time, 0x00'00'00'01, qp});
            const std::optional<CaptureNote> note = read(codec, nal);
            ASSERT_TRUE(note);
            EXPECT_EQ(note->utc, some_time);
            EXPECT_EQ(note->frame, 1U);
            EXPECT_EQ(note->qp, qp);
        }
    }
}

TEST(CaptureSei, never_looks_like_a_start_code) {
    const std::vector<std::byte> nal = write_capture_sei(Codec::h264, {capture_utc_min, 0, {}});
    const std::string_view text = as_text(nal);
    EXPECT_EQ(text.find(std::string_view{"\0\0\0", 3}), std::string_view::npos);
    EXPECT_EQ(text.find(std::string_view{"\0\0\1", 3}), std::string_view::npos);
    EXPECT_TRUE(read(Codec::h264, nal));
}

TEST(CaptureSei, is_found_behind_another_encoders_note) {
    std::vector<std::byte> payload{std::byte{5}, std::byte{17}};
    payload.resize(payload.size() + 17, std::byte{0x77});
    const std::vector<std::byte> ours = write_capture_sei(Codec::h264, {some_time, 7, 30.0});
    payload.insert(payload.end(), ours.begin() + 1, ours.end());
    ASSERT_TRUE(read_capture_sei(payload));
    EXPECT_EQ(read_capture_sei(payload)->frame, 7U);
}

TEST(CaptureSei, a_time_nobody_believes_is_no_note) {
    for (const std::int64_t microseconds : {INT64_MIN, std::int64_t{0}, INT64_MAX}) {
        EXPECT_FALSE(read(Codec::h264, write_capture_sei(Codec::h264, {{microseconds}, 1, 20.0})));
    }
}

TEST(CaptureSei, survives_damage) {
    damage(write_capture_sei(Codec::h264, {some_time, 1, 20.0}), [](ByteSpan bytes) {
        if (!bytes.empty()) {
            read_capture_sei(bytes.subspan(1));
        }
    });
}

TEST(CaptureSei, row_4_24_a_picture_says_when_it_was_taken_and_how_finely_it_was_encoded) {
    const auto check = [](Codec codec, const CodedStream& stream) {
        const CodedPicture& coded = stream.pictures.front();
        const Picture noted = read_picture(codec, coded, write_capture_sei(codec, {some_time, 1, 31.4}));
        ASSERT_NE(noted.config, nullptr) << stream.name;
        ASSERT_TRUE(noted.note && noted.slice_qp);
        EXPECT_EQ(noted.note->utc, some_time);
        EXPECT_EQ(noted.slice_qp->min, coded.qp) << "the encoder's word is another number";
        const Picture plain = read_picture(codec, coded, write_capture_sei(codec, {some_time, 1, {}}));
        EXPECT_TRUE(plain.note && !plain.note->qp);
        AccessUnit unit;
        describe(unit, noted);
        EXPECT_EQ(unit.capture.label, CaptureTime::Label::capture);
        EXPECT_EQ(unit.capture.utc, some_time);
        EXPECT_EQ(unit.camera_number, 1U);
        EXPECT_NEAR(unit.coded_qp.value_or(0), 31.4, 0.01);
    };
    check(Codec::h264, h264_streams().front());
    check(Codec::h265, h265_streams().front());
}

}   // namespace millrace::media
