#include "container/ts_samples.hpp"
#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::rtp {
namespace {

using media::Codec;
using samples::drain;

struct Sent {
    Codec codec;
    std::size_t size;
};
const Sent all_kinds[] = {{Codec::h264, 0}, {Codec::h264, 9'000},  {Codec::h265, 0}, {Codec::h265, 9'000},
                          {Codec::av1, 0},  {Codec::mjpeg, 7'000}, {Codec::aac, 0},  {Codec::aac, 3'000},
                          {Codec::opus, 0}, {Codec::mp3, 0},       {Codec::pcma, 0}, {Codec::pcmu, 0},
                          {Codec::g722, 0}, {Codec::l16, 0}};

TEST(RoundTrip, gives_every_codec_back_unit_by_unit) {
    for (const Sent& sent : all_kinds) {
        SCOPED_TRACE(media::name(sent.codec));
        const std::vector<media::AccessUnit> units = samples::units(sent.codec, sent.size, 2);
        const Format format = samples::format(units.front());
        Sender sender{format, {.payload_type = format.payload_type, .ssrc = 7, .sequence = 65'530}};
        Result<Receiver> receiver = Receiver::make(format, {});
        ASSERT_TRUE(receiver);
        for (const auto& packet : samples::packets_of(sender, units)) {
            ASSERT_LE(packet.size(), packet_size_max);
            receiver->receive(packet, Instant{});
        }
        const std::vector<media::AccessUnit> got = drain(*receiver);
        ASSERT_EQ(got.size(), units.size());
        for (std::size_t i = 0; i < got.size(); ++i) {
            EXPECT_EQ(got[i].payload, units[i].payload);
            EXPECT_EQ(got[i].pts, units[i].pts);
            EXPECT_EQ(got[i].key, units[i].key);
            EXPECT_LE(got[i].dts, got[i].pts);
            EXPECT_TRUE(i == 0 || got[i].dts > got[i - 1].dts);
            EXPECT_EQ(got[i].config->codec, sent.codec);
            EXPECT_TRUE(sent.codec == Codec::opus || got[i].config->extra == units[i].config->extra);
            EXPECT_EQ(got[i].config->sps, units[i].config->sps);
        }
        EXPECT_EQ(receiver->loss().lost, 0U);
    }
}

TEST(RoundTrip, hands_on_no_picture_that_lacks_a_packet_and_none_before_the_next_key_frame) {
    for (const Codec codec : {Codec::h264, Codec::h265}) {
        const std::vector<media::AccessUnit> units = samples::units(codec, 5'000, 3);
        const Format format = samples::format(units.front());
        Sender counting{format, {}};
        const std::size_t total = samples::packets_of(counting, units).size();
        for (std::size_t lost = 0; lost < total; ++lost) {
            Sender sender{format, {}};
            auto packets = samples::packets_of(sender, units);
            packets.erase(packets.begin() + static_cast<std::ptrdiff_t>(lost));
            Result<Receiver> receiver = Receiver::make(format, {});
            for (const auto& packet : packets) {
                receiver->receive(packet, Instant{});
            }
            std::size_t at = 0;
            for (const media::AccessUnit& unit : drain(*receiver)) {
                // Each is one of those sent; a gap before it means that it is a key frame.
                const std::size_t before = at;
                while (at < units.size() &&
                       !(units[at].payload == unit.payload && units[at].pts == unit.pts)) {
                    ++at;
                }
                ASSERT_LT(at, units.size()) << "a picture that nobody sent";
                EXPECT_TRUE(at == before || unit.key);
                ++at;
            }
            const bool last_group = lost >= total - total / 3;
            EXPECT_TRUE(at == units.size() || last_group) << lost;
        }
    }
}

TEST(RoundTrip, puts_reordered_and_doubled_packets_back_in_order) {
    SeededRandom random{9};
    const std::vector<media::AccessUnit> units = samples::units(Codec::h264, 20'000, 5);
    const Format format = samples::format(units.front());
    Sender sender{format, {.sequence = 65'000}};
    auto packets = samples::packets_of(sender, units);
    for (std::size_t i = 1; i + 8 < packets.size(); i += 3) {
        std::swap(packets[i], packets[i + random.below(8)]);
    }
    Result<Receiver> receiver = Receiver::make(format, {.reorder_wait = Receiver::reorder_wait_udp});
    Instant now;
    std::vector<media::AccessUnit> got;
    for (const auto& packet : packets) {
        now = now + 1ms;
        receiver->receive(packet, now);
        receiver->receive(packet, now);
        std::ranges::move(drain(*receiver), std::back_inserter(got));
    }
    ASSERT_EQ(got.size(), units.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].payload, units[i].payload);
    }
    EXPECT_EQ(receiver->loss().lost, 0U);
    EXPECT_GT(receiver->loss().reordered, 0U);
}

TEST(RoundTrip, gives_up_waiting_after_its_time_and_goes_on_at_a_key_frame) {
    const std::vector<media::AccessUnit> units = samples::units(Codec::h265, 5'000, 2);
    const Format format = samples::format(units.front());
    Sender sender{format, {}};
    auto packets = samples::packets_of(sender, units);
    packets.erase(packets.begin() + 7);
    Result<Receiver> receiver = Receiver::make(format, {.reorder_wait = 150ms});
    for (const auto& packet : packets) {
        receiver->receive(packet, Instant{});
    }
    EXPECT_EQ(drain(*receiver).size(), 1U);
    EXPECT_EQ(receiver->deadline(), Instant{} + 150ms);
    receiver->advance(Instant{} + 150ms);
    const std::vector<media::AccessUnit> got = drain(*receiver);
    ASSERT_EQ(got.size(), 4U);
    EXPECT_TRUE(got.front().key);
    EXPECT_EQ(receiver->loss().lost, 1U);
    EXPECT_EQ(receiver->depacketiser().units_broken, 1U);
    EXPECT_EQ(receiver->depacketiser().units_skipped, 2U);
}

TEST(RoundTrip, row_0_32_carries_a_transport_stream_and_its_tracks) {
    const std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    const ts::samples::Units units = ts::samples::film(tracks, 5'000, 800, 700);
    const std::vector<std::byte> stream = ts::samples::mux(tracks, units);
    Result<Receiver> receiver = Receiver::make(*static_format(33), {});
    ASSERT_TRUE(receiver);
    std::vector<media::AccessUnit> got;
    std::uint16_t sequence = 0;
    constexpr std::size_t seven_packets = std::size_t{7} * 188;
    for (ByteSpan rest = stream; !rest.empty(); rest = rest.subspan(std::min(rest.size(), seven_packets))) {
        const ByteSpan part = rest.first(std::min(rest.size(), seven_packets));
        receiver->receive(samples::packet({.payload_type = 33, .sequence = sequence++}, part), Instant{});
        std::ranges::move(drain(*receiver), std::back_inserter(got));
    }
    EXPECT_TRUE(std::ranges::any_of(got, [](const auto& unit) { return unit.track == 1; }));
    // The end of the last picture is only known by what follows.
    ASSERT_GT(got.size() + 4, units.size());
    const auto sent = [&units](const media::AccessUnit& unit) {
        return std::ranges::any_of(units, [&unit](const auto& one) { return one.payload == unit.payload; });
    };
    EXPECT_TRUE(std::ranges::all_of(got, sent));
}

}   // namespace
}   // namespace millrace::rtp
