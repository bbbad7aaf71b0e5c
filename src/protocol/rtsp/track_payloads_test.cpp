#include "protocol/rtsp/track_payloads.hpp"
#include "container/flv_samples.hpp"
#include "protocol/rtp/depacketiser.hpp"
#include "protocol/rtsp/stream_address.hpp"

#include <gtest/gtest.h>

namespace millrace::rtsp {
namespace {

TEST(TrackPayloads, says_what_it_reads_itself) {
    using media::Codec;
    std::vector<media::Track> tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    tracks.push_back({.id = 2, .kind = media::Kind::audio});   // not configured yet: not offered
    tracks.push_back(flv::samples::track(Codec::h265));
    tracks.back().id = 3;
    const Offer offer = offer_of(tracks, "live/cam");
    ASSERT_EQ(offer.formats.size(), 3U);
    EXPECT_EQ(offer.tracks, (std::vector<media::TrackId>{0, 1, 3}));
    const Result<sdp::Description> heard = sdp::read(sdp::write(offer.description));
    ASSERT_TRUE(heard);
    ASSERT_EQ(heard->media.size(), 3U);
    for (std::size_t i = 0; i < 3; ++i) {
        const Result<rtp::Format> format = payload_of(heard->media[i]);
        ASSERT_TRUE(format);
        EXPECT_EQ(format->encoding, offer.formats[i].encoding);
        const Result<media::ConfigRef> config = rtp::config_from(*format);
        ASSERT_TRUE(config && *config != nullptr);
        const media::TrackConfig& sent = *tracks[i == 2 ? 3 : i].config;
        EXPECT_TRUE((*config)->same_coding(sent));
    }
}

TEST(TrackPayloads, case_27_plays_what_can_be_played_and_names_the_rest) {
    struct Row {
        const char* text;
        std::optional<rtp::Encoding> encoding;
        std::uint32_t clock_rate;
    };
    const Row rows[] = {
        {"m=video 0 RTP/AVP 96\n", rtp::Encoding::h264, 90'000},   // no a=rtpmap at all
        {"m=video 0 RTP/AVP 96\na=fmtp:96 sprop-vps=AA\n", rtp::Encoding::h265, 90'000},
        {"m=video 0 RTP/AVP 96\na=rtpmap:96 h264\n", rtp::Encoding::h264, 90'000},
        {"m=video 0 RTP/AVP 96 97\na=rtpmap:96 VP8/90000\na=rtpmap:97 H264/90000\n", rtp::Encoding::h264,
         90'000},
        {"m=audio 0 RTP/AVP 8\n", rtp::Encoding::pcma, 8'000},
        {"m=audio 0 RTP/AVP 0\na=rtpmap:0 PCMU/16000\n", rtp::Encoding::pcmu, 16'000},
        {"m=audio 0 RTP/AVP 97\na=rtpmap:97 MPEG4-GENERIC\n", std::nullopt, 0},
        {"m=audio 0 RTP/AVP 97\n", std::nullopt, 0},
        {"m=application 0 RTP/AVP 107\na=rtpmap:107 vnd.onvif.metadata/90000\n", std::nullopt, 0},
        {"m=audio 0 RTP/AVP 0\na=sendonly\n", std::nullopt, 0},
        {"m=video 0 RTP/SAVP 96\na=rtpmap:96 H264/90000\n", std::nullopt, 0},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.text);
        const Result<sdp::Description> description = sdp::read(row.text);
        ASSERT_TRUE(description);
        const Result<rtp::Format> format = payload_of(description->media[0]);
        EXPECT_EQ(format.has_value(), row.encoding.has_value());
        if (format && row.encoding) {
            EXPECT_EQ(format->encoding, *row.encoding);
            EXPECT_EQ(format->clock_rate, row.clock_rate);
        }
    }
}

TEST(StreamAddress, takes_urls_apart_as_players_put_them_together) {
    struct Row {
        const char* url;
        const char* base;
        const char* path;
        const char* query;
        std::optional<unsigned> track;
    };
    const Row rows[] = {
        {"rtsp://h/live/cam", "rtsp://h/live/cam", "live/cam", "", {}},
        {"rtsp://h:554/live/cam/", "rtsp://h:554/live/cam", "live/cam", "", {}},
        {"rtsp://h/live/cam/trackID=1", "rtsp://h/live/cam", "live/cam", "", 1},
        {"rtsp://h/live/cam?a=b/trackID=1", "rtsp://h/live/cam?a=b", "live/cam", "a=b", 1},
        {"rtsp://h/live/cam/trackID=1?a=b", "rtsp://h/live/cam?a=b", "live/cam", "a=b", 1},
        {"rtsps://h//a%20b/", "rtsps://h//a%20b", "a b", "", {}},
        {"rtsp://h", "rtsp://h", "", "", {}},
        {"rtsp://h/trackID=x", "rtsp://h/trackID=x", "trackID=x", "", {}},
    };
    for (const Row& row : rows) {
        SCOPED_TRACE(row.url);
        const auto address = read_address(row.url);
        ASSERT_TRUE(address);
        EXPECT_EQ(address->base, row.base);
        EXPECT_EQ(address->path, row.path);
        EXPECT_EQ(address->query, row.query);
        EXPECT_EQ(address->track, row.track);
    }
    for (const char* other : {"*", "http://h/x", "rtsp:/h", "rtsp://h/%zz", "rtsp://h/%00"}) {
        EXPECT_FALSE(read_address(other)) << other;
    }
}

}   // namespace
}   // namespace millrace::rtsp
