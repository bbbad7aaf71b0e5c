#include "protocol/sdp/description.hpp"

#include <gtest/gtest.h>

namespace millrace::sdp {
namespace {

TEST(Sdp, reads_a_camera_of_the_ordinary_kind) {
    const auto read = sdp::read(
        "v=0\r\no=- 1 1 IN IP4 10.0.0.2\r\ns=Session\r\nc=IN IP4 0.0.0.0\r\nt=0 0\r\n"
        "a=control:rtsp://10.0.0.2/live/\r\na=range:npt=now-\r\n"
        "m=video 0 RTP/AVP 96\r\nb=AS:5000\r\na=control:trackID=1\r\n"
        "a=rtpmap:96 H264/90000\r\n"
        "a=fmtp:96 packetization-mode=1; sprop-parameter-sets=Z0LA,aM4=\r\n"
        "m=audio 0 RTP/AVP 97\r\na=control:trackID=2\r\n"
        "a=rtpmap:97 MPEG4-GENERIC/16000/2\r\na=fmtp:97 mode=AAC-hbr; config=1410\r\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->title, "Session");
    EXPECT_EQ(read->control, "rtsp://10.0.0.2/live/");
    EXPECT_EQ(read->range, "npt=now-");
    ASSERT_EQ(read->media.size(), 2U);
    EXPECT_EQ(read->media[0].formats[0].encoding, "H264");
    EXPECT_EQ(read->media[0].formats[0].clock_rate, 90'000U);
    EXPECT_EQ(read->media[0].control, "trackID=1");
    EXPECT_EQ(read->media[1].formats[0].channels, 2);
    EXPECT_EQ(read->media[1].formats[0].parameters, "mode=AAC-hbr; config=1410");
    EXPECT_TRUE(read->remarks.empty());
}

TEST(Sdp, case_27_takes_what_odd_cameras_write) {
    struct Row {
        const char* what;
        const char* text;
        std::size_t media;
        std::size_t remarks;
    };
    const Row rows[] = {
        {"LF line ends, nothing before the media line", "m=video 0 RTP/AVP 96\na=rtpmap:96 H264/90000\n", 1,
         0},
        {"CR line ends", "v=0\rm=video 0 RTP/AVP 96\ra=rtpmap:96 H264/90000\r", 1, 0},
        {"no control, no rtpmap", "m=audio 0 RTP/AVP 0\n", 1, 0},
        {"junk b= and lines that are none", "b=\nb=AS:\nhello\nm=video 0 RTP/AVP 26\nb=junk:x:y\n\n=\n", 1,
         0},
        {"spaces everywhere", " m=video  0  RTP/AVP  96 \n a=rtpmap: 96  H265 / 90000 \n", 1, 0},
        {"a media line twice", "m=video 0 RTP/AVP 96\na=control:1\nm=video 0 RTP/AVP 96\na=control:1\n", 1,
         1},
        {"two without controls", "m=video 0 RTP/AVP 96\nm=video 0 RTP/AVP 96\n", 2, 0},
        {"one that is of no use", "m=application 0 TCP foo\na=control:x\nm=video 0 RTP/AVP 96\n", 1, 1},
        {"a port with a count, out-of-range payloads", "m=video 5000/2 RTP/AVP 96 128 999\n", 1, 0},
        {"an attribute of no media line's payload", "m=video 0 RTP/AVP 96\na=rtpmap:97 H264/90000\n", 1, 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.what);
        const auto read = sdp::read(row.text);
        ASSERT_TRUE(read);
        EXPECT_EQ(read->media.size(), row.media);
        EXPECT_EQ(read->remarks.size(), row.remarks);
    }
    EXPECT_EQ(sdp::read(rows[4].text)->media[0].formats[0].encoding, "H265");
    EXPECT_EQ(sdp::read(rows[4].text)->media[0].formats[0].clock_rate, 90'000U);
}

TEST(Sdp, case_27_refuses_what_is_too_long_or_describes_nothing) {
    EXPECT_EQ(read(std::string(std::size_t{1} << 20U, 'a')).error().code, Errc::exhausted);
    EXPECT_EQ(read("").error().code, Errc::malformed);
    EXPECT_EQ(read("v=0\r\ns=-\r\n").error().code, Errc::malformed);
    std::string many;
    for (int i = 0; i < 100; ++i) {
        many += "m=video 0 RTP/AVP 96\n";
    }
    const auto bounded = read(many);
    ASSERT_TRUE(bounded);
    EXPECT_EQ(bounded->media.size(), media_max);
    EXPECT_EQ(bounded->remarks.size(), remarks_max);
}

TEST(Sdp, reads_sizes_and_header_extensions) {
    const auto read = sdp::read(
        "m=video 0 RTP/AVP 26\na=framesize:26 2560-1440\n"
        "a=extmap:5/sendonly http://www.webrtc.org/experiments/rtp-hdrext/abs-capture-time\n"
        "m=video 0 RTP/AVP 26\na=x-dimensions:3840,2160\na=rtcp-fb:* nack pli\n"
        "a=rtcp-fb:26 ccm fir\nm=audio 0 RTP/AVP 0\na=sendonly\n");
    ASSERT_TRUE(read);
    EXPECT_EQ(read->media[0].width, 2560U);
    EXPECT_EQ(read->media[0].height, 1440U);
    EXPECT_EQ(read->media[0].capture_time_id, 5);
    EXPECT_EQ(read->media[1].height, 2160U);
    EXPECT_TRUE(read->media[1].picture_loss && read->media[1].full_intra);
    EXPECT_FALSE(read->media[0].picture_loss || read->media[0].full_intra);
    EXPECT_TRUE(read->media[2].back_channel);
}

TEST(Sdp, writes_what_it_reads) {
    Description said{.title = "live/cam\r\na=evil",
                     .control = "*",
                     .range = "npt=now-",
                     .connection = "::1",
                     .media = {},
                     .remarks = {}};
    said.media.push_back({.kind = "video",
                          .protocol = "RTP/AVP",
                          .formats = {{.payload_type = 96,
                                       .encoding = "H264",
                                       .clock_rate = 90'000,
                                       .parameters = "packetization-mode=1"}},
                          .control = "trackID=0",
                          .connection = {}});
    said.media.push_back({.kind = "audio",
                          .protocol = "RTP/AVP",
                          .formats = {{.payload_type = 97,
                                       .encoding = "opus",
                                       .clock_rate = 48'000,
                                       .channels = 2,
                                       .parameters = {}}},
                          .control = "trackID=1",
                          .connection = {}});
    const auto heard = read(write(said));
    ASSERT_TRUE(heard);
    EXPECT_EQ(heard->title, "live/cama=evil");
    EXPECT_EQ(heard->connection, "::1");
    ASSERT_EQ(heard->media.size(), 2U);
    EXPECT_EQ(heard->media[0].formats[0].parameters, "packetization-mode=1");
    EXPECT_EQ(heard->media[1].formats[0].channels, 2);
    EXPECT_EQ(heard->media[1].control, "trackID=1");
}

TEST(Sdp, case_27_resolves_absolute_and_relative_controls) {
    struct Row {
        std::string_view base, control, url;
    };
    const Row rows[] = {
        {"rtsp://h/a", "trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a/", "trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a/", "/trackID=1", "rtsp://h/a/trackID=1"},
        {"rtsp://h/a?x=1&y=2", "trackID=1", "rtsp://h/a?x=1&y=2/trackID=1"},
        {"rtsp://h/a", "RTSP://other/b", "RTSP://other/b"},
        {"rtsp://h/a", "*", "rtsp://h/a"},
        {"rtsp://h/a", "", "rtsp://h/a"},
    };
    for (const Row& row : rows) {
        EXPECT_EQ(resolve_control(row.base, row.control), row.url);
    }
}

}   // namespace
}   // namespace millrace::sdp
