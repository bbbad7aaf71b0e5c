#include "control/stream_rules.hpp"

#include <gtest/gtest.h>

namespace millrace::control {

namespace {

hub::StreamName name(std::string_view text) {
    return *hub::StreamName::parse(text);
}

TEST(StreamRules, every_rule_that_matches_holds_a_later_one_over_an_earlier) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
grace: 20s
hls: { window: 6 }
streams:
  "*": { hls: { segment: 4s } }
  "live/*": { grace: 1s, takeover: true, hls: { window: 8, always: true } }
  live/cam: { takeover: false, hls: { segment: 1s } }
)",
    }));
    const auto settings = stream_settings(configuration);
    const hub::Stream::Settings cam = (*settings)(name("live/cam"));
    EXPECT_EQ(cam.grace, 1s);
    EXPECT_EQ(cam.segment, 1s);
    EXPECT_EQ(cam.window, 8U);
    EXPECT_TRUE(cam.always_packaged);
    EXPECT_FALSE(cam.takeover);
    const hub::Stream::Settings door = (*settings)(name("live/door"));
    EXPECT_TRUE(door.takeover);
    EXPECT_EQ(door.segment, 4s);
    const hub::Stream::Settings other = (*settings)(name("yard"));
    EXPECT_EQ(other.grace, 20s);
    EXPECT_EQ(other.segment, 4s);
    EXPECT_EQ(other.window, 6U);
    EXPECT_FALSE(other.takeover || other.always_packaged);
}

TEST(StreamRules, a_source_runs_on_demand_where_a_rule_says_so) {
    const auto configuration = std::make_shared<const Configuration>(load_configuration({
        .file_name = "m.yaml",
        .file_text = R"(
streams:
  "yard/*": { on_demand: true, idle: 30s }
  yard/gate: { source: "test:", on_demand: false }
  yard/door: { source: "test:", idle: 5s }
)",
    }));
    const auto settings = stream_settings(configuration);
    EXPECT_FALSE((*settings)(name("yard/gate")).on_demand);
    EXPECT_TRUE((*settings)(name("yard/door")).on_demand);
    EXPECT_EQ((*settings)(name("yard/door")).idle, 5s);
    EXPECT_EQ((*settings)(name("yard/gate")).idle, 30s);
    EXPECT_FALSE((*settings)(name("live/cam")).on_demand);
}

}   // namespace

}   // namespace millrace::control
