#include "control/report_json.hpp"

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace millrace::control {
namespace {

using Json = nlohmann::json;

hub::StreamReport report() {
    hub::StreamReport report;
    report.name = "live/cam";
    report.state = hub::StreamState::live;
    report.run = "1763646000-1a2b3c4d";
    report.outputs = {{.form = "flv", .units_muxed = 100, .segments = 0, .memory = 1000},
                      {.form = "ts", .units_muxed = 50, .segments = 4, .memory = 2000}};
    report.verdicts = {{.code = "key_frames_far",
                        .weight = hub::Weight::note,
                        .text = "key frames are \"far\" apart",
                        .since = {1'800'000'000'000'000}}};
    return report;
}

TEST(ReportJson, a_stream_shows_what_was_written_into_each_form) {
    const Json json = Json::parse(stream_json(report(), {}));
    EXPECT_EQ(json["name"], "live/cam");
    EXPECT_EQ(json["state"], "live");
    EXPECT_EQ(json["outputs"]["flv"], Json::parse(R"({"frames_muxed": 100, "memory_bytes": 1000})"));
    EXPECT_EQ(json["outputs"]["ts"],
              Json::parse(R"({"frames_muxed": 50, "memory_bytes": 2000, "segments": 4})"));
    EXPECT_EQ(json["verdicts"][0], Json::parse(R"({"code": "key_frames_far", "weight": "note",
        "text": "key frames are \"far\" apart", "since": "2027-01-15T08:00:00.000Z"})"));
}

TEST(ReportJson, a_stream_says_what_its_sources_do_and_to_administrators_where_they_are) {
    hub::StreamReport sourced = report();
    sourced.sources = {{.source = "rtsp://u:***@h/",
                        .state = hub::SourceState::stale,
                        .publishes = false,
                        .reason = "nobody answers"},
                       {.source = "test:", .state = hub::SourceState::live, .publishes = true, .reason = ""}};
    const Json all = Json::parse(stream_json(sourced, {}, Reader::administrator));
    EXPECT_EQ(all["sources"], Json::parse(R"([
        {"source": "rtsp://u:***@h/", "state": "stale", "publishes": false, "reason": "nobody answers"},
        {"source": "test:", "state": "live", "publishes": true, "reason": ""}])"));
    const Json some = Json::parse(stream_json(sourced, {}, Reader::player));
    EXPECT_EQ(some["sources"][0],
              Json::parse(R"({"state": "stale", "publishes": false, "reason": "nobody answers"})"));
    EXPECT_FALSE(Json::parse(stream_json(report(), {})).contains("sources"));
}

TEST(ReportJson, row_1_34_a_camera_of_our_own_counts_captured_encoded_and_dropped_apart) {
    hub::StreamReport captured = report();
    EXPECT_FALSE(Json::parse(stream_json(captured, {})).contains("camera"));
    captured.camera = {.captured = 100,
                       .encoded = 89,
                       .dropped_slow = 6,
                       .dropped_asked = 3,
                       .broken = 1,
                       .moments_missed = 2,
                       .pictures_waiting = 1,
                       .units_waiting = 4};
    EXPECT_EQ(Json::parse(stream_json(captured, {}))["camera"], Json::parse(R"({
        "captured": 100, "encoded": 89, "dropped": {"encoder_busy": 6, "link_slow": 3, "broken": 1},
        "moments_missed": 2, "queue": {"pictures": 1, "units": 4}})"));
}

TEST(ReportJson, variants_of_a_form_are_counted_together) {
    hub::StreamReport two = report();
    two.outputs.push_back({.form = "flv", .units_muxed = 10, .segments = 0, .memory = 1});
    const Json json = Json::parse(stream_json(two, {}));
    EXPECT_EQ(json["outputs"]["flv"], Json::parse(R"({"frames_muxed": 110, "memory_bytes": 1001})"));
}

TEST(ReportJson, a_stream_shows_its_viewers_by_protocol_and_what_they_were_sent) {
    const Audience audience{
        .viewers = {{"flv", 3}, {"hls", 2}}, .bytes_out = 5'000'000'000, .writes = 7, .skips = 1};
    const Json json = Json::parse(stream_json(report(), audience));
    EXPECT_EQ(json["viewers"], Json::parse(R"({"flv": 3, "hls": 2})"));
    EXPECT_EQ(json["sent"], Json::parse(R"({"bytes": 5000000000, "writes": 7, "skips": 1})"));
}

TEST(ReportJson, destinations_are_shown_to_administrators_alone) {
    const std::vector<WorkerReport> workers{
        {.worker = 0,
         .forwards = {
             {.stream = "live/cam", .to = "rtmp://h/live/***", .state = hub::ForwardState::live, .bytes = 7},
             {.stream = "live/a",
              .to = "tcp://h:1",
              .state = hub::ForwardState::broken,
              .reason = "nobody listens"}}}};
    const Audience audience = audiences(workers).at("live/cam");
    EXPECT_FALSE(Json::parse(stream_json(report(), audience)).contains("forwards"));
    const Json json = Json::parse(stream_json(report(), audience, Reader::administrator));
    EXPECT_EQ(json["forwards"], Json::parse(R"([{"to": "rtmp://h/live/***", "state": "live", "bytes": 7,
        "reconnects": 0, "skips": 0, "queue": {"bytes": 0, "seconds": 0.0}}])"));
    const std::vector<WorkerReport> counted{{.worker = 0,
                                             .forwards = {{.stream = "live/cam",
                                                           .to = "tcp://h:1",
                                                           .state = hub::ForwardState::live,
                                                           .frames_sent = 90,
                                                           .sent_per_second = 29.5,
                                                           .frames_skipped = 7,
                                                           .frames_waiting = 3}}}};
    const Json one = Json::parse(forwards_json(counted, {}))["items"][0];
    EXPECT_EQ(one["frames_sent"], 90);
    EXPECT_EQ(one["frames_skipped"], 7);
    EXPECT_EQ(one["queue"]["frames"], 3);
    EXPECT_EQ(one["sent_fps"], 29.5);
    const Json all = Json::parse(forwards_json(workers, {}));
    EXPECT_EQ(all["total"], 2);
    EXPECT_EQ(all["items"][0], Json::parse(R"({"stream": "live/a", "to": "tcp://h:1", "state": "broken",
        "bytes": 0, "reconnects": 0, "skips": 0, "queue": {"bytes": 0, "seconds": 0.0},
        "reason": "nobody listens"})"));
}

TEST(ReportJson, the_list_gives_each_stream_its_own_audience) {
    hub::StreamReport other = report();
    other.name = "live/other";
    const Json json =
        Json::parse(streams_json({report(), other}, {{"live/other", {.viewers = {{"ts", 1}}}}}));
    EXPECT_EQ(json["total"], 2);
    EXPECT_EQ(json["items"][0]["viewers"], Json::object());
    EXPECT_EQ(json["items"][0]["sent"]["bytes"], 0);
    EXPECT_EQ(json["items"][1]["viewers"]["ts"], 1);
}

TEST(ReportJson, row_x_4_the_numbers_of_a_stream_and_its_tracks) {
    hub::StreamReport one = report();
    one.units_in = 90;
    one.units_dropped = 3;
    one.units_unusable = 1;
    one.packets_lost = 5;
    one.payload_bits_per_second = {1e6, 2e6};
    one.wire_bits_per_second = {1.5e6, 2.5e6};
    one.compression_ratio = 100;
    one.tracks = {
        {.track = {.kind = media::Kind::video,
                   .config = std::make_shared<const media::TrackConfig>(media::TrackConfig{
                       .codec = media::Codec::h264, .width = 640, .height = 480, .frame_rate = 25})},
         .units = 90,
         .units_per_second = {30, 29.5},
         .bits_per_second = {1e6, 2e6},
         .encoded_per_second = 30,
         .captured_per_second = 31,
         .captured = 95,
         .missing = 5,
         .jitter = 2ms,
         .slice_qp = hub::SliceQpReport{22.5, 18, 30},
         .coded_qp = 24.5}};
    const Json json = Json::parse(stream_json(one, {}));
    EXPECT_EQ(json["payload_bps"], Json::parse(R"({"1s": 1e6, "10s": 2e6})"));
    EXPECT_EQ(json["wire_bps"], Json::parse(R"({"1s": 1.5e6, "10s": 2.5e6})"));
    EXPECT_EQ(json["compression_ratio"], 100);
    EXPECT_EQ(json["frames_received"], json["frames_in"].get<int>() + json["frames_dropped"].get<int>());
    EXPECT_EQ(json["packets_lost"], 5);
    const Json& track = json["tracks"][0];
    EXPECT_EQ(track["fps"], Json::parse(R"({"captured": 31.0, "encoded": 30.0,
        "received": {"1s": 30.0, "10s": 29.5}, "declared": 25.0})"));
    EXPECT_EQ(track["slice_qp"], Json::parse(R"({"average": 22.5, "min": 18, "max": 30})"));
    EXPECT_EQ(track["coded_qp"], 24.5);
    EXPECT_EQ(track["frames_captured"], track["frames"].get<int>() + track["frames_missing"].get<int>());
    EXPECT_EQ(track["jitter_seconds"], 0.002);
}

TEST(ReportJson, latency_says_whose_word_the_capture_time_is) {
    hub::StreamReport one = report();
    one.capture_origin = media::CaptureTime::Label::capture;
    one.arrival_latency = {.count = 5, .p50_seconds = 0.125, .p95_seconds = 0.25};
    one.outputs[0].latency = {.count = 5, .p50_seconds = 0.25, .p95_seconds = 0.5};
    const Json json = Json::parse(stream_json(one, {}));
    EXPECT_EQ(json["latency"], Json::parse(R"({"origin": "capture",
        "arrival_seconds": {"p50": 0.125, "p95": 0.25},
        "output_seconds": {"flv": {"p50": 0.25, "p95": 0.5}}})"));
    EXPECT_EQ(Json::parse(stream_json(report(), {}))["latency"],
              Json::parse(R"({"origin": "arrival", "output_seconds": {}})"));
}

WorkerReport worker_report(std::size_t worker) {
    WorkerReport report{
        .worker = worker, .now = Instant::from_nanoseconds(20'000'000'000), .utc = {1'800'000'000'000'000}};
    for (const std::string_view protocol : {"flv", "hls"}) {
        hub::SessionReport session{.id = report.sessions.size() + 1,
                                   .facts = {.protocol = protocol,
                                             .stream = "live/cam",
                                             .peer = {"192.0.2.7", 4000},
                                             .since = Instant::from_nanoseconds(10'000'000'000),
                                             .who = {.name = "user \"x\""}},
                                   .bytes_out = 1000,
                                   .writes = 7,
                                   .skips = 1};
        report.sessions.push_back(std::move(session));
    }
    return report;
}

TEST(ReportJson, links_say_how_they_are_and_streams_what_their_hashes_proved) {
    hub::SessionReport session{.id = 1, .facts = {.protocol = "kcp", .stream = "live/cam"}};
    session.link = LinkReport{.round_trip = 42ms, .loss = 0.25, .resends_by_gap = 3, .queued = 4'096};
    const std::vector<WorkerReport> workers{{.worker = 0, .sessions = {session}}};
    const Json one = Json::parse(session_json(workers, "0-1"));
    EXPECT_EQ(one["link"]["round_trip_seconds"], 0.042);
    EXPECT_EQ(one["link"]["loss"], 0.25);
    EXPECT_EQ(one["link"]["resends"]["overtaken"], 3);
    EXPECT_EQ(one["link"]["queue_bytes"], 4'096);
    hub::StreamReport stream = report();
    EXPECT_FALSE(Json::parse(stream_json(stream, {})).contains("chunks"));
    stream.chunks = {.proven = 7, .different = 1};
    EXPECT_EQ(Json::parse(stream_json(stream, {}))["chunks"],
              Json::parse(R"({"proven": 7, "different": 1, "incomplete": 0})"));
}

TEST(ReportJson, a_session_has_an_id_that_no_other_worker_gives) {
    const std::vector<WorkerReport> workers{worker_report(0), worker_report(1)};
    const Json list = Json::parse(sessions_json(workers, {}, {}));
    EXPECT_EQ(list["total"], 4);
    EXPECT_EQ(list["items"][0]["id"], "0-1");
    EXPECT_EQ(list["items"][3]["id"], "1-2");
    const Json one = Json::parse(session_json(workers, "1-1"));
    EXPECT_EQ(one, Json::parse(R"({"id": "1-1", "kind": "viewer", "protocol": "flv", "stream": "live/cam",
        "peer": "192.0.2.7:4000", "user": "user \"x\"", "since": "2027-01-15T07:59:50.000Z", "bytes_in": 0,
        "bytes_out": 1000, "bitrate_bps": 0.0, "writes": 7, "skips": 1})"));
    for (const std::string_view none :
         {"", "1", "1-3", "2-1", "1-1x", "-1-1", "1-", "99999999999999999999-1"}) {
        EXPECT_EQ(session_json(workers, none), "") << none;
    }
}

TEST(ReportJson, a_list_of_sessions_is_filtered_first_and_then_cut) {
    const std::vector<WorkerReport> workers{worker_report(0), worker_report(1)};
    const Json flv = Json::parse(sessions_json(workers, {.protocol = "flv"}, {.offset = 1, .limit = 1}));
    EXPECT_EQ(flv["total"], 2);
    ASSERT_EQ(flv["items"].size(), 1U);
    EXPECT_EQ(flv["items"][0]["id"], "1-1");
    EXPECT_EQ(Json::parse(sessions_json(workers, {.stream = "live/other"}, {}))["total"], 0);
    EXPECT_EQ(Json::parse(sessions_json(workers, {.kind = "publisher"}, {}))["total"], 0);
    EXPECT_EQ(Json::parse(sessions_json(workers, {.kind = "viewer"}, {.offset = 9}))["items"], Json::array());
}

TEST(ReportJson, an_audience_is_counted_over_all_workers) {
    std::vector<WorkerReport> workers{worker_report(0), worker_report(1)};
    workers[1].sessions[0].slow = true;
    const Audiences all = audiences(workers);
    const Audience& audience = all.at("live/cam");
    EXPECT_EQ(audience.viewers.at("flv"), 2U);
    EXPECT_EQ(audience.bytes_out, 4000U);
    EXPECT_EQ(audience.slow, 1U);
}

}   // namespace
}   // namespace millrace::control
