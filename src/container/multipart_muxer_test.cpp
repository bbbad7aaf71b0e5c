#include "container/multipart_muxer.hpp"

#include "media/jpeg.hpp"
#include "media/jpeg_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::multipart {
namespace {

constexpr Instant now = Instant::from_nanoseconds(1'000'000'000);

media::AccessUnit picture(std::string_view data, std::int64_t taken_us) {
    media::AccessUnit unit;
    unit.config = media::jpeg::config_from({.width = 16, .height = 16});
    unit.payload = media::jpeg::Sample{16, 16, data}.bytes();
    unit.key = true;
    unit.capture = {{taken_us}, media::CaptureTime::Label::capture};
    return unit;
}

std::string text_of(BlockLog& log, LogView& view) {
    view.apply(log.take_change());
    std::array<ByteSpan, 64> slices;
    std::string text;
    for (const ByteSpan slice : std::span{slices}.first(view.gather(view.tail(), view.head(), slices))) {
        text += as_text(slice);
    }
    return text;
}

TEST(Multipart, row_2_6_a_part_says_type_length_and_time_and_the_boundary_follows_at_once) {
    BlockLog log;
    LogView view;
    Muxer muxer;
    ASSERT_TRUE(muxer.configure({}, log, now));
    const media::AccessUnit unit = picture("one", 1'763'646'000'250'000);
    muxer.write(unit, log, now);
    const std::string jpeg{as_text(unit.payload)};
    EXPECT_EQ(as_text(muxer.lead({})), "--frame\r\n");
    EXPECT_EQ(text_of(log, view),
              "Content-Type: image/jpeg\r\nContent-Length: " + std::to_string(jpeg.size()) +
                  "\r\nX-Timestamp: 1763646000.250000\r\nX-Timestamp-Origin: capture\r\n\r\n" + jpeg +
                  "\r\n--frame\r\n");
    EXPECT_EQ(media_type, "multipart/x-mixed-replace; boundary=frame");
    EXPECT_TRUE(view.prefers_newest());
}

TEST(Multipart, row_4_13_a_publishers_end_begins_the_header_of_the_next_part) {
    BlockLog log;
    LogView view;
    Muxer muxer;
    ASSERT_TRUE(muxer.configure({}, log, now));
    muxer.write(picture("one", 0), log, now);
    muxer.unpublished(log, now);
    muxer.end(log, now);
    muxer.write(picture("two", 0), log, now);
    const std::string text = text_of(log, view);
    const std::string said = "--frame\r\nX-Publisher: ended\r\nContent-Type: image/jpeg\r\n";
    EXPECT_NE(text.find(said), std::string::npos) << "said once, and the part goes on: " << text;
}

TEST(Multipart, row_3_26_without_our_fields_the_bytes_are_those_of_the_classic_demo) {
    BlockLog log;
    LogView view;
    Muxer muxer;
    muxer.configure({}, log, now);
    std::string classic{"--frame\r\n"};
    for (const std::string_view data : {"one", "two"}) {
        const media::AccessUnit unit = picture(data, 0);
        muxer.write(unit, log, now);
        classic +=
            "Content-Type: image/jpeg\r\n\r\n" + std::string{as_text(unit.payload)} + "\r\n--frame\r\n";
    }
    std::string ours = std::string{as_text(muxer.lead({}))} + text_of(log, view);
    for (const std::string_view field : {"Content-Length: ", "X-Timestamp: ", "X-Timestamp-Origin: "}) {
        for (std::size_t at = ours.find(field); at != std::string::npos; at = ours.find(field)) {
            ours.erase(at, ours.find("\r\n", at) + 2 - at);
        }
    }
    EXPECT_EQ(ours, classic);
}

TEST(Multipart, case_71_a_boundary_inside_a_picture_is_covered_by_its_length) {
    BlockLog log;
    LogView view;
    Muxer muxer;
    muxer.configure({}, log, now);
    const media::AccessUnit sly = picture("\r\n--frame\r\nContent-Type: text/html\r\n\r\n<b>no</b>", 5);
    muxer.write(sly, log, now);
    const std::string text = text_of(log, view);
    const std::size_t length = std::stoul(text.substr(text.find("Length: ") + 8));
    const std::size_t begin = text.find("\r\n\r\n") + 4;
    EXPECT_EQ(text.substr(begin, length), as_text(sly.payload));
    EXPECT_EQ(text.substr(begin + length), "\r\n--frame\r\n");
}

TEST(Multipart, a_bare_message_is_the_picture_itself) {
    BlockLog log;
    LogView view;
    BareMuxer muxer;
    muxer.configure({}, log, now);
    const media::AccessUnit unit = picture("one", 5);
    muxer.write(unit, log, now);
    EXPECT_TRUE(muxer.lead({}).empty());
    EXPECT_EQ(text_of(log, view), as_text(unit.payload));
}

TEST(Multipart, carries_pictures_that_stand_alone_only) {
    const media::TrackConfig h264{.codec = media::Codec::h264};
    EXPECT_FALSE(carries({.config = std::make_shared<const media::TrackConfig>(h264)}));
    EXPECT_FALSE(carries({}));
    EXPECT_TRUE(carries({.config = picture("", 0).config}));
}

}   // namespace
}   // namespace millrace::multipart
