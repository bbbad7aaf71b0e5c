#include "session/rtsp_pull.hpp"

#include "session/rtsp_pull_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::last_words;
using toys::PlayedCamera;

class RtspPull : public toys::RtspPullTest {};

TEST_F(RtspPull, plays_the_camera_and_publishes_whole_pictures) {
    start("rtsp://me:secret@camera.example:8554//Streaming/Channels/1?a=b");
    const PlayedCamera& camera = answer({.audio = media::Codec::pcmu, .password = "secret"});
    EXPECT_TRUE(camera.playing());
    EXPECT_EQ(connector_.servers.at(0).dial.to.text(), "camera.example:8554");
    EXPECT_FALSE(connector_.servers.at(0).dial.tls);
    EXPECT_NE(camera.heard.find("DESCRIBE rtsp://camera.example:8554//Streaming/Channels/1?a=b RTSP/1.0\r\n"),
              std::string::npos)
        << "byte for byte, but without the password";
    EXPECT_EQ(camera.heard.find("secret"), std::string::npos);
    EXPECT_EQ(state(), "none") << "nothing was shown yet";
    show(3);
    EXPECT_EQ(state(), "live");
    const hub::StreamReport said = report();
    EXPECT_EQ(said.publisher->protocol, "rtsp");
    EXPECT_EQ(said.tracks.size(), 2U);
    EXPECT_EQ(said.tracks.at(0).track.config->codec, media::Codec::h264);
    EXPECT_EQ(said.tracks.at(1).track.config->codec, media::Codec::pcmu);
    EXPECT_EQ(said.units_in, 3U * (4 + 8));
    EXPECT_EQ(said.units_dropped, 0U);
}

TEST_F(RtspPull, by_rtsps_the_connection_is_secured) {
    start("rtsps://camera.example/live");
    EXPECT_TRUE(connector_.servers.at(0).dial.tls);
    EXPECT_EQ(connector_.servers.at(0).dial.to.port, 322);
}

TEST_F(RtspPull, one_that_is_stopped_says_farewell_to_the_camera_and_the_streams_end) {
    start();
    answer();
    show(2);
    stop();
    EXPECT_EQ(state(), "offline");
    EXPECT_NE(camera_->far().hear().find("TEARDOWN rtsp://camera.example/live"), std::string::npos);
    EXPECT_TRUE(camera_->far().is_left());
    world_.time.run_for(2min);
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(RtspPull, keeps_the_session_alive_also_with_a_camera_that_never_answers_that) {
    start();
    answer();
    for (int i = 0; i < 400; ++i) {
        camera_->show(shown_ms_);
        shown_ms_ += PlayedCamera::group_ms;
        world_.time.run_for(PlayedCamera::group_ms * 1ms);
    }
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_NE(camera_->far().hear().find("GET_PARAMETER rtsp"), std::string::npos)
        << "or OPTIONS, where the camera has no such method";
}

TEST_F(RtspPull, tells_the_camera_what_it_received) {
    start();
    answer();
    show(40);
    EXPECT_EQ(camera_->server.counters().frames_ignored, 0U) << "on channels of the session";
    EXPECT_NE(camera_->heard.find("millrace"), std::string::npos) << "RTCP names its sender";
}

TEST_F(RtspPull, a_wish_for_a_key_frame_reaches_the_camera_at_most_once_a_second) {
    constexpr std::string_view picture_loss = "\x81\xce";   // RFC 4585 §6.3.1
    start();
    answer();
    show(5);
    const auto count = [&] {
        const std::string& heard = camera_->heard;
        int found = 0;
        for (std::size_t at = heard.find(picture_loss); at != std::string::npos;
             at = heard.find(picture_loss, at + 1)) {
            ++found;
        }
        return found;
    };
    EXPECT_EQ(count(), 0);
    for (int i = 0; i < 5; ++i) {
        executor_.run([this] { world_.directory.ask("live/cam", hub::AskKeyFrame{}); });
        show(1);
    }
    EXPECT_EQ(count(), 1);
    world_.time.run_for(1s);
    executor_.run([this] { world_.directory.ask("live/cam", hub::AskKeyFrame{}); });
    world_.time.settle();
    show(1);
    EXPECT_EQ(count(), 2);
}

TEST_F(RtspPull, case_32_a_camera_silent_for_9_s_goes_on_and_one_silent_for_10_s_is_called_again) {
    start();
    answer();
    show(2);
    world_.time.run_for(9s);
    show(1);
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().units_in, 12U);
    world_.time.run_for(11s);
    EXPECT_EQ(last_words, "the camera sent nothing for 10 s");
    EXPECT_TRUE(connector_.servers.at(0).is_left());
    answer();
    show(1);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().units_in, 16U) << "the same stream goes on";
}

