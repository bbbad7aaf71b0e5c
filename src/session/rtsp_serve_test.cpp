#include "session/rtsp_serve.hpp"

#include "protocol/rtsp/player_back_channel.hpp"
#include "protocol/rtsp/raw_client_for_tests.hpp"
#include "session/rtsp_peers_for_tests.hpp"
#include "session/rtsp_play.hpp"

#include <map>

namespace millrace::session {
namespace {

using media::Codec;
using toys::RtspCamera;
using toys::RtspPeer;
using toys::RtspTalker;
using toys::RtspWorld;

constexpr std::string_view url = "rtsp://h/live/cam";

std::string session_of(std::string_view answer) {
    const std::size_t at = answer.find("Session: ");
    return at == std::string_view::npos
               ? std::string{}
               : std::string{answer.substr(at + 9, answer.find_first_of(";\r", at) - at - 9)};
}

std::string set_up(RtspTalker& talker, std::string_view transport = "RTP/AVP/TCP;unicast;interleaved=0-1") {
    return talker.ask("SETUP", fmt::format("{}/trackID=0", url), fmt::format("Transport: {}\r\n", transport));
}

TEST(RtspServe, plays_what_is_published_each_unit_once_and_in_order) {
    for (const Codec video : {Codec::h264, Codec::h265}) {
        for (const Codec sound : {Codec::aac, Codec::opus}) {
            RtspWorld scene;
            RtspCamera camera{scene, {video, sound}};
            ASSERT_TRUE(camera.peer().started());
            std::vector<std::vector<Bytes>> sent(2);
            const auto send = [&](std::int64_t at_ms) {
                for (const media::AccessUnit& unit : camera.send(at_ms)) {
                    sent[unit.track].push_back(unit.payload);
                }
                scene.run_for(160ms);
            };
            send(0);
            RtspPeer player{scene, toys::plays()};
            ASSERT_TRUE(player.started());
            ASSERT_EQ(player.description().media.size(), 2U);
            EXPECT_EQ(player.starts().size(), 2U);
            for (std::int64_t at = 160; at < 1'600; at += 160) {
                send(at);
                player.talk();
            }
            const std::vector<std::vector<Bytes>> got = units_of(player);
            EXPECT_EQ(got[0], sent[0]);
            EXPECT_EQ(got[1], sent[1]);
        }
    }
}

TEST(RtspServe, case_85_nodes_are_told_what_a_stream_came_through_and_circles_are_refused) {
    RtspWorld scene;
    scene.desk.node_id = "0123456789abcdef";
    const sdp::Description two = rtsp::RawClient::two_tracks();
    const auto hops = [](std::string_view said) { return fmt::format("Millrace-Hops: {}\r\n", said); };
    RtspTalker circle{scene};
    EXPECT_TRUE(circle.ask("ANNOUNCE", url, hops("aaaaaaaaaaaaaaaa,0123456789abcdef"), sdp::write(two))
                    .starts_with("RTSP/1.0 403 "));
    RtspCamera camera{scene, {Codec::h264}, Hops::parse("aaaaaaaaaaaaaaaa")};
    camera.send(0);
    scene.run_for(1s);
    for (const std::string_view asker : {"aaaaaaaaaaaaaaaa", "0123456789abcdef"}) {
        RtspTalker talker{scene};
        EXPECT_TRUE(talker.ask("DESCRIBE", url, hops(asker)).starts_with("RTSP/1.0 403 ")) << asker;
    }
    RtspTalker other{scene};
    const std::string answer = other.ask("DESCRIBE", url, hops("cccccccccccccccc"));
    EXPECT_NE(answer.find("Millrace-Hops: 0123456789abcdef,aaaaaaaaaaaaaaaa\r\n"), std::string::npos)
        << answer;
    RtspTalker viewer{scene};
    EXPECT_EQ(viewer.ask("DESCRIBE", url).find("Millrace-Hops"), std::string::npos) << "viewers are no nodes";
}

TEST(RtspServe, a_wish_for_a_key_frame_reaches_the_publisher) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(200ms);
    camera.peer().talk();
    camera.peer().take_packets();
    scene.server.run([&] { scene.world.directory.ask("live/cam", hub::AskKeyFrame{}); });
    scene.world.time.settle();
    camera.send(200);
    camera.peer().talk();
    bool asked = false;
    for (const rtsp::Client::Packet& packet : camera.peer().take_packets()) {
        asked = asked || (packet.track == 0 && rtsp::asks_for_key_frame(packet.payload));
    }
    EXPECT_TRUE(asked);
}

TEST(RtspServe, shows_its_publisher_and_players_and_ends_them_when_told) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    const std::vector<hub::StreamReport> reports = scene.world.reports();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports[0].publisher->protocol, "rtsp");
    EXPECT_EQ(reports[0].publisher->who.name, "user cam");
    EXPECT_EQ(name(reports[0].state), "live");
    RtspPeer player{scene, toys::plays()};
    ASSERT_TRUE(player.started());
    EXPECT_EQ(scene.desk.fan_out.viewers(), 1U);
    EXPECT_EQ(scene.desk.sessions.size(), 2U) << "its place before PLAY is given back";
    scene.desk.sessions.end_where([](const hub::SessionFacts&) { return true; },
                                  {Errc::cancelled, "an operator ended it"});
    player.talk();
    camera.peer().talk();
    EXPECT_TRUE(player.over());
    EXPECT_TRUE(camera.peer().over());
    scene.run_for(1s);
    EXPECT_EQ(scene.desk.sessions.size(), 0U);
    EXPECT_EQ(scene.server.tasks().size(), 0U);
}

