#include "hub/meter.hpp"

#include <gtest/gtest.h>

namespace millrace::hub {
namespace {

constexpr std::uint32_t pictures_per_second = 30;

Instant at(Duration since) {
    return Instant::from_nanoseconds(since.count());
}

media::ConfigRef picture_config() {
    return std::make_shared<const media::TrackConfig>(
        media::TrackConfig{.codec = media::Codec::h264, .timescale = 90'000, .width = 640, .height = 480});
}

/// A camera that takes 30 pictures a second, and what the meter says of it.
class Camera {
public:
    media::AccessUnit picture(std::size_t bytes) {
        media::AccessUnit unit{
            .track = 0, .config = config_, .payload = Bytes{std::vector<std::byte>(bytes)}};
        unit.dts = unit.pts = std::int64_t{number_} * 3000;
        unit.key = number_ % pictures_per_second == 0;
        unit.camera_number = number_;
        return unit;
    }
    void skip() { ++number_; }
    void send(media::AccessUnit unit) {
        meter.count_received(unit.payload.size() + 12, now());
        meter.count(unit, now() + delay);
        ++number_;
    }
    Instant now() const { return at(100s + number_ * 1'000'000'000ns / pictures_per_second); }
    StreamReport report(Duration later = 0ns) const {
        StreamReport report;
        report.tracks.push_back({.track = {.id = 0, .kind = media::Kind::video, .config = config_}});
        meter.fill(report, now() + later);
        return report;
    }

    Meter meter;
    Duration delay{};

private:
    media::ConfigRef config_ = picture_config();
    std::uint32_t number_ = 0;
};

TEST(Meter, row_4_8_rates_and_ratio_are_those_of_the_last_second_and_of_the_last_ten) {
    Camera camera;
    for (int i = 0; i < 600; ++i) {
        camera.send(camera.picture(i < 570 ? 4000 : 8000));
    }
    const StreamReport report = camera.report(10ms);
    const TrackReport& track = report.tracks[0];
    EXPECT_NEAR(track.units_per_second.second, 30, 1);
    EXPECT_NEAR(track.units_per_second.ten, 30, 0.1);
    EXPECT_NEAR(track.encoded_per_second, 30, 0.001);
    EXPECT_NEAR(track.captured_per_second, 30, 0.1);
    EXPECT_NEAR(report.payload_bits_per_second.second, 30 * 8000 * 8, 70'000);
    EXPECT_NEAR(report.payload_bits_per_second.ten, 27 * 4000 * 8 + 3 * 8000 * 8, 7000);
    EXPECT_NEAR(report.wire_bits_per_second.ten - report.payload_bits_per_second.ten, 30 * 12 * 8, 100);
    EXPECT_NEAR(report.compression_ratio, 640 * 480 * 1.5 / 4400, 0.3);
    EXPECT_LT(track.jitter, 1us);
}

TEST(Meter, rates_after_a_second_are_over_that_second) {
    Camera camera;
    for (int i = 0; i < 45; ++i) {
        camera.send(camera.picture(1000));
    }
    EXPECT_NEAR(camera.report().tracks[0].units_per_second.ten, 30, 1);
    EXPECT_NEAR(camera.report(5s).tracks[0].units_per_second.second, 0, 0);
}

TEST(Meter, row_1_34_pictures_that_a_camera_numbered_are_here_or_missing) {
    Camera camera;
    for (int i = 0; i < 90; ++i) {
        if (i % 9 == 8) {
            camera.skip();
        } else {
            camera.send(camera.picture(1000));
        }
    }
    const TrackReport track = camera.report().tracks[0];
    EXPECT_EQ(track.units, 80U);
    EXPECT_EQ(track.missing, 9U) << "that the last one is missing shows with the next";
    EXPECT_EQ(track.captured, track.units + track.missing);
}

TEST(Meter, numbers_out_of_turn_count_once_and_another_camera_begins_anew) {
    Meter meter;
    const media::ConfigRef config = picture_config();
    const auto count = [&](std::initializer_list<std::uint32_t> numbers) {
        for (const std::uint32_t number : numbers) {
            meter.count({.config = config, .camera_number = number}, at(1s));
        }
        StreamReport report;
        report.tracks.push_back({.track = {.id = 0, .kind = media::Kind::video, .config = config}});
        meter.fill(report, at(2s));
        return std::pair{report.tracks[0].captured, report.tracks[0].missing};
    };
    using Counts = std::pair<std::uint64_t, std::uint64_t>;
    EXPECT_EQ(count({0xFFFF'FFFE, 1, 0xFFFF'FFFF, 0}), Counts(4, 0)) << "B-frames, around the end of 32 bits";
    EXPECT_EQ(count({1'000'000, 1'000'002}), Counts(7, 1));
}

TEST(Meter, row_4_24_slice_qp_and_coded_qp_are_two_numbers) {
    Camera camera;
    for (int i = 0; i < 60; ++i) {
        media::AccessUnit unit = camera.picture(1000);
        const auto qp = static_cast<std::int8_t>(i < 30 ? 40 : i % 2 == 0 ? 20 : 25);
        unit.slice_qp = media::SliceQp{static_cast<float>(qp), static_cast<std::int8_t>(qp - 1), qp};
        unit.coded_qp = 28.5F;
        camera.send(std::move(unit));
    }
    const TrackReport track = camera.report(30ms).tracks[0];
    ASSERT_TRUE(track.slice_qp && track.coded_qp);
    EXPECT_NEAR(track.slice_qp->average, 22.5, 0.2);
    EXPECT_EQ(track.slice_qp->min, 19);
    EXPECT_EQ(track.slice_qp->max, 25);
    EXPECT_NEAR(*track.coded_qp, 28.5, 1e-6);
    EXPECT_EQ(track.slice_qp_counts.count, 60U);
    EXPECT_NEAR(track.slice_qp_counts.sum, 30 * 40 + 15 * 20 + 15 * 25, 1e-6);
    EXPECT_EQ(track.slice_qp_counts.at_most[3], 15U) << "at most 20";
    EXPECT_EQ(track.slice_qp_counts.at_most[6], 30U) << "at most 26";
    EXPECT_NEAR(camera.meter.slice_qp(camera.now() + 30ms).value_or(0), 22.5, 0.2);
    EXPECT_FALSE(camera.meter.slice_qp(camera.now() + 2s));
    EXPECT_TRUE(camera.report(2s).tracks[0].slice_qp) << "that of the last ten seconds";
    EXPECT_FALSE(camera.report(20s).tracks[0].slice_qp);
}

TEST(Meter, jitter_follows_rfc_3550) {
    Camera camera;
    for (int i = 0; i < 600; ++i) {
        camera.delay = i % 2 == 0 ? 0ms : 8ms;
        camera.send(camera.picture(100));
    }
    EXPECT_NEAR(static_cast<double>(camera.report().tracks[0].jitter / 1us), 8000, 50);
}

}   // namespace
}   // namespace millrace::hub
