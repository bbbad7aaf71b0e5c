#include "session/rtsp_publisher.hpp"

#include "media/h264.hpp"
#include "session/rtsp_peers_for_tests.hpp"

namespace millrace::session {
namespace {

using toys::RtspPeer;
using toys::RtspWorld;

/// A publisher of pictures by TCP, which says when each of them is.
struct Film {
    explicit Film(RtspWorld& its_scene, std::uint32_t first_timestamp = 0)
        : scene{its_scene},
          sender{offer.formats[0],
                 {.payload_type = offer.formats[0].payload_type,
                  .ssrc = 1,
                  .timestamp = first_timestamp,
                  .channel = std::uint8_t{0}}} {}

    /// A picture each `step` of its own clock; key frames of this configuration alone.
    void show(int count, Duration step, Duration takes) {
        for (int i = 0; i < count; ++i) {
            media::AccessUnit unit = flv::samples::units(track, 0).front();
            unit.config = config;
            unit.dts = unit.pts = media::rescale(at / 1us, 1'000'000, config->timescale);
            at += step;
            EXPECT_TRUE(sender.write(unit));
            peer.send(sender.packets().bytes);
            sender.packets().clear();
            scene.run_for(takes);
        }
    }
    hub::StreamReport report() const { return scene.world.reports().at(0); }

    RtspWorld& scene;
    media::Track track = flv::samples::track(media::Codec::h264);
    media::ConfigRef config = track.config;
    rtsp::Offer offer = rtsp::offer_of(std::array{track}, "");
    RtspPeer peer{scene, toys::publishes(offer)};
    rtp::Sender sender;
    Duration at{};
};

TEST(RtspPublisher, case_32_at_three_times_its_rate_it_stays_one_stream_that_does_not_grow) {
    RtspWorld scene;
    Film film{scene};
    film.show(750, 40ms, 13ms);
    const std::size_t before = film.report().memory;
    film.show(1'500, 40ms, 13ms);
    const hub::StreamReport said = film.report();
    EXPECT_EQ(said.units_in, 2'250U);
    EXPECT_EQ(said.units_dropped, 0U);
    EXPECT_EQ(said.jumps, 0U);
    EXPECT_LE(said.memory, 2 * before);
    EXPECT_TRUE(film.peer.started());
}

TEST(RtspPublisher, f21_the_wrap_of_rtp_time_is_seamless) {
    RtspWorld scene;
    Film film{scene, 0xFFFFFFFF - 135'000};   // a second and a half before it
    film.show(100, 40ms, 40ms);
    EXPECT_EQ(film.report().units_in, 100U);
    EXPECT_EQ(film.report().jumps, 0U);
}

TEST(RtspPublisher, f21_what_is_declared_as_25_and_sent_as_21_a_second_stays_21) {
    RtspWorld scene;
    Film film{scene};
    film.show(210, 47'619us, 47'619us);
    const hub::StreamReport said = film.report();
    EXPECT_EQ(said.units_in, 210U);
    EXPECT_EQ(said.jumps, 0U);
    EXPECT_TRUE(said.verdicts.empty() || said.verdicts.front().code != "clock_drifts");
}

TEST(RtspPublisher, another_resolution_is_followed_in_the_same_stream) {
    RtspWorld scene;
    Film film{scene};
    film.show(10, 40ms, 40ms);
    const std::uint32_t before = film.report().tracks.at(0).track.config->width;
    const std::vector<std::byte> sps = flv::samples::from_hex("6742c00ad902c4ec0440000003004000000783c48992");
    const std::vector<std::byte> pps = flv::samples::from_hex("68cb83cb20");
    const std::array<ByteSpan, 2> sets{sps, pps};
    const Result<media::TrackConfig> smaller = media::h264::config_from(sets);
    ASSERT_TRUE(smaller);
    film.config = std::make_shared<const media::TrackConfig>(*smaller);
    film.show(10, 40ms, 40ms);
    const hub::StreamReport said = film.report();
    EXPECT_EQ(said.tracks.at(0).track.config->width, 176U);
    EXPECT_NE(before, 176U);
    EXPECT_EQ(said.units_in, 20U);
    EXPECT_EQ(said.jumps, 0U);
}

}   // namespace
}   // namespace millrace::session
