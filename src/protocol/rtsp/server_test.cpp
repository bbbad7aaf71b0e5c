#include "protocol/rtsp/server.hpp"
#include "protocol/rtsp/raw_client_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtsp {
namespace {

constexpr std::string_view url = RawClient::url;

TEST(RtspServer, tells_its_methods) {
    RawClient client;
    EXPECT_EQ(client.ask("OPTIONS", "*"), 200U);
    EXPECT_NE(client.header("Public").find("RECORD"), std::string_view::npos);
    EXPECT_EQ(client.answer().cseq, 1U);
}

TEST(RtspServer, takes_a_player_from_describe_to_teardown_cut_at_every_byte) {
    for (const std::size_t piece : {std::size_t{4'096}, std::size_t{1}}) {
        RawClient client;
        client.piece = piece;
        client.ask("DESCRIBE", "rtsp://h/live/cam?token=x",
                   "Authorization: Basic abc\r\nUser-Agent: test\r\n");
        const auto asked = client.events_of<Server::PlayRequested>();
        ASSERT_EQ(asked.size(), 1U);
        EXPECT_EQ(asked[0].address.path, "live/cam");
        EXPECT_EQ(asked[0].address.query, "token=x");
        EXPECT_EQ(asked[0].caller.authorization, "Basic abc");
        EXPECT_TRUE(client.answers.empty());
        client.server.offer(RawClient::two_tracks());
        client.listen();
        EXPECT_EQ(client.answer().status, 200U);
        EXPECT_EQ(client.header("Content-Base"), "rtsp://h/live/cam?token=x/");
        EXPECT_EQ(sdp::read(client.answer().body)->media.size(), 2U);

        EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam?token=x/trackID=0",
                             "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n"),
                  200U);
        EXPECT_EQ(client.header("Transport"), "RTP/AVP/TCP;unicast;interleaved=0-1");
        EXPECT_NE(client.header("Session").find(";timeout=60"), std::string_view::npos);
        client.keep_session();
        EXPECT_EQ(
            client.ask("SETUP", "rtsp://h/live/cam?token=x/trackID=1", "Transport: RTP/AVP/TCP;unicast\r\n"),
            200U);
        EXPECT_EQ(client.header("Transport"), "RTP/AVP/TCP;unicast;interleaved=2-3");

        EXPECT_EQ(client.ask("PLAY", "rtsp://h/live/cam?token=x/"), 0U);
        ASSERT_EQ(client.events_of<Server::PlayStarted>().size(), 1U);
        const std::vector<Server::TrackStart> starts{{0, 500, 90'000}, {1, 600, 48'000}};
        client.server.start_play(starts);
        client.listen();
        EXPECT_EQ(client.header("RTP-Info"),
                  "url=rtsp://h/live/cam?token=x/trackID=0;seq=500;rtptime=90000,"
                  "url=rtsp://h/live/cam?token=x/trackID=1;seq=600;rtptime=48000");
        EXPECT_EQ(client.header("Range"), "npt=now-");
        EXPECT_TRUE(client.server.playing());
        EXPECT_EQ(client.ask("GET_PARAMETER", url), 200U);
        EXPECT_EQ(client.ask("PAUSE", url), 200U);
        EXPECT_FALSE(client.server.playing());
        EXPECT_EQ(client.ask("TEARDOWN", url), 200U);
        EXPECT_EQ(client.events_of<Server::Ended>().size(), 1U);
        EXPECT_EQ(client.ask("PLAY", url), 454U);
    }
}

TEST(RtspServer, plays_a_recording_by_range_and_scale_and_again_while_it_plays) {
    RawClient client;
    client.reach_playing_recording();
    EXPECT_EQ(client.answer().status, 200U);
    EXPECT_EQ(client.header("Range"), "npt=1.500-9.000");
    EXPECT_EQ(client.header("Scale"), "1");
    EXPECT_EQ(client.header("RTP-Info"), "url=rtsp://h/live/cam/trackID=0;seq=7;rtptime=90");
    ASSERT_TRUE(client.server.playing());
    EXPECT_EQ(client.ask("PLAY", url, "Range: clock=20261120T140932Z-\r\nScale: 4.0\r\n"), 0U);
    const auto wanted = client.events_of<Server::PlayStarted>();
    ASSERT_EQ(wanted.size(), 2U);
    EXPECT_EQ(wanted[0].range, (Range{Range::Unit::npt, 2'000'000, {}}));
    EXPECT_EQ(wanted[0].scale, std::nullopt);
    EXPECT_EQ(wanted[1].range->unit, Range::Unit::clock);
    EXPECT_EQ(wanted[1].scale, 4'000);
    client.server.start_play({}, Server::Played{.range = {}, .scale = 4'000});
    client.listen();
    EXPECT_EQ(client.header("Scale"), "4");
    EXPECT_EQ(client.ask("PAUSE", url), 200U);
    EXPECT_EQ(client.ask("PLAY", url), 0U);
    EXPECT_EQ(client.events_of<Server::PlayStarted>().back().range, std::nullopt) << "on from where it is";
}

TEST(RtspServer, refuses_ranges_and_scales_that_are_not_played_in_words) {
    RawClient client;
    client.reach_playing_recording();
    EXPECT_EQ(client.ask("PLAY", url, "Scale: -1\r\n"), 406U);
    EXPECT_EQ(client.answer().reason, "this is played forwards only: Scale is 0.25 to 32");
    EXPECT_EQ(client.ask("PLAY", url, "Range: smpte=0:10:00-\r\n"), 457U);
    EXPECT_EQ(client.ask("PLAY", url, "Range: npt=20-10\r\n"), 457U);
    EXPECT_TRUE(client.server.playing()) << "it plays on";
    EXPECT_EQ(client.events_of<Server::PlayStarted>().size(), 1U);
    RawClient live;
    live.reach_playing();
    EXPECT_EQ(live.ask("PLAY", url, "Range: npt=20-10\r\nScale: -1\r\n"), 200U) << "live has none of them";
}

TEST(RtspServer, takes_a_publisher_and_its_packets) {
    RawClient client;
    client.reach_recording();
    EXPECT_EQ(client.answer().status, 200U);
    EXPECT_TRUE(client.server.recording());
    const auto asked = client.events_of<Server::PublishRequested>();
    ASSERT_EQ(asked.size(), 1U);
    EXPECT_EQ(asked[0].description.media.size(), 2U);
    ASSERT_EQ(client.events_of<Server::RecordStarted>().size(), 1U);
    client.piece = 1;
    client.send(std::string_view{"$\x02\0\x05hello$\x03\0\x02xx\r\n\r\n$\0\0\0", 23});
    const auto packets = client.events_of<Server::Packet>();
    ASSERT_EQ(packets.size(), 3U);
    EXPECT_EQ(packets[0].track, 1U);
    EXPECT_FALSE(packets[0].control);
    EXPECT_EQ(as_text(packets[0].payload), "hello");
    EXPECT_TRUE(packets[1].control);
    EXPECT_EQ(packets[2].track, 0U);
    EXPECT_EQ(client.ask("TEARDOWN", url), 200U);
}

TEST(RtspServer, case_27_media_lines_without_control_are_set_up_in_their_order) {
    RawClient client;
    client.ask("ANNOUNCE", url, "Content-Type: application/sdp\r\n",
               "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
               "m=audio 0 RTP/AVP 97\r\na=rtpmap:97 opus/48000/2\r\n");
    client.server.accept_publish();
    client.listen();
    for (int line = 0; line < 2; ++line) {
        EXPECT_EQ(client.ask("SETUP", url, "Transport: RTP/AVP/TCP;unicast;mode=record\r\n"), 200U);
        client.keep_session();
    }
    EXPECT_EQ(client.ask("SETUP", url, "Transport: RTP/AVP/TCP;unicast;mode=record\r\n"), 404U);
    EXPECT_EQ(client.ask("RECORD", url), 200U);
    ASSERT_EQ(client.server.tracks().size(), 2U);
    EXPECT_EQ(client.server.tracks()[1].track, 1U);
    EXPECT_EQ(client.server.tracks()[1].transport.channels->rtp, 2);
}

TEST(RtspServer, lets_a_player_set_up_without_describe) {
    RawClient client;
    EXPECT_EQ(
        client.ask("SETUP", "rtsp://h/live/cam/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1\r\n"), 0U);
    ASSERT_EQ(client.events_of<Server::PlayRequested>().size(), 1U);
    client.server.offer(RawClient::two_tracks());
    client.listen();
    EXPECT_EQ(client.answer().status, 200U);
}

TEST(RtspServer, asks_for_proof_and_lets_try_again) {
    RawClient client;
    client.ask("DESCRIBE", url);
    client.server.refuse(
        {.status = unauthorized, .reason = {}, .challenges = {"Basic realm=\"m\"", "Digest realm=\"m\""}});
    client.listen();
    EXPECT_EQ(client.answer().status, 401U);
    EXPECT_EQ(client.header("WWW-Authenticate"), "Basic realm=\"m\"");
    EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam/trackID=0", "Transport: RTP/AVP/TCP\r\n"), 0U);
    client.server.refuse({.status = unauthorized, .reason = {}, .challenges = {}});
    client.describe();
    EXPECT_EQ(client.answer().status, 200U);
    for (int i = 0; i < 40 && client.last; ++i) {
        client.ask("PLAY", url);
    }
    EXPECT_EQ(client.last.error().code, Errc::throttled);
}

TEST(RtspServer, keeps_order_while_its_owner_decides) {
    RawClient client;
    client.ask("DESCRIBE", url);
    EXPECT_EQ(client.ask("OPTIONS", "*"), 0U);
    EXPECT_EQ(client.server.deadline(), Instant::never());
    client.server.offer(RawClient::two_tracks());
    client.listen();
    ASSERT_EQ(client.answers.size(), 2U);
    EXPECT_EQ(client.answers[0].cseq, 1U);
    EXPECT_EQ(client.answers[1].cseq, 2U);
    client.ask("DESCRIBE", "rtsp://h/other");
    for (std::size_t i = 0; i <= requests_waiting_max; ++i) {
        client.ask("OPTIONS", "*");
    }
    EXPECT_EQ(client.last.error().code, Errc::exhausted);
}

TEST(RtspServer, case_13_ends_a_head_without_end) {
    RawClient line;
    line.send("OPTIONS " + std::string(std::size_t{1} << 20U, 'a'));
    EXPECT_FALSE(line.last);
    EXPECT_EQ(line.answer().status, 414U);
    RawClient fields;
    fields.send("OPTIONS * RTSP/1.0\r\nX: " + std::string(std::size_t{1} << 20U, 'a'));
    EXPECT_EQ(fields.answer().status, 400U);
    fields.last = {};
    fields.send("OPTIONS * RTSP/1.0\r\n\r\n");
    EXPECT_EQ(fields.last.error().code, Errc::closed);
}

TEST(RtspServer, cases_14_and_15_refuse_lengths_and_numbers_that_are_none) {
    struct Row {
        const char* fields;
        unsigned status;
    };
    const std::string long_number = "CSeq: " + std::string(5'000, '1') + "\r\n";
    const Row rows[] = {{"CSeq: 1\r\nContent-Length: -1\r\n", 400},
                        {"CSeq: 1\r\nContent-Length: 2147483648\r\n", 413},
                        {"CSeq: 1\r\nContent-Length: 9223372036854775808\r\n", 413},
                        {"CSeq: 1\r\nContent-Length: 99999999999999999999\r\n", 400},
                        {"CSeq: 1\r\nContent-Length: 12abc\r\n", 400},
                        {"CSeq: 1\r\nContent-Length: 1\r\nContent-Length: 2\r\n", 400},
                        {"", 400},
                        {"CSeq: -1\r\n", 400},
                        {"CSeq: 99999999999\r\n", 400},
                        {long_number.c_str(), 400},
                        {"CSeq: 1\r\nno colon\r\n", 400}};
    for (const Row& row : rows) {
        RawClient client;
        client.send(fmt::format("OPTIONS * RTSP/1.0\r\n{}\r\n", row.fields));
        ASSERT_EQ(client.answers.size(), 1U) << row.fields;
        EXPECT_EQ(client.answer().status, row.status) << row.fields;
        EXPECT_FALSE(client.last);
    }
    RawClient version;
    version.send("OPTIONS * RTSP/2.0\r\nCSeq: 4\r\n\r\n");
    EXPECT_EQ(version.answer().status, 505U);
    EXPECT_EQ(version.answer().cseq, 4U);
}

TEST(RtspServer, case_16_knows_no_session_of_another_connection) {
    RawClient victim;
    victim.reach_playing();
    RawClient other;
    other.reach_playing();
    other.session = victim.session + "0";
    for (const char* method : {"PLAY", "PAUSE", "TEARDOWN", "GET_PARAMETER"}) {
        EXPECT_EQ(other.ask(method, url), 454U);
    }
    EXPECT_TRUE(victim.server.playing());
    EXPECT_TRUE(other.server.playing());
    EXPECT_EQ(other.server.counters().sessions_refused, 4U);
}

TEST(RtspServer, case_17_ends_a_session_that_is_never_played) {
    RawClient client;
    EXPECT_EQ(client.server.deadline(), Instant{} + opening_time_max);
    client.now = client.now + 5s;
    client.describe();
    client.ask("SETUP", "rtsp://h/live/cam/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
    EXPECT_EQ(client.server.deadline(), client.now + session_timeout);
    EXPECT_TRUE(client.server.advance(client.now + 59s));
    EXPECT_EQ(client.server.advance(client.now + 60s).error().code, Errc::timed_out);
    RawClient silent;
    EXPECT_EQ(silent.server.advance(Instant{} + 10s).error().code, Errc::timed_out);
}

TEST(RtspServer, case_18_reads_no_destination) {
    RawClient client;
    client.describe();
    EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam/trackID=0",
                         "Transport: RTP/AVP;unicast;destination=10.9.8.7;client_port=4000-4001\r\n"),
              0U);
    ASSERT_EQ(client.events_of<Server::PortsWanted>().size(), 1U);
    EXPECT_EQ(client.events_of<Server::PortsWanted>()[0].client, (Ports{4'000, 4'001}));
    client.server.grant_ports({.server = {6'000, 6'001}, .ssrc = 0xAB});
    client.listen();
    EXPECT_EQ(client.header("Transport"),
              "RTP/AVP;unicast;client_port=4000-4001;server_port=6000-6001;ssrc=000000AB");
}

TEST(RtspServer, case_19_refuses_channels_and_ports_that_are_none) {
    const char* const rows[] = {"RTP/AVP/TCP;interleaved=255-256",  "RTP/AVP/TCP;interleaved=4-4",
                                "RTP/AVP/TCP;interleaved=5-4",      "RTP/AVP;client_port=65535-65536",
                                "RTP/AVP;client_port=4001-4002",    "RTP/AVP;client_port=4000-4000",
                                "RTP/AVP;client_port=0-1",          "RTP/AVP",
                                "RTP/SAVP;client_port=4000-4001",   "RAW/RAW/UDP;client_port=4000-4001",
                                "RTP/AVP;multicast;port=5000-5001", ""};
    for (const char* row : rows) {
        RawClient client;
        client.describe();
        EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam/trackID=0", fmt::format("Transport: {}\r\n", row)),
                  461U)
            << row;
    }
    RawClient clash;
    clash.describe();
    clash.ask("SETUP", "rtsp://h/live/cam/trackID=0", "Transport: RTP/AVP/TCP;interleaved=0-1\r\n");
    clash.keep_session();
    EXPECT_EQ(clash.ask("SETUP", "rtsp://h/live/cam/trackID=1", "Transport: RTP/AVP/TCP;interleaved=1-2\r\n"),
              461U);
}

TEST(RtspServer, case_20_passes_over_frames_of_no_channel_and_waits_for_none_for_ever) {
    RawClient client;
    client.reach_recording();
    const std::string frame = std::string{"$\x09\xFF\xFF", 4} + std::string(65'535, 'x');
    client.send(frame);
    EXPECT_TRUE(client.last);
    EXPECT_EQ(client.server.counters().frames_ignored, 1U);
    client.send(std::string_view{"$\0\x40\0half", 8});
    EXPECT_EQ(client.server.advance(client.now + 60s).error().code, Errc::timed_out);
}

TEST(RtspServer, answers_what_is_out_of_turn_in_the_protocols_words) {
    RawClient client;
    EXPECT_EQ(client.ask("PLAY", url), 454U);
    EXPECT_EQ(client.ask("RECORD", url), 454U);
    EXPECT_EQ(client.ask("TEARDOWN", url), 454U);
    EXPECT_EQ(client.ask("FOO", url), 501U);
    EXPECT_EQ(client.ask("DESCRIBE", "http://h/x"), 400U);
    EXPECT_EQ(client.ask("DESCRIBE", url, "Require: www.onvif.org/ver20/backchannel\r\n"), 551U);
    EXPECT_EQ(client.header("Unsupported"), "www.onvif.org/ver20/backchannel");
    EXPECT_EQ(client.ask("ANNOUNCE", url, "Content-Type: text/plain\r\n", "x"), 415U);
    EXPECT_EQ(client.ask("ANNOUNCE", url, {}, "x"), 400U);
    EXPECT_EQ(client.ask("SET_PARAMETER", url, {}, "volume: 3"), 451U);
    client.describe();
    EXPECT_EQ(client.ask("SETUP", url, "Transport: RTP/AVP/TCP\r\n"), 459U);
    EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam/trackID=7", "Transport: RTP/AVP/TCP\r\n"), 404U);
    client.reach_playing();
    EXPECT_EQ(client.ask("SETUP", "rtsp://h/live/cam/trackID=0", "Transport: RTP/AVP/TCP\r\n"), 455U);
    EXPECT_EQ(client.ask("RECORD", url), 455U);
    EXPECT_EQ(client.ask("PLAY", url), 200U);
}

TEST(RtspServer, ends_a_publisher_of_which_nothing_is_heard_but_no_player_over_tcp) {
    RawClient publisher;
    publisher.reach_recording();
    EXPECT_EQ(publisher.server.deadline(), publisher.now + session_timeout);
    publisher.now = publisher.now + 50s;
    publisher.send(std::string_view{"$\0\0\1x", 5});
    EXPECT_EQ(publisher.server.deadline(), publisher.now + session_timeout);
    RawClient player;
    player.reach_playing();
    EXPECT_EQ(player.server.deadline(), Instant::never());
}

}   // namespace
}   // namespace millrace::rtsp
