#include "container/ts_packager.hpp"

#include "container/ts_samples.hpp"
#include "container/ts_sections.hpp"

#include <gtest/gtest.h>

namespace millrace::ts {
namespace {

using media::Codec;
using samples::hear;
using samples::Heard;
using samples::Units;

constexpr std::int64_t segment_ms = 480;

/// The units of segment `index` of a film, cut at its key frames.
media::SegmentUnits segment(std::span<const media::Track> tracks, std::int64_t index) {
    media::SegmentUnits units;
    units.run = "1763646000-1a2b3c4d";
    units.cut.number = static_cast<std::uint64_t>(1'763'646'000 + index);
    units.first = index == 0;
    for (const media::Track& track : tracks) {
        const std::int64_t step = track.kind == media::Kind::video ? samples::picture_ms : samples::frame_ms;
        media::SegmentTrack some{.track = track, .units = {}};
        const std::int64_t from = index * segment_ms / step;
        const std::int64_t to = (index + 1) * segment_ms / step;
        for (std::int64_t i = from; i < to; ++i) {
            some.units.push_back(std::make_shared<const media::AccessUnit>(
                samples::unit(track, static_cast<std::size_t>(i), 0, 500)));
        }
        some.end = samples::ticks_of(track, (index + 1) * segment_ms);
        units.tracks.push_back(std::move(some));
    }
    return units;
}

std::vector<media::SegmentPart> package(std::span<const media::Track> tracks, std::int64_t segments) {
    Packager packager{"1a2b", "live/cam"};
    std::vector<media::SegmentPart> parts;
    for (std::int64_t i = 0; i < segments; ++i) {
        for (media::SegmentPart& part : packager.package(segment(tracks, i))) {
            parts.push_back(std::move(part));
        }
    }
    return parts;
}

std::vector<media::Track> tracks_of(Codec video, Codec audio) {
    return {flv::samples::track(video), flv::samples::track(audio)};
}

TEST(TsPackager, a_part_says_its_name_tracks_and_duration) {
    std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::aac);
    tracks.push_back({.id = 2, .kind = media::Kind::video, .config = flv::samples::track(Codec::av1).config});
    const std::vector<media::SegmentPart> parts = package(tracks, 2);
    ASSERT_EQ(parts.size(), 2U);
    EXPECT_EQ(parts[0].name, "1763646000-1a2b3c4d/1a2b/ts-1763646000.ts");
    EXPECT_EQ(parts[1].name, "1763646000-1a2b3c4d/1a2b/ts-1763646001.ts");
    EXPECT_EQ(parts[0].rendition, "ts");
    EXPECT_EQ(parts[0].tracks.size(), 2U);
    EXPECT_TRUE(parts[0].init_name.empty());
    EXPECT_EQ(parts[0].duration * 1000, segment_ms * parts[0].timescale);
}

TEST(TsPackager, nothing_is_made_of_tracks_it_does_not_carry) {
    const std::vector tracks{flv::samples::track(Codec::av1)};
    EXPECT_TRUE(package(tracks, 2).empty());
}

TEST(TsPackager, row_0_25_each_segment_begins_with_tables_and_a_key_frame_with_the_clock) {
    for (const Codec video : {Codec::h264, Codec::h265}) {
        const std::vector<media::Track> tracks = tracks_of(video, Codec::aac);
        for (const media::SegmentPart& part : package(tracks, 4)) {
            const std::vector<Packet> packets = samples::packets_of(part.bytes);
            EXPECT_EQ(packets[0].pid, pat_pid);
            EXPECT_EQ(packets[1].pid, 0x1000);
            EXPECT_EQ(packets[2].pid, sdt_pid);
            EXPECT_EQ(packets[3].pid, 0x100);
            EXPECT_TRUE(packets[3].starts && packets[3].random_access && packets[3].pcr);
            const Heard alone = hear(part.bytes);
            EXPECT_EQ(alone.units.size(), 12U + 24U);
            EXPECT_TRUE(alone.units.front().key);
        }
    }
}

TEST(TsPackager, row_0_25_row_1_24_counters_and_clock_run_on_and_every_unit_comes_out_across_segments) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::aac);
    std::vector<std::byte> whole;
    for (const media::SegmentPart& part : package(tracks, 20)) {
        samples::append(whole, part.bytes);
    }
    std::array<std::optional<unsigned>, 0x2000> counters;
    std::int64_t clock = time_offset - clock_lead - 1;
    for (const Packet& packet : samples::packets_of(whole)) {
        std::optional<unsigned>& counter = counters.at(packet.pid);
        if (packet.has_payload && counter) {
            EXPECT_EQ(packet.counter, (*counter + 1) % 16);
        }
        counter = packet.counter;
        if (packet.pcr) {
            EXPECT_GT(*packet.pcr, clock);
            EXPECT_LE(*packet.pcr - clock, clock_interval_max + 1);
            clock = *packet.pcr;
        }
    }
    const Heard heard = hear(whole);
    for (const media::Track& track : tracks) {
        const Units said = [&] {
            Units units;
            for (std::int64_t i = 0; i < 20; ++i) {
                for (const media::SegmentTrack& some : segment(std::span{&track, 1}, i).tracks) {
                    for (const media::AccessUnitRef& unit : some.units) {
                        units.push_back(*unit);
                    }
                }
            }
            return units;
        }();
        const Units got = heard.of(track.id);
        ASSERT_EQ(got.size(), said.size());
        for (std::size_t i = 0; i < said.size(); ++i) {
            EXPECT_EQ(got[i].payload, said[i].payload);
            EXPECT_EQ(samples::run_time(got[i], got[i].pts), said[i].pts);
            EXPECT_FALSE(got[i].discontinuity);
        }
    }
}

