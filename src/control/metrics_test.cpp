#include "control/metrics.hpp"

#include "control/api_for_tests.hpp"
#include "control/exposition.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

namespace millrace::control {
namespace {

TEST(Exposition, escapes_what_a_label_says) {
    Exposition out;
    out.family("thing", Exposition::Type::gauge, "A thing.");
    out.sample({{"text", "a \"b\" \\ c\nd"}, {"other", ""}}, std::uint64_t{1});
    out.sample({}, 0.25);
    EXPECT_EQ(out.take(),
              "# HELP millrace_thing A thing.\n"
              "# TYPE millrace_thing gauge\n"
              "millrace_thing{text=\"a \\\"b\\\" \\\\ c\\nd\",other=\"\"} 1\n"
              "millrace_thing 0.25\n");
}

TEST(Exposition, a_histogram_ends_with_everything) {
    Exposition out;
    out.family("wait_seconds", Exposition::Type::histogram, "A wait.");
    const std::array bounds{0.5, 1.0};
    const std::array<std::uint64_t, 2> at_most{3, 4};
    out.histogram({{"stream", "a"}}, {bounds, at_most, 5, 7.5});
    EXPECT_EQ(out.take(),
              "# HELP millrace_wait_seconds A wait.\n"
              "# TYPE millrace_wait_seconds histogram\n"
              "millrace_wait_seconds_bucket{stream=\"a\",le=\"0.5\"} 3\n"
              "millrace_wait_seconds_bucket{stream=\"a\",le=\"1\"} 4\n"
              "millrace_wait_seconds_bucket{stream=\"a\",le=\"+Inf\"} 5\n"
              "millrace_wait_seconds_sum{stream=\"a\"} 7.5\n"
              "millrace_wait_seconds_count{stream=\"a\"} 5\n");
}

NodeFacts facts() {
    return {.version = "1",
            .process = ProcessFacts{},
            .archive = ArchiveFacts{.bytes = 5000,
                                    .fragments = 12,
                                    .failures = 1,
                                    .free_bytes = 1U << 20U,
                                    .sync_us_max = 250'000,
                                    .full = true,
                                    .clock_held = false,
                                    .gaps = {{"disk full", 2}, {"crash", 0}}}};
}

Overview overview() {
    Overview overview;
    hub::StreamReport stream{.name = "live/cam", .state = hub::StreamState::live};
    stream.verdicts = {
        {.code = "b_frames", .weight = hub::Weight::note, .text = "B-frames: \"x\"", .since = {}}};
    stream.outputs = {{.form = "flv", .latency = {.count = 2, .sum_seconds = 0.5}},
                      {.form = "flv", .latency = {.count = 1, .sum_seconds = 0.5}}};
    stream.arrival_latency = {.count = 2, .sum_seconds = 0.5};
    stream.tracks = {{.track = {.id = 1},
                      .units = 7,
                      .captured = 9,
                      .missing = 2,
                      .slice_qp = hub::SliceQpReport{22.5, 20, 25},
                      .slice_qp_counts = {.count = 7, .sum = 157.5},
                      .coded_qp = 24.25}};
    stream.compression_ratio = 120;
    stream.recording = {.on = true, .under_way = false, .trouble = "disk full", .bytes = 4000, .waiting = 3};
    stream.chunks = {.proven = 7, .different = 1};
    overview.streams.push_back(stream);
    for (std::size_t worker = 0; worker < 2; ++worker) {
        WorkerReport report{.worker = worker};
        report.refusals = {{"rtmp", Errc::refused, 3}};
        report.answers = {0, 4, 0, 1, 0};
        report.forwards = {{.stream = "live/cam", .to = "tcp://h:1", .frames_sent = 30, .frames_skipped = 2},
                           {.stream = "live/cam", .to = "http://h/upload/"}};
        report.departed["flv"] = {.bytes = 100, .bytes_skipped = 0, .skips = 2};
        report.sessions.push_back(
            {.id = 1, .facts = {.protocol = "flv", .stream = "live/cam"}, .bytes_out = 1000, .skips = 1});
        const auto ms = static_cast<std::int64_t>(worker + 1);
        report.forwards[0].link =
            LinkReport{.round_trip = 10ms * ms, .rate = 1e6 * ms, .resends_by_timer = 5};
        overview.workers.push_back(std::move(report));
    }
    return overview;
}

TEST(Metrics, count_over_all_workers_and_those_who_left) {
    const std::string text = metrics_text(overview(), facts());
    for (const std::string_view line :
         {"millrace_refusals_total{protocol=\"rtmp\",reason=\"refused\"} 6\n",
          "millrace_http_responses_total{class=\"2xx\"} 8\n",
          "millrace_sent_bytes_total{protocol=\"flv\"} 2200\n",
          "millrace_viewer_skips_total{protocol=\"flv\"} 6\n",
          "millrace_forward_sent_frames_total{stream=\"live/cam\"} 60\n",
          "millrace_forward_skipped_frames_total{stream=\"live/cam\"} 4\n",
          "millrace_sessions{kind=\"viewer\",protocol=\"flv\"} 2\n",
          "millrace_streams{state=\"live\"} 1\n",
          "millrace_streams{state=\"stale\"} 0\n",
          "millrace_link_round_trip_seconds{stream=\"live/cam\",kind=\"forward\"} 0.02\n",
          "millrace_link_pacing_bits_per_second{stream=\"live/cam\",kind=\"forward\"} 1000000\n",
          "millrace_link_resends{stream=\"live/cam\",kind=\"forward\",cause=\"timer\"} 10\n",
          "millrace_stream_chunks_total{stream=\"live/cam\",result=\"different\"} 1\n",
          "millrace_stream_viewers{stream=\"live/cam\",protocol=\"flv\"} 2\n",
          "millrace_stream_verdict{stream=\"live/cam\",code=\"b_frames\",weight=\"note\",text=\"B-frames: "
          "\\\"x\\\"\"} 1\n",
          "millrace_stream_track_frames_total{stream=\"live/cam\",track=\"1\",codec=\"unknown\"} 7\n",
          "millrace_stream_track_captured_frames_total{stream=\"live/cam\",track=\"1\"} 9\n",
          "millrace_stream_track_missing_frames_total{stream=\"live/cam\",track=\"1\"} 2\n",
          "millrace_stream_track_slice_qp_average{stream=\"live/cam\",track=\"1\"} 22.5\n",
          "millrace_stream_track_slice_qp_sum{stream=\"live/cam\",track=\"1\"} 157.5\n",
          "millrace_stream_track_coded_qp_average{stream=\"live/cam\",track=\"1\"} 24.25\n",
          "millrace_stream_compression_ratio{stream=\"live/cam\"} 120\n",
          "millrace_stream_latency_seconds_count{stream=\"live/cam\",protocol=\"flv\",origin=\"arrival\"} "
          "2\n"}) {
        EXPECT_TRUE(text.contains(line)) << line << text;
    }
}

TEST(Metrics, tell_how_recording_goes_and_what_is_missing_by_its_cause) {
    const std::string text = metrics_text(overview(), facts());
    for (const std::string_view line :
         {"millrace_archive_recorded_bytes_total 5000\n", "millrace_archive_recorded_fragments_total 12\n",
          "millrace_archive_failures_total 1\n", "millrace_archive_gaps_total{cause=\"disk full\"} 2\n",
          "millrace_archive_gaps_total{cause=\"crash\"} 0\n", "millrace_archive_disk_free_bytes 1048576\n",
          "millrace_archive_sync_wait_seconds_max 0.25\n", "millrace_archive_disk_full 1\n",
          "millrace_archive_retention_held 0\n", "millrace_stream_recording{stream=\"live/cam\"} 0\n",
          "millrace_stream_recorded_bytes_total{stream=\"live/cam\"} 4000\n",
          "millrace_stream_recording_waiting_frames{stream=\"live/cam\"} 3\n"}) {
        EXPECT_TRUE(text.contains(line)) << line << text;
    }
    EXPECT_FALSE(metrics_text({}, {.version = "1"}).contains("archive_")) << "nothing is recorded there";
}

TEST(Metrics, no_sample_stands_twice) {
    const std::string text = metrics_text(overview(), facts());
    std::set<std::string> seen;
    std::size_t from = 0;
    while (from < text.size()) {
        const std::size_t end = text.find('\n', from);
        const std::string line = text.substr(from, end - from);
        EXPECT_TRUE(seen.insert(line.substr(0, line.rfind(' '))).second || line.starts_with('#')) << line;
        from = end + 1;
    }
}

TEST(Metrics, the_guide_names_every_one) {
    std::filesystem::path folder = std::filesystem::current_path();
    while (folder.has_relative_path() && !std::filesystem::exists(folder / "docs/guide/metrics.md")) {
        folder = folder.parent_path();
    }
    std::ifstream file{folder / "docs/guide/metrics.md"};
    const std::string guide{std::istreambuf_iterator<char>{file}, {}};
    const std::string text = metrics_text(overview(), facts());
    constexpr std::string_view mark = "# TYPE ";
    for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
        const std::size_t from = at + mark.size();
        const std::string name = text.substr(from, text.find(' ', from) - from);
        EXPECT_TRUE(guide.contains("`" + name + "`")) << name;
    }
}

}   // namespace
}   // namespace millrace::control
