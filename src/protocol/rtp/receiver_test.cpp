#include "protocol/rtp/receiver.hpp"
#include "media/test_bytes.hpp"
#include "protocol/rtp/samples_for_tests.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace millrace::rtp {
namespace {

const Format pcmu = *static_format(0);

/// A G.711 packet of 20 ms.
std::vector<std::byte> sound(std::uint16_t sequence, std::uint32_t timestamp, std::uint32_t ssrc = 1) {
    const std::vector<std::byte> payload(160, std::byte{0x55});
    return samples::packet({.payload_type = 0, .sequence = sequence, .timestamp = timestamp, .ssrc = ssrc},
                           payload);
}

std::vector<std::byte> report_of(WallTime utc, std::uint32_t timestamp, std::uint32_t ssrc = 1) {
    std::vector<std::byte> out;
    write_sender_report(out, {.ssrc = ssrc, .ntp = ntp_of(utc), .timestamp = timestamp, .blocks = {}});
    return out;
}

TEST(Receiver, goes_on_seamlessly_where_sequence_and_timestamp_wrap_f21) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    std::vector<media::AccessUnit> got;
    for (std::uint32_t i = 0; i < 200; ++i) {
        receiver->receive(sound(static_cast<std::uint16_t>(65'500 + i), 0xFFFFC000U + i * 160), Instant{});
        std::ranges::move(samples::drain(*receiver), std::back_inserter(got));
    }
    ASSERT_EQ(got.size(), 200U);
    for (std::size_t i = 1; i < got.size(); ++i) {
        EXPECT_EQ(got[i].pts - got[i - 1].pts, 160);
        EXPECT_FALSE(got[i].discontinuity);
    }
    EXPECT_EQ(receiver->loss().lost, 0U);
}

TEST(Receiver, case_25_begins_anew_at_another_source_or_a_jump_of_sequence) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    receiver->receive(sound(1, 0), Instant{});
    EXPECT_EQ(samples::drain(*receiver).size(), 1U);
    receiver->receive(sound(7'000, 160, 2), Instant{});   // alone it is a stranger's
    EXPECT_TRUE(samples::drain(*receiver).empty());
    receiver->receive(sound(7'001, 320, 2), Instant{});
    std::vector<media::AccessUnit> got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_TRUE(got[0].discontinuity);
    EXPECT_EQ(receiver->counters().sources, 1U);
    receiver->receive(sound(37'001, 480, 2), Instant{});
    receiver->receive(sound(37'002, 640, 2), Instant{});
    got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_TRUE(got[0].discontinuity);
    EXPECT_EQ(receiver->loss().restarts, 1U);
    receiver->receive(sound(37'003, 640 + 8'000 * 60, 2), Instant{});
    got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_TRUE(got[0].discontinuity);
    EXPECT_EQ(receiver->counters().leaps, 1U);
}

TEST(Receiver, case_26_heeds_reports_and_farewells_of_its_own_source_only) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    receiver->receive(sound(1, 0), Instant{});
    std::vector<std::byte> bye;
    write_bye(bye, 99);
    receiver->receive_control(bye, Instant{});
    EXPECT_FALSE(receiver->ended());
    receiver->receive_control(report_of({1'790'000'000'000'000}, 0, 99), Instant{});
    EXPECT_FALSE(receiver->clock().known());
    for (int i = 0; i < 1'000; ++i) {
        receiver->receive_control(report_of({1'790'000'000'000'000}, 0), Instant{});
    }
    EXPECT_GT(receiver->counters().control_refused, 900U);
    receiver->receive_control(media::from_hex("80c8ffff 00000001"), Instant{});
    std::vector<std::byte> report;
    receiver->append_report(report, "us", Instant{} + 10s);
    bye.clear();
    write_bye(bye, 1);
    receiver->receive_control(bye, Instant{});
    EXPECT_TRUE(receiver->ended());
}

TEST(Receiver, row_4_13_is_told_that_its_sources_publisher_ended_and_passes_over_other_words) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    receiver->receive(sound(1, 0), Instant{});
    std::vector<std::byte> said;
    write_unpublished(said, 99);
    receiver->receive_control(said, Instant{});
    receiver->receive_control(media::from_hex("81cc0002 00000001 41424344"), Instant{});   // "ABCD"
    receiver->receive_control(media::from_hex("82cc0002 00000001 4d4c5243"), Instant{});   // another word
    receiver->receive_control(media::from_hex("81cc0001 00000001"), Instant{});            // cut
    EXPECT_FALSE(receiver->unpublished());
    said.clear();
    write_unpublished(said, 1);
    EXPECT_EQ(Bytes{said}, media::from_hex("81cc0002 00000001 4d4c5243"));
    receiver->receive_control(said, Instant{});
    EXPECT_TRUE(receiver->unpublished());
    EXPECT_FALSE(receiver->ended());
}

TEST(Receiver, maps_rtp_time_to_utc_and_follows_a_drift_without_steps) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    std::int64_t last = 0;
    for (std::uint32_t packet = 0; packet < 5'000; ++packet) {
        const std::uint32_t timestamp = packet * 160;
        // The clock of the samples is 200 ppm fast against that of the reports.
        const std::int64_t true_us = 1'790'000'000'000'000 + std::int64_t{packet} * 20'000 * 9'998 / 10'000;
        if (packet % 250 == 1) {
            receiver->receive_control(report_of({true_us}, timestamp), Instant{});
        }
        receiver->receive(sound(static_cast<std::uint16_t>(packet), timestamp), Instant{});
        for (const media::AccessUnit& unit : samples::drain(*receiver)) {
            if (packet < 2) {
                EXPECT_EQ(unit.capture.label, packet == 0 ? media::CaptureTime::Label::arrival
                                                          : media::CaptureTime::Label::sender);
                last = unit.capture.utc.microseconds;
                continue;
            }
            EXPECT_NEAR(static_cast<double>(unit.capture.utc.microseconds - last), 20'000, 100);
            EXPECT_NEAR(static_cast<double>(unit.capture.utc.microseconds - true_us), 0, 2'500);
            last = unit.capture.utc.microseconds;
        }
    }
    EXPECT_EQ(receiver->clock().steps(), 0U);
}

TEST(Receiver, keeps_a_report_that_comes_before_the_first_packet) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    receiver->receive_control(report_of({1'790'000'000'000'000}, 0xFFFFFF60U), Instant{});
    receiver->receive(sound(0, 0), Instant{});
    const std::vector<media::AccessUnit> got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].capture.utc.microseconds, 1'790'000'000'020'000);
}

TEST(Receiver, believes_no_clock_of_1970_but_lays_tracks_side_by_side_by_it) {
    Result<Receiver> receiver = Receiver::make(pcmu, {});
    receiver->receive(sound(0, 8'000), Instant{});
    receiver->receive_control(report_of({5'000'000}, 8'000), Instant{});
    const std::vector<media::AccessUnit> got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].capture.label, media::CaptureTime::Label::arrival);
    EXPECT_TRUE(receiver->sender_time(got[0]));
}

TEST(Receiver, takes_the_capture_time_of_the_header_extension_first) {
    Result<Receiver> receiver = Receiver::make(pcmu, {.capture_time_id = 3});
    std::vector<std::byte> bytes;
    ByteWriter writer{bytes};
    write_header(writer, {.payload_type = 0, .timestamp = 160, .ssrc = 1});
    bytes[0] |= std::byte{0x10};
    writer.u16(0xBEDE);
    writer.u16(3);
    writer.u8(0x37);
    writer.u64(ntp_of({1'790'000'001'000'000}));
    writer.zeros(3);
    writer.zeros(160);
    receiver->receive(bytes, Instant{});
    const std::vector<media::AccessUnit> got = samples::drain(*receiver);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].capture.utc.microseconds, 1'790'000'001'000'000);
    EXPECT_EQ(got[0].capture.label, media::CaptureTime::Label::sender);
}

TEST(Receiver, row_4_12_capture_times_cross_in_the_header_extension) {
    std::vector<media::AccessUnit> units = samples::units(media::Codec::h264, 5'000, 12);
    ASSERT_GT(units.size(), 30U);
    for (media::AccessUnit& unit : units) {
        unit.capture = {{1'790'000'000'000'000 + unit.pts * 1000 / 90}, media::CaptureTime::Label::capture};
    }
    const Format format = samples::format(units.front());
    Sender sender{format, {.ssrc = 9}};
    std::size_t larger = 0;
    Result<Receiver> receiver = Receiver::make(format, {.capture_time_id = own_capture_time_id});
    std::vector<media::AccessUnit> got;
    for (const auto& packet : samples::packets_of(sender, units)) {
        EXPECT_LE(packet.size(), packet_size_max);
        larger += (packet[0] & std::byte{0x10}) != std::byte{0} ? 1U : 0U;
        receiver->receive(packet, Instant{});
        std::ranges::move(samples::drain(*receiver), std::back_inserter(got));
    }
    ASSERT_GT(got.size(), 30U);
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].capture.label, media::CaptureTime::Label::sender);
        EXPECT_NEAR(static_cast<double>(got[i].capture.utc.microseconds - units[i].capture.utc.microseconds),
                    0, 50);
    }
    EXPECT_LE(larger, 1 + static_cast<std::size_t>((units.back().pts - units.front().pts) / 90'000))
        << "once a second";
    units.resize(5);
    for (media::AccessUnit& unit : units) {
        unit.capture.label = media::CaptureTime::Label::arrival;
    }
    Sender other{format, {.ssrc = 9}};
    for (const auto& packet : samples::packets_of(other, units)) {
        EXPECT_EQ(packet[0] & std::byte{0x10}, std::byte{0}) << "nobody said when";
    }
}

TEST(Receiver, reports_what_was_lost_and_asks_for_a_key_frame) {
    const std::vector<media::AccessUnit> units = samples::units(media::Codec::h264, 5'000, 1);
    const Format format = samples::format(units.front());
    Sender sender{format, {.ssrc = 9}};
    auto packets = samples::packets_of(sender, units);
    packets.erase(packets.begin() + 6);
    Result<Receiver> receiver = Receiver::make(format, {.own_ssrc = 5});
    Instant now = Instant{} + 10s;
    for (const auto& packet : packets) {
        receiver->receive(packet, now);
    }
    std::vector<std::byte> out;
    receiver->append_report(out, "millrace", now);
    const auto asked = read_control(out);
    ASSERT_TRUE(asked);
    ASSERT_EQ(asked->size(), 3U);
    EXPECT_EQ(std::get<KeyFrameRequest>(asked->back()).ssrc, 9U);
    const ReportBlock& block = std::get<ReceiverReport>(asked->front()).blocks.at(0);
    EXPECT_EQ(block.ssrc, 9U);
    EXPECT_EQ(block.lost, 1);
    EXPECT_GT(block.fraction_lost, 0);
    EXPECT_EQ(block.highest_sequence, packets.size());
    out.clear();
    receiver->append_report(out, "millrace", now);
    EXPECT_TRUE(out.empty());
}

TEST(Receiver, passes_a_wish_for_a_key_frame_on_once_a_second_in_the_way_the_sender_knows) {
    for (const bool full_intra : {false, true}) {
        Result<Receiver> receiver = Receiver::make(pcmu, {.own_ssrc = 5, .full_intra = full_intra});
        const auto ask = [&](Instant now) {
            std::vector<std::byte> out;
            receiver->append_report(out, "us", now);
            return out;
        };
        receiver->ask_key_frame();
        EXPECT_TRUE(ask(Instant{}).empty()) << "nobody is known who could be asked";
        receiver->receive(sound(1, 0), Instant{});
        const std::vector<std::byte> asked = ask(Instant{});
        const auto read = read_control(asked);
        ASSERT_TRUE(read);
        EXPECT_EQ(std::get<KeyFrameRequest>(read->back()).ssrc, 1U);
        EXPECT_EQ(asked[asked.size() - (full_intra ? 20 : 12)],
                  full_intra ? std::byte{0x84} : std::byte{0x81});
        receiver->ask_key_frame();
        EXPECT_TRUE(ask(Instant{} + 500ms).empty());
        EXPECT_EQ(read_control(ask(Instant{} + 1s))->size(), 3U);
        EXPECT_TRUE(ask(Instant{} + 2s).empty()) << "what was asked is asked no more";
    }
}

TEST(Rtcp, writes_what_it_reads_and_refuses_what_does_not_fit) {
    std::vector<std::byte> out;
    const ReportBlock block{.ssrc = 3, .fraction_lost = 5, .lost = -2, .highest_sequence = 7, .jitter = 8};
    write_sender_report(out, {.ssrc = 1,
                              .ntp = 0x0102030405060708,
                              .timestamp = 9,
                              .packets = 10,
                              .octets = 11,
                              .blocks = {block}});
    write_description(out, {.ssrc = 1, .cname = "a@b"});
    write_bye(out, 1);
    const auto read = read_control(out);
    ASSERT_TRUE(read);
    ASSERT_EQ(read->size(), 3U);
    const auto& report = std::get<SenderReport>((*read)[0]);
    EXPECT_EQ(report.ntp, 0x0102030405060708U);
    EXPECT_EQ(report.blocks.at(0).lost, -2);
    EXPECT_EQ(std::get<SourceDescription>((*read)[1]).cname, "a@b");
    EXPECT_EQ(std::get<Bye>((*read)[2]).ssrcs, std::vector<std::uint32_t>{1});
    media::damage(out, [](ByteSpan damaged) { static_cast<void>(read_control(damaged)); });
    for (const char* row :
         {"80c80001 00000001", "81c90001 00000001", "00c90001 00000001", "80c9", "9fcb0001 00000001"}) {
        EXPECT_FALSE(read_control(media::from_hex(row))) << row;
    }
}

TEST(ReorderBuffer, stays_within_its_bounds_whatever_comes) {
    SeededRandom random{4};
    ReorderBuffer buffer{1s};
    std::int64_t last = -1;
    std::uint64_t released = 0;
    std::uint64_t pushed = 0;
    const std::vector<std::byte> packet(100, std::byte{1});
    for (std::uint32_t i = 0; i < 50'000; ++i) {
        const auto sequence = static_cast<std::uint16_t>(i + random.below(600));
        buffer.push(packet, sequence, Instant{});
        ++pushed;
        while (const auto one = buffer.pop(Instant{})) {
            EXPECT_GT(one->sequence, last);
            last = one->sequence;
            ++released;
        }
    }
    EXPECT_GT(released, 1'000U);
    EXPECT_LE(released + buffer.counters().late, pushed);
    EXPECT_EQ(buffer.counters().restarts, 0U);
}

}   // namespace
}   // namespace millrace::rtp