TEST(TsPackager, one_picture_a_second_has_the_clock_every_40_ms_to_the_end_of_each_segment) {
    const media::Track track = flv::samples::track(Codec::h264);
    Packager packager{"n", "cam"};
    std::int64_t clock = 0;
    for (std::int64_t i = 0; i < 5; ++i) {
        media::SegmentUnits units;
        media::AccessUnit picture = samples::unit(track, 0, 2000 * i);
        media::AccessUnit second = samples::unit(track, 0, 2000 * i + 1000);
        units.tracks.push_back({.track = track,
                                .units = {std::make_shared<const media::AccessUnit>(picture),
                                          std::make_shared<const media::AccessUnit>(second)},
                                .end = samples::ticks_of(track, 2000 * i + 2000)});
        const Bytes bytes = packager.package(units).front().bytes;
        EXPECT_EQ(samples::packets_of(bytes)[3].payload.empty(), false);
        for (const Packet& packet : samples::packets_of(bytes)) {
            if (packet.pcr && clock != 0) {
                EXPECT_LE(*packet.pcr - clock, clock_interval_max);
            }
            clock = packet.pcr.value_or(clock);
        }
    }
}

TEST(TsPackager, a_cut_between_pictures_still_begins_with_tables) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::aac);
    Packager packager{"n", "cam"};
    (void)packager.package(segment(tracks, 0));
    media::SegmentUnits forced = segment(tracks, 1);
    forced.cut.independent = false;
    forced.tracks[0].units.erase(forced.tracks[0].units.begin());
    const Bytes bytes = packager.package(forced).front().bytes;
    const std::vector<Packet> packets = samples::packets_of(bytes);
    EXPECT_EQ(packets[0].pid, pat_pid);
    EXPECT_EQ(packets[3].pid, 0x100);
    EXPECT_TRUE(packets[3].pcr);
}

TEST(TsPackager, a_segment_of_audio_alone_is_whole) {
    for (const Codec codec : {Codec::aac, Codec::mp3, Codec::opus}) {
        const std::vector tracks{flv::samples::track(codec)};
        const std::vector<media::SegmentPart> parts = package(tracks, 3);
        ASSERT_EQ(parts.size(), 3U);
        EXPECT_EQ(parts[1].duration * 1000, segment_ms * parts[1].timescale);
        for (const media::SegmentPart& part : parts) {
            EXPECT_EQ(hear(part.bytes).units.size(), 24U);
            EXPECT_TRUE(samples::packets_of(part.bytes)[3].pcr);
        }
    }
}

TEST(TsPackager, row_0_28_what_is_said_of_pictures_stands_in_their_segment) {
    const std::vector tracks = tracks_of(Codec::h264, Codec::aac);
    Packager packager{"1a2b", "live/cam"};
    std::vector<std::byte> all;
    constexpr std::int64_t segments = 3;
    for (std::int64_t i = 0; i < segments; ++i) {
        media::SegmentUnits units = segment(tracks, i);
        for (const media::AccessUnitRef& unit : units.tracks.front().units) {
            units.messages.push_back({.kind = media::TimedMessage::Kind::klv,
                                      .body = Bytes::copy(std::to_string(unit->pts)),
                                      .pts = unit->pts});
            units.messages.push_back({.body = Bytes::copy("{}"), .pts = unit->pts});
        }
        std::ranges::sort(units.messages, {}, &media::TimedMessage::pts);
        const std::vector<media::SegmentPart> parts = packager.package(units);
        ASSERT_EQ(parts.size(), 1U);
        const Heard alone = hear(parts.front().bytes);
        EXPECT_EQ(alone.messages.size(), units.messages.size() / 2) << "a player may begin with any";
        samples::append(all, parts.front().bytes);
    }
    const Heard heard = hear(all);
    ASSERT_EQ(heard.messages.size(), segments * segment_ms / samples::picture_ms);
    for (const media::TimedMessage& message : heard.messages) {
        EXPECT_EQ(as_text(message.body), std::to_string(*message.source_pts - time_offset));
    }
    const std::string text{as_text(all)};
    std::size_t tags = 0;
    for (std::size_t at = text.find("TXXX"); at != text.npos; at = text.find("TXXX", at + 1)) {
        ++tags;
    }
    EXPECT_EQ(tags, heard.messages.size());
    EXPECT_EQ(heard.of(0).size(), heard.messages.size());
    EXPECT_EQ(heard.counters.counter_jumps, 0U);
}

}   // namespace
}   // namespace millrace::ts
