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
    report.verdicts = {"key frames are \"far\" apart"};
    return report;
}

TEST(ReportJson, a_stream_shows_what_was_written_into_each_form) {
    const Json json = Json::parse(stream_json(report(), {}));
    EXPECT_EQ(json["name"], "live/cam");
    EXPECT_EQ(json["state"], "live");
    EXPECT_EQ(json["outputs"]["flv"], Json::parse(R"({"frames_muxed": 100, "memory_bytes": 1000})"));
    EXPECT_EQ(json["outputs"]["ts"],
              Json::parse(R"({"frames_muxed": 50, "memory_bytes": 2000, "segments": 4})"));
    EXPECT_EQ(json["verdicts"][0], "key frames are \"far\" apart");
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

}   // namespace
}   // namespace millrace::control