TEST_F(RtspPull, case_32_a_camera_that_never_sends_a_key_frame_is_no_stream_and_nothing_grows) {
    start();
    answer({.key_frames = false});
    show(100);
    EXPECT_EQ(state(), "none");
    EXPECT_EQ(connector_.asked, 1) << "its next key frame may come";
    camera_->far().connection->close();
    world_.time.settle();
    EXPECT_NE(last_words.find("no key frame came"), std::string::npos) << last_words;
}

TEST_F(RtspPull, case_32_a_camera_with_sound_alone_is_a_stream_of_sound) {
    start();
    answer({.video = {}, .audio = media::Codec::pcmu});
    show(10);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().tracks.size(), 1U);
    EXPECT_EQ(report().units_in, 80U);
}

TEST_F(RtspPull, a_camera_that_is_power_cycled_goes_on_in_the_same_stream_with_a_jump) {
    start();
    answer({.first_timestamp = 4'000'000'000});
    show(10);
    hub::toys::Viewer viewer{world_, world_.desk_b};
    ASSERT_TRUE(viewer.joined);
    viewer.read();
    camera_->far().connection->close();
    world_.time.settle();
    EXPECT_EQ(state(), "stale");
    shown_ms_ = 0;
    answer({.first_timestamp = 77});
    show(2);
    EXPECT_EQ(state(), "live");
    const std::string after = viewer.read();
    EXPECT_NE(after.find("jump"), std::string::npos) << after;
    EXPECT_EQ(after.find("end"), std::string::npos) << "viewers stay";
}

TEST_F(RtspPull, another_codec_after_a_restart_is_said_in_the_same_stream) {
    start();
    answer();
    show(2);
    camera_->far().connection->close();
    answer({.video = media::Codec::h265});
    show(2);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().tracks.at(0).track.config->codec, media::Codec::h265);
}

TEST_F(RtspPull, f21_the_wrap_of_rtp_time_is_seamless) {
    start();
    // A second and a half before the wrap, sound and pictures by clocks of their own.
    answer({.audio = media::Codec::pcmu, .first_timestamp = 0xFFFFFFFF - 135'000});
    show(5);
    hub::toys::Viewer viewer{world_, world_.desk_b};
    ASSERT_TRUE(viewer.joined);
    viewer.read();
    show(20);
    const hub::StreamReport said = report();
    EXPECT_EQ(said.units_in, 25U * 12);
    EXPECT_EQ(said.jumps, 0U);
    EXPECT_EQ(viewer.read().find("jump"), std::string::npos);
}

TEST_F(RtspPull, timestamps_that_step_back_are_a_jump_and_no_end) {
    start();
    answer();
    show(10);
    shown_ms_ = -600'000;
    show(10);
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_GE(report().units_in, 76U);
    EXPECT_LE(report().jumps, 2U);
}

TEST_F(RtspPull, what_a_camera_refuses_is_said_in_words) {
    start("rtsp://me:wrong@camera.example/live");
    answer({.password = "secret"});
    EXPECT_EQ(last_words, "the camera answers 401: another user or password");
    stop();
    start("rtsp://camera.example/live");
    answer({.password = "secret"});
    EXPECT_EQ(last_words, "the camera answers 401: it wants a user and a password");
    stop();
    start();
    answer({.video = {}});
    EXPECT_FALSE(last_words.empty());
}

}   // namespace
}   // namespace millrace::session
