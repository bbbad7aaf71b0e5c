#include "apps/desktop/labels.hpp"

#include "apps/desktop/window_json.hpp"

#include <gtest/gtest.h>

namespace millrace::apps {
namespace {

hub::StreamReport live_stream() {
    auto config = std::make_shared<media::TrackConfig>();
    config->codec = media::Codec::h265;
    config->width = 1280;
    config->height = 720;
    hub::StreamReport stream{.name = "cam", .state = hub::StreamState::live};
    stream.tracks.push_back({.track = {.kind = media::Kind::video, .config = config},
                             .units_per_second = {.second = 29.96, .ten = 30},
                             .slice_qp = hub::SliceQpReport{.average = 23.6, .min = 20, .max = 31}});
    stream.payload_bits_per_second = {.second = 2'012'345, .ten = 2'000'000};
    stream.wire_bits_per_second = {.second = 812'400, .ten = 0};
    stream.compression_ratio = 163.7;
    return stream;
}

std::vector<std::string> texts(const std::vector<Label>& labels) {
    std::vector<std::string> texts;
    for (const Label& label : labels) {
        texts.push_back(label.text());
    }
    return texts;
}

TEST(Labels, row_4_8_a_sender_says_ratio_frame_rate_and_bit_rate_and_beneath_them_queue_and_reconnects) {
    control::Audience audience;
    audience.forwards.push_back({.state = hub::ForwardState::live,
                                 .bytes = 12'149'999,
                                 .begun = 3,
                                 .queue_age = std::chrono::milliseconds{120}});
    const Labels labels = sender_labels(live_stream(), audience);
    EXPECT_EQ(texts(labels.large), (std::vector<std::string>{"164 : 1", "30.0 fps", "2.01 Mbit/s"}));
    EXPECT_EQ(texts(labels.small),
              (std::vector<std::string>{"24 (20–31)", "120 ms", "2", "12.1 MB", "1280 × 720 H.265"}));
    EXPECT_DOUBLE_EQ(labels.large[1].number.value_or(0), 29.96);
}

TEST(Labels, row_4_10_have_no_numbers_where_nothing_flows) {
    hub::StreamReport stale = live_stream();
    stale.state = hub::StreamState::stale;
    for (const Labels& labels :
         {sender_labels(stale, {}), sender_labels({}, {}), receiver_labels(live_stream(), {})}) {
        for (const std::vector<Label>* part : {&labels.large, &labels.small}) {
            for (const Label& label : *part) {
                EXPECT_EQ(label.text(), Label::none) << label.name;
                EXPECT_FALSE(label.number) << label.name;
            }
        }
    }
}

TEST(Labels, keep_their_names_and_order_whatever_is_known) {
    const Labels blank = receiver_labels({}, {});
    const Labels full = receiver_labels(live_stream(), {.dark = {}});
    ASSERT_EQ(blank.small.size(), full.small.size());
    for (std::size_t i = 0; i < full.small.size(); ++i) {
        EXPECT_EQ(blank.small[i].name, full.small[i].name);
    }
}

TEST(Labels, row_4_12_a_receiver_says_delay_and_throughput_and_what_was_lost) {
    hub::PlaybackReport playback{.late = 1, .broken = 2, .skipped = 3, .shown_per_second = 30, .dark = {}};
    playback.delay_seconds = 0.0034;
    playback.latency.count = 10;
    playback.latency.p50_seconds = 0.0836;
    hub::StreamReport stream = live_stream();
    stream.units_unusable = 4;
    stream.publisher.emplace().clock = ClockOffset::Estimate{.uncertainty = std::chrono::microseconds{1900}};
    playback.capture_origin = media::CaptureTime::Label::capture;
    const Labels labels = receiver_labels(stream, playback);
    EXPECT_EQ(texts(labels.large), (std::vector<std::string>{"84 ms", "812 kbit/s", "30.0 fps"}));
    EXPECT_EQ(texts(labels.small), (std::vector<std::string>{"24 (20–31)", "9", "1", "3 ms", "capture ± 2 ms",
                                                             "1280 × 720 H.265", "–"}));
    const auto sound = [&] { return receiver_labels(stream, playback).small.back().text(); };
    playback.sound_played_seconds = 0.2;
    EXPECT_EQ(sound(), "on");
    playback.muted = true;
    EXPECT_EQ(sound(), "muted");
    playback.silent = "the sound card default is not there";
    EXPECT_EQ(sound(), "none");
}

TEST(Labels, a_delay_that_nobody_measured_is_not_shown) {
    const Labels labels = receiver_labels(live_stream(), {.dark = {}});
    EXPECT_EQ(labels.large[0].text(), Label::none);
    EXPECT_EQ(labels.large[1].text(), "812 kbit/s");
}

TEST(WindowJson, row_X_4_has_the_labels_as_they_are_shown_and_the_document_they_are_of) {
    const WindowSight sight{.window = "sender",
                            .state = "running",
                            .can_start = false,
                            .can_stop = true,
                            .sentence = {.mood = Mood::good, .text = "Sending to \"x\""},
                            .labels = {.large = {{.name = "Frame rate", .value = "30.0", .unit = "fps"}},
                                       .small = {{.name = "QP"}}},
                            .black = false,
                            .places = {{"picture", {1, 2, 3, 4}}},
                            .stream = R"({"name":"cam"})"};
    EXPECT_EQ(window_json(sight),
              R"({"window": "sender", "state": "running", "mood": "good", "message": "Sending to \"x\"", )"
              R"("black": false, "full_screen": false, "dark": false, "start_enabled": false, )"
              R"("stop_enabled": true, "labels": {"Frame rate": "30.0 fps", "QP": "–"}, )"
              R"("places": {"picture": [1, 2, 3, 4]}, "stream": {"name":"cam"}})");
}

}   // namespace
}   // namespace millrace::apps