TEST(RtspServe, a_said_end_ends_the_stream_and_a_lost_publisher_leaves_it_stale) {
    RtspWorld scene;
    {
        RtspCamera camera{scene};
        camera.send(0);
        scene.run_for(1s);
        camera.peer().client().tear_down();
        camera.peer().talk();
        EXPECT_EQ(name(scene.world.reports().at(0).state), "offline");
    }
    {
        RtspCamera camera{scene};
        camera.send(0);
        scene.run_for(1s);
    }
    scene.run_for(1s);
    EXPECT_EQ(name(scene.world.reports().at(0).state), "stale");
}

TEST(RtspServe, says_in_words_why_there_is_nothing_to_play) {
    RtspWorld scene;
    RtspTalker talker{scene};
    EXPECT_TRUE(talker.ask("DESCRIBE", url).starts_with("RTSP/1.0 404 "));
    EXPECT_TRUE(talker.ask("DESCRIBE", "rtsp://h/live/../cam").starts_with("RTSP/1.0 "));
    const std::string text = talker.ask("ANNOUNCE", url, "Content-Type: application/sdp\r\n",
                                        "v=0\r\nm=video 0 RTP/AVP 96\r\na=rtpmap:96 THEORA/90000\r\n");
    EXPECT_TRUE(text.starts_with("RTSP/1.0 415 none of the tracks")) << text;
    EXPECT_TRUE(scene.world.reports().empty());
}

TEST(RtspServe, asks_for_a_password_and_hears_it_from_header_and_address) {
    RtspWorld scene;
    scene.admission.password = "Basic bWU6c2VjcmV0";
    RtspTalker talker{scene};
    const std::string refused = talker.ask("DESCRIBE", url);
    EXPECT_TRUE(refused.starts_with("RTSP/1.0 401 "));
    EXPECT_NE(refused.find("WWW-Authenticate: Basic realm="), std::string::npos);
    EXPECT_TRUE(
        talker.ask("DESCRIBE", url, "Authorization: Basic bWU6c2VjcmV0\r\n").starts_with("RTSP/1.0 404"));
    scene.admission.password = "token=door";
    EXPECT_TRUE(talker.ask("DESCRIBE", "rtsp://h/live/cam?token=door").starts_with("RTSP/1.0 404"));
    EXPECT_EQ(scene.admission.petitions.back().stream, "live/cam");
    EXPECT_EQ(scene.admission.petitions.back().protocol, "rtsp");
    EXPECT_EQ(scene.let_in, 0U);
}

