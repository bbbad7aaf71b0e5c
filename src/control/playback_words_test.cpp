#include "control/playback_words.hpp"

#include "control/configuration.hpp"
#include "control/explanation.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace millrace::control {
namespace {

hub::StreamReport some_stream() {
    media::TrackConfig config;
    config.codec_string = "avc1.64001f";
    config.width = 1280;
    config.height = 720;
    config.frame_rate = 30;
    hub::TrackReport track{
        .track = {.config = std::make_shared<const media::TrackConfig>(std::move(config))}};
    track.units_per_second = {29.97, 29.97};
    track.bits_per_second = {2e6, 2e6};
    hub::StreamReport report{.name = "cam", .state = hub::StreamState::live};
    report.tracks.push_back(std::move(track));
    report.payload_bits_per_second = {2e6, 2e6};
    report.gop_seconds = 2;
    report.capture_origin = media::CaptureTime::Label::capture;
    report.verdicts.push_back({"b_frames", hub::Weight::note, "B-frames keep every picture back.", {}});
    return report;
}

hub::PlaybackReport some_playback() {
    hub::PlaybackReport report;
    report.received = 10;
    report.decoded = 7;
    report.shown = 6;
    report.unseen = 1;
    report.broken = 1;
    report.skipped = 1;
    report.waiting = 1;
    report.shown_per_second = 29.9;
    report.capture_origin = media::CaptureTime::Label::capture;
    report.latency.count = 6;
    report.latency.p50_seconds = 0.084;
    report.dark.clear();
    return report;
}

}   // namespace

TEST(PlaybackWords, what_a_child_is_to_decode_is_said_in_one_text) {
    EXPECT_EQ(decode_start({}), "decode:");
    EXPECT_EQ(decode_start({.sound = "off", .at_once = true}), "decode:?buffer=0");
    EXPECT_EQ(decode_start({.sound = "hw:CARD=PCH,DEV=0", .hardware = true, .at_once = true}),
              "decode:?sound=hw:CARD=PCH,DEV=0&hardware")
        << "sound needs a buffer";
    EXPECT_THROW(decode_start({.sound = "a&buffer=0"}), ConfigurationError);
    EXPECT_THROW(decode_start({.sound = "two words"}), ConfigurationError);
}

TEST(PlaybackWords, why_there_is_no_sound_stands_in_the_document_and_on_the_line) {
    hub::PlaybackReport report = some_playback();
    EXPECT_FALSE(nlohmann::json::parse(playback_json("{}", report)).at("playback").contains("silent"));
    report.silent = "the sound card hw:7 is not there";
    report.sounds_late = 3;
    report.sound_filled_seconds = 0.04;
    report.muted = true;
    const auto playback = nlohmann::json::parse(playback_json("{}", report)).at("playback");
    EXPECT_EQ(playback.at("silent"), report.silent);
    EXPECT_EQ(playback.at("sounds_late"), 3);
    EXPECT_NEAR(playback.at("sound_filled_seconds").get<double>(), 0.04, 1e-9);
    EXPECT_TRUE(playback.at("muted").get<bool>());
    EXPECT_NE(playback_line(some_stream(), report).find("no sound: the sound card hw:7 is not there"),
              std::string::npos);
}

TEST(PlaybackWords, row_1_34_every_counter_of_a_playback_stands_in_the_document) {
    const auto json = nlohmann::json::parse(playback_json(R"({"name":"cam"})", some_playback()));
    const auto& playback = json.at("playback");
    EXPECT_EQ(json.at("name"), "cam");
    EXPECT_EQ(playback.at("frames_received").get<int>(),
              playback.at("frames_decoded").get<int>() + playback.at("frames_broken").get<int>() +
                  playback.at("frames_skipped").get<int>() + playback.at("frames_waiting").get<int>());
    EXPECT_EQ(playback.at("latency").at("origin"), "capture");
    EXPECT_NEAR(playback.at("latency").at("shown_seconds").at("p50").get<double>(), 0.084, 1e-9);
    EXPECT_FALSE(playback.at("dark").get<bool>());
}

TEST(PlaybackWords, the_line_says_the_delay_or_why_it_is_black) {
    hub::PlaybackReport playback = some_playback();
    EXPECT_EQ(playback_line(some_stream(), playback),
              "29.9 fps shown  2.00 Mbit/s  latency 84 ms (capture)  held back 0 ms  late 0  lost 2");
    playback.dark = "the sender was lost";
    EXPECT_TRUE(playback_line(some_stream(), playback).ends_with("black: the sender was lost"));
}

TEST(PlaybackWords, a_film_is_played_out_when_its_last_picture_was_shown) {
    hub::StreamReport film = some_stream();
    const hub::PlaybackReport nothing_yet;
    EXPECT_TRUE(is_played_out(film, nothing_yet)) << "it has no pictures";
    film.tracks.front().units = 1;
    EXPECT_FALSE(is_played_out(film, nothing_yet)) << "its decoder has not begun";
    EXPECT_FALSE(is_played_out(film, {.received = 1, .waiting = 1}));
    EXPECT_FALSE(is_played_out(film, {.received = 1, .decoded = 1, .dark = {}})) << "it stands there";
    EXPECT_TRUE(is_played_out(film, {.received = 1, .decoded = 1, .dark = "it ended"}));
    EXPECT_TRUE(is_played_out(film, {.received = 1, .broken = 1}));
    EXPECT_TRUE(is_played_out(film, {.failed = "no decoder"}));
}

TEST(Explanation, says_what_is_in_the_stream_and_what_to_mend) {
    const std::string text = explanation(some_stream());
    for (const std::string_view part :
         {"h264 (avc1.64001f), 1280x720, 29.97 fps (30 declared), 2.00 Mbit/s", "a key frame every 2.00 s",
          "B-frames", "times     steady", "each picture says when it was taken", "plays     everywhere",
          "B-frames keep every picture back."}) {
        EXPECT_NE(text.find(part), std::string::npos) << part << " in\n" << text;
    }
    const auto json = nlohmann::json::parse(explanation_json(R"({"name":"cam"})", some_stream()));
    EXPECT_TRUE(json.at("obstacles").empty());
}

}   // namespace millrace::control
