#include "control/report_line.hpp"

#include <gtest/gtest.h>

namespace millrace::control {
namespace {

hub::StreamReport live() {
    hub::StreamReport report{.name = "cam", .state = hub::StreamState::live};
    media::TrackConfig config;
    config.width = 640;
    config.height = 480;
    report.tracks = {{.track = {.id = 0, .config = std::make_shared<const media::TrackConfig>(config)},
                      .units_per_second = {30, 30},
                      .slice_qp = hub::SliceQpReport{.average = 24.4, .min = 21, .max = 30}}};
    report.payload_bits_per_second = {1'000'000, 1'000'000};
    report.compression_ratio = 110.6;
    return report;
}

TEST(ReportLine, says_what_is_sent_and_where_to) {
    const Audience audience{.viewers = {},
                            .forwards = {{.stream = "cam",
                                          .to = "rtsp://h/cam",
                                          .state = hub::ForwardState::live,
                                          .reason = "",
                                          .bytes = 12'100'000,
                                          .begun = 3}}};
    EXPECT_EQ(report_line(live(), audience),
              "30.0 fps  1.00 Mbit/s  ratio 111  QP 24 (21-30)  queue 0 ms  sent 12.1 MB  reconnects 2  to "
              "rtsp://h/cam");
}

TEST(ReportLine, says_why_nothing_moves) {
    hub::StreamReport report{.name = "cam", .state = hub::StreamState::waiting};
    report.sources = {{.source = "v4l2:/dev/video0", .reason = "it is busy"}};
    const Audience audience{.viewers = {},
                            .forwards = {{.stream = "cam",
                                          .to = "tcp://h:1",
                                          .state = hub::ForwardState::broken,
                                          .reason = "nobody listens there"}}};
    EXPECT_EQ(report_line(report, audience),
              "waiting: it is busy  queue 0 ms  sent 0 kB  reconnects 0  to tcp://h:1: broken, nobody "
              "listens there");
}

TEST(ReportLine, counts_who_came_for_it_where_it_goes_nowhere) {
    EXPECT_EQ(report_line(live(), {.viewers = {{"rtsp", 2}, {"flv", 1}}}),
              "30.0 fps  1.00 Mbit/s  ratio 111  QP 24 (21-30)  3 viewers");
}

}   // namespace
}   // namespace millrace::control