TEST(RtspServe, case_16_a_session_of_another_connection_is_not_found_and_goes_on) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspTalker victim{scene};
    victim.ask("DESCRIBE", url);
    const std::string session = session_of(set_up(victim));
    ASSERT_FALSE(session.empty());
    RtspTalker thief{scene};
    thief.ask("DESCRIBE", url);
    for (const std::string_view method : {"PLAY", "PAUSE", "TEARDOWN", "SETUP"}) {
        const std::string answer = thief.ask(method, url, fmt::format("Session: {}\r\n", session));
        EXPECT_TRUE(answer.starts_with("RTSP/1.0 454 ")) << answer;
    }
    const std::string played = victim.ask("PLAY", url, fmt::format("Session: {}\r\n", session));
    EXPECT_TRUE(played.starts_with("RTSP/1.0 200 ")) << played.substr(0, 60);
}

TEST(RtspServe, case_17_who_only_sets_up_stays_a_stranger_and_ends_after_a_minute) {
    RtspWorld scene;
    RtspCamera camera{scene};
    EXPECT_EQ(scene.let_in, 1U);
    camera.send(0);
    scene.run_for(1s);
    RtspTalker talker{scene};
    talker.ask("DESCRIBE", url);
    EXPECT_TRUE(set_up(talker).starts_with("RTSP/1.0 200 "));
    EXPECT_EQ(scene.let_in, 1U);
    EXPECT_EQ(scene.desk.fan_out.viewers(), 0U);
    for (int second = 0; second < 61; ++second) {
        camera.send(1'000 + second * 1'000);
        scene.run_for(1s);
    }
    talker.hear();
    EXPECT_TRUE(talker.closed);
    EXPECT_EQ(scene.desk.sessions.size(), 1U);
}

TEST(RtspServe, case_18_and_19_sends_by_transports_that_are_sound_alone) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspTalker talker{scene};
    talker.ask("DESCRIBE", url);
    for (const std::string_view transport :
         {"RTP/AVP/TCP;unicast;interleaved=255-256", "RTP/AVP;unicast;client_port=65535-65536",
          "RTP/AVP;unicast;client_port=4001-4002", "RTP/AVP;unicast;client_port=4000-4000",
          "RTP/AVP;multicast", "RTP/AVP;unicast;client_port=4000-4001;destination=192.0.2.99"}) {
        const std::string answer = set_up(talker, transport);
        EXPECT_TRUE(answer.starts_with("RTSP/1.0 461 ")) << transport << ": " << answer;
    }
}

/// Of RTP-Info, and of the first RTP packet behind the answer.
int sequence_said(std::string_view answer) {
    const std::size_t at = answer.find(";seq=");
    return at == std::string_view::npos ? -1 : std::atoi(std::string{answer.substr(at + 5, 5)}.c_str());
}
int sequence_sent(std::string_view answer) {
    ByteReader reader{as_bytes(answer.substr(std::min(answer.size(), answer.find("\r\n\r\n") + 4)))};
    while (reader.u8() == '$' && reader.ok()) {
        const bool control = reader.u8() % 2 != 0;
        ByteReader packet{reader.take(reader.u16())};
        packet.u16();
        if (!control) {
            return packet.u16();
        }
    }
    return -2;
}

TEST(RtspServe, pauses_a_player_and_goes_on_at_the_live_edge) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspTalker talker{scene};
    talker.ask("DESCRIBE", url);
    const std::string session = session_of(set_up(talker));
    const std::string fields = fmt::format("Session: {}\r\n", session);
    EXPECT_NE(talker.ask("PLAY", url, fields).find("$"), std::string::npos);
    const std::string paused = talker.ask("PAUSE", url, fields);
    EXPECT_TRUE(paused.starts_with("RTSP/1.0 200 ")) << paused.substr(0, 60);
    for (std::int64_t at = 1'000; at < 9'000; at += 1'000) {
        camera.send(at);
        scene.run_for(1s);
    }
    EXPECT_EQ(talker.hear(), "");
    const std::string again = talker.ask("PLAY", url, fields);
    EXPECT_TRUE(again.starts_with("RTSP/1.0 200 ")) << again.substr(0, 60);
    EXPECT_LT(again.size(), 1'000U) << "what came meanwhile is not played";
    EXPECT_EQ(sequence_said(again), sequence_sent(again));
    EXPECT_TRUE(talker.ask("TEARDOWN", url, fields).find("RTSP/1.0 200 ") != std::string::npos);
    scene.run_for(1s);
    EXPECT_EQ(scene.desk.fan_out.viewers(), 0U);
}

TEST(RtspServe, players_share_a_log_where_they_chose_the_same_channels) {
    RtspWorld scene;
    RtspCamera camera{scene};
    camera.send(0);
    scene.run_for(1s);
    RtspPeer one{scene, toys::plays()};
    RtspPeer other{scene, toys::plays()};
    EXPECT_EQ(scene.desk.mirrors.size(), 1U);
    RtspTalker third{scene};
    third.ask("DESCRIBE", url);
    const std::string session = session_of(set_up(third, "RTP/AVP/TCP;unicast;interleaved=8-9"));
    third.ask("PLAY", url, fmt::format("Session: {}\r\n", session));
    scene.run_for(1s);
    EXPECT_EQ(scene.desk.mirrors.size(), 2U);
    EXPECT_EQ(scene.desk.fan_out.viewers(), 3U);
}

TEST(RtspStart, names_the_first_packet_of_each_channel_and_one_moment_for_all) {
    std::vector<media::Track> tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    rtsp::ChannelPlan plan;
    plan.set(0, 2);
    plan.set(1, 0);
    rtsp::Muxer muxer{plan, 5};
    BlockLog log;
    ASSERT_TRUE(muxer.configure(tracks, log, {}));
    const auto write = [&](std::int64_t at_ms, std::size_t track) {
        for (media::AccessUnit& unit : flv::samples::units(tracks[track], at_ms)) {
            const std::int64_t time = media::rescale(unit.pts, unit.config->timescale, 1'000'000);
            unit.capture.utc = WallTime{1'790'000'000'000'000 + time};
            muxer.write(unit, log, {});
        }
    };
    write(0, 0);
    write(0, 1);
    log.mark_entrance(muxer.resume());
    write(1'000, 0);
    write(1'200, 1);   // the first sound comes 200 ms behind the picture
    LogView view;
    view.apply(log.take_change());
    const std::vector<RtspChannel> channels{{0, 2, 90'000}, {1, 0, 44'100}, {2, 6, 90'000}};
    const auto starts = starts_of(view, channels);
    ASSERT_EQ(starts.size(), 2U);
    // A second behind time 0 of the same numbers, sound too.
    const std::map<unsigned, std::int32_t> second{{0, 90'000}, {1, 44'100}};
    BlockLog only;
    rtsp::Muxer same{plan, 5};
    ASSERT_TRUE(same.configure(tracks, only, {}));
    only.mark_entrance({});
    for (const std::size_t track : {0U, 1U}) {
        for (const media::AccessUnit& unit : flv::samples::units(tracks[track], 0)) {
            same.write(unit, only, {});
        }
    }
    LogView from_zero;
    from_zero.apply(only.take_change());
    for (const rtsp::Server::TrackStart& zero : starts_of(from_zero, channels)) {
        const auto later = std::ranges::find(starts, zero.track, &rtsp::Server::TrackStart::track);
        const auto ticks = static_cast<std::int32_t>(later->timestamp - zero.timestamp);
        EXPECT_NEAR(ticks, second.at(zero.track), 100) << zero.track;
    }
}

}   // namespace
}   // namespace millrace::session
