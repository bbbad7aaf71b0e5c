#include "container/ts_reader.hpp"

#include "container/ts_elementary.hpp"
#include "container/ts_samples.hpp"
#include "media/capture_sei.hpp"
#include "media/nal.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>

namespace millrace::ts {
namespace {

using media::Codec;
using samples::film;
using samples::hear;
using samples::Heard;
using samples::mux;
using samples::Units;

std::vector<media::Track> tracks_of(Codec video, Codec audio) {
    return {flv::samples::track(video), flv::samples::track(audio)};
}

void expect_same(const Heard& a, const Heard& b) {
    ASSERT_EQ(a.units.size(), b.units.size());
    for (std::size_t i = 0; i < a.units.size(); ++i) {
        EXPECT_EQ(a.units[i].payload, b.units[i].payload);
        EXPECT_EQ(a.units[i].dts, b.units[i].dts);
        EXPECT_EQ(a.units[i].pts, b.units[i].pts);
    }
    EXPECT_EQ(a.configured.size(), b.configured.size());
    EXPECT_EQ(a.announced.size(), b.announced.size());
}

/// Units given are those that went in, in their order; where pictures are missing, a key frame comes next.
void expect_whole(const Units& said, const Heard& heard, std::size_t pictures_a_group) {
    for (const media::TrackId track : {media::TrackId{0}, media::TrackId{1}}) {
        std::map<std::int64_t, std::pair<std::size_t, const media::AccessUnit*>> by_time;
        for (const media::AccessUnit& unit : said) {
            if (unit.track == track) {
                by_time[unit.dts] = {by_time.size(), &unit};
            }
        }
        std::optional<std::size_t> last;
        for (const media::AccessUnit& unit : heard.of(track)) {
            const auto original = by_time.find(samples::run_time(unit, unit.dts));
            ASSERT_NE(original, by_time.end());
            const auto [place, one] = original->second;
            EXPECT_EQ(unit.payload, one->payload);
            EXPECT_TRUE(!last || place > *last);
            if (last && place != *last + 1) {
                EXPECT_TRUE(unit.key || place % pictures_a_group == 0) << place;
            }
            last = place;
        }
    }
}

std::vector<std::byte> without(ByteSpan bytes, const std::function<bool(std::size_t)>& gone) {
    std::vector<std::byte> out;
    for (std::size_t i = 0; i * packet_size < bytes.size(); ++i) {
        if (!gone(i)) {
            samples::append(out, bytes.subspan(i * packet_size, packet_size));
        }
    }
    return out;
}

/// Packets of one unit with that payload, as they are.
std::vector<std::byte> unit_packets(const UnitHead& head, ByteSpan payload, std::uint8_t& counter) {
    std::vector<std::byte> out;
    PacketWriter{out, counter, head, payload.size()}.put(payload);
    return out;
}

/// PAT and PMT packets for streams of these types on PIDs from 0x100 on.
std::vector<std::byte> tables(const ProgrammeMap& map, std::uint8_t& counter, Pid map_pid = 0x1000) {
    const auto packed = [&counter](Pid pid, ByteSpan section) {
        std::vector<std::byte> payload{std::byte{0}};
        samples::append(payload, section);
        payload.resize(packet_payload_max, std::byte{0xFF});
        std::uint8_t own = counter;
        return unit_packets({.pid = pid}, payload, own);
    };
    std::vector<std::byte> out = packed(pat_pid, write_pat({1, map_pid}));
    samples::append(out, packed(map_pid, write_pmt(map)));
    counter = (counter + 1U) & 0x0FU;
    return out;
}

TEST(TsReader, cut_at_every_byte_it_reads_the_same) {
    for (const Codec audio : {Codec::aac, Codec::mp3, Codec::opus}) {
        const std::vector<media::Track> tracks = tracks_of(Codec::h264, audio);
        const std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 200, 100));
        const Heard whole = hear(bytes);
        for (const std::size_t piece : {1U, 7U, 187U, 188U, 189U, 1316U}) {
            expect_same(whole, hear(bytes, piece));
        }
        for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
            Reader reader;
            std::size_t units = 0;
            for (ByteSpan part : {ByteSpan{bytes}.first(cut), ByteSpan{bytes}.subspan(cut)}) {
                while (const std::optional<Item> item = reader.next(part)) {
                    units += std::holds_alternative<media::AccessUnit>(*item) ? 1 : 0;
                }
            }
            reader.end();
            ByteSpan nothing;
            while (const std::optional<Item> item = reader.next(nothing)) {
                units += std::holds_alternative<media::AccessUnit>(*item) ? 1 : 0;
            }
            ASSERT_EQ(units, whole.units.size()) << cut;
        }
    }
}

TEST(TsReader, announces_tracks_then_says_each_configuration_before_its_first_unit) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h265, Codec::aac);
    Reader reader;
    const std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 160));
    ByteSpan input = bytes;
    const std::optional<Item> first = reader.next(input);
    ASSERT_TRUE(first && std::holds_alternative<Announced>(*first));
    const auto& announced = std::get<Announced>(*first).tracks;
    ASSERT_EQ(announced.size(), 2U);
    EXPECT_EQ(announced[0].kind, media::Kind::video);
    EXPECT_EQ(announced[1].id, 1);
    const std::optional<Item> second = reader.next(input);
    ASSERT_TRUE(second && std::holds_alternative<Configured>(*second));
    EXPECT_EQ(std::get<Configured>(*second).config->width, 64U);
}

TEST(TsReader, a_cameras_note_gives_capture_time_and_quantizer) {
    const std::vector<media::Track> tracks{flv::samples::track(Codec::h264)};
    Units units = film(tracks, 0, 160);
    constexpr WallTime taken{1'763'646'000'123'456};
    std::vector<std::byte> payload;
    media::append_nal(payload, media::write_capture_sei(Codec::h264, {taken, 7, 31.25}));
    samples::append(payload, units[0].payload);
    units[0].payload = Bytes{std::move(payload)};
    const Heard heard = hear(mux(tracks, units));
    ASSERT_FALSE(heard.units.empty());
    EXPECT_EQ(heard.units[0].payload, units[0].payload);
    EXPECT_EQ(heard.units[0].capture.utc, taken);
    EXPECT_EQ(heard.units[0].capture.label, media::CaptureTime::Label::capture);
    EXPECT_NEAR(heard.units[0].coded_qp.value_or(0), 31.25, 0.01);
    EXPECT_EQ(heard.units[0].camera_number, 7U);
}

TEST(TsReader,
     row_0_26_with_one_packet_in_a_hundred_gone_it_never_stalls_and_is_whole_at_the_next_key_frame) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::aac);
    const Units units = film(tracks, 0, 60'000, 600);
    const std::vector<std::byte> bytes = mux(tracks, units);
    for (const unsigned seed : {1U, 2U, 3U}) {
        std::mt19937 random{seed};
        const Heard heard = hear(without(bytes, [&](std::size_t) { return random() % 100 == 0; }));
        expect_whole(units, heard, samples::pictures_a_group);
        // Of groups of about 16 packets most survive, all through the film.
        EXPECT_GT(heard.of(0).size(), units.size() / 3 / 2);
        EXPECT_GT(heard.of(0).back().dts_ms(), 59'000);
        EXPECT_GT(heard.counters.counter_jumps, 10U);
    }
}

TEST(TsReader, row_0_26_any_one_packet_gone_costs_at_most_one_group) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h265, Codec::opus);
    const Units units = film(tracks, 0, 640, 600);
    const std::vector<std::byte> bytes = mux(tracks, units);
    for (std::size_t lost = 0; lost < bytes.size() / packet_size; ++lost) {
        const Heard heard = hear(without(bytes, [lost](std::size_t i) { return i == lost; }));
        expect_whole(units, heard, samples::pictures_a_group);
        // Without the first tables nothing is known until the next.
        const std::size_t cost = samples::pictures_a_group + (lost < 2 ? 2 * samples::pictures_a_group : 1);
        EXPECT_GE(heard.units.size() + cost, units.size()) << lost;
    }
}

TEST(TsReader, case_39_lost_sync_is_found_again) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::mp3);
    const Units units = film(tracks, 0, 640, 600);
    const std::vector<std::byte> bytes = mux(tracks, units);
    for (std::size_t at = 0; at < bytes.size(); at += 47) {
        std::vector<std::byte> damaged = bytes;
        const std::vector<std::byte> noise(300 + at % 7, static_cast<std::byte>(at % 3 == 0 ? 0x47 : at));
        damaged.insert(damaged.begin() + static_cast<std::ptrdiff_t>(at), noise.begin(), noise.end());
        const Heard heard = hear(damaged);
        if (at % packet_size == 0) {   // else a packet ends in noise, and nothing in it says so
            expect_whole(units, heard, samples::pictures_a_group);
        }
        EXPECT_GE(heard.units.size() + 4 * samples::pictures_a_group, units.size());
    }
}

TEST(TsReader, case_39_a_picture_without_end_is_given_up_and_the_next_key_frame_read) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    const std::vector<std::byte> begin = mux(tracks, film(tracks, 0, 80));
    std::vector<std::byte> endless(20U << 20U, std::byte{0x55});
    const PesHeader header{{.pts = 100'000, .dts = 100'000, .payload_size = endless.size()}};
    std::ranges::copy(header.span(), endless.begin());
    std::uint8_t counter = 2;
    std::vector<std::byte> bytes = begin;
    samples::append(bytes, unit_packets({.pid = 0x100}, endless, counter));
    samples::append(bytes, mux(tracks, film(tracks, 1000, 160)));
    const Heard heard = hear(bytes);
    EXPECT_EQ(heard.units.size(), 2U + 4U);
    EXPECT_EQ(heard.counters.units_damaged, 1U);
}

TEST(TsReader, case_39_tables_that_point_at_each_other_do_no_harm) {
    for (const Pid map_pid : {Pid{0x0000}, Pid{0x0011}, Pid{0x1FFF}, Pid{0x100}}) {
        std::uint8_t counter = 0;
        const ProgrammeMap map{.clock_pid = 0x100,
                               .streams = {{0x1B, map_pid, {}}, {0x1B, pat_pid, {}}, {0x1B, 0x100, {}}}};
        std::vector<std::byte> bytes;
        for (int i = 0; i < 10; ++i) {
            samples::append(bytes, tables(map, counter, map_pid));
        }
        EXPECT_TRUE(hear(bytes).announced.empty());
    }
}

TEST(TsReader, case_39_a_storm_of_map_versions_keeps_the_streams) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    const Units units = film(tracks, 0, 1600);
    const std::vector<std::byte> film_bytes = mux(tracks, units);
    std::vector<std::byte> bytes;
    std::uint8_t counter = 9;
    ProgrammeMap map{.clock_pid = 0x100, .streams = {{0x1B, 0x100, {}}}};
    for (std::size_t at = 0; at < film_bytes.size(); at += packet_size) {
        for (int i = 0; i < 50; ++i) {
            map.version = (map.version + 1U) & 0x1FU;
            samples::append(bytes, tables(map, counter));
        }
        samples::append(bytes, ByteSpan{film_bytes}.subspan(at, packet_size));
    }
    const Heard heard = hear(bytes);
    EXPECT_EQ(heard.announced.size(), 1U);
    EXPECT_EQ(heard.units.size(), units.size());
}

TEST(TsReader, case_39_at_most_so_many_streams_of_8192_pids) {
    std::uint8_t counter = 0;
    ProgrammeMap map{.clock_pid = 0x100, .streams = {}};
    for (Pid pid = 0x100; pid < 0x120; ++pid) {
        map.streams.push_back({0x1B, pid, {}});
    }
    std::vector<std::byte> bytes = tables(map, counter);
    const std::vector<std::byte> payload(150, std::byte{0x55});
    for (unsigned pid = first_free_pid; pid < 0x2000; ++pid) {
        std::uint8_t own = 3;
        samples::append(bytes, unit_packets({.pid = static_cast<Pid>(pid)}, payload, own));
    }
    const Heard heard = hear(bytes);
    ASSERT_EQ(heard.announced.size(), 1U);
    EXPECT_EQ(heard.announced[0].tracks.size(), streams_max);
    EXPECT_TRUE(heard.units.empty());
}

TEST(TsReader, case_39_a_presentation_time_more_than_10_s_after_decoding_is_not_believed) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    Units units = film(tracks, 0, 160);
    units[1].pts = units[1].dts + 11 * clock_rate;
    units[2].pts = units[2].dts - 1;
    const Heard heard = hear(mux(tracks, units));
    ASSERT_EQ(heard.units.size(), 4U);
    EXPECT_EQ(heard.units[1].pts, heard.units[1].dts);
    EXPECT_EQ(heard.units[2].pts, heard.units[2].dts);
    EXPECT_EQ(heard.counters.times_refused, 2U);
}

TEST(TsReader, a_packet_that_comes_twice_counts_once) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h264, Codec::aac);
    const Units units = film(tracks, 0, 320, 500);
    const std::vector<std::byte> bytes = mux(tracks, units);
    std::vector<std::byte> twice;
    for (std::size_t at = 0; at < bytes.size(); at += packet_size) {
        samples::append(twice, ByteSpan{bytes}.subspan(at, packet_size));
        samples::append(twice, ByteSpan{bytes}.subspan(at, packet_size));
    }
    expect_same(hear(bytes), hear(twice));
}

TEST(TsReader, frames_of_audio_that_go_on_in_the_next_packet_keep_their_times) {
    const media::Track track = flv::samples::track(Codec::aac);
    std::vector<std::byte> stream;
    std::vector<std::size_t> begins;
    for (std::size_t i = 0; i < 40; ++i) {
        media::AccessUnit unit = samples::unit(track, i, 0);
        begins.push_back(stream.size());
        (void)append_prefix(stream, unit, false);
        samples::append(stream, unit.payload);
    }
    std::uint8_t counter = 0;
    const ProgrammeMap map{.clock_pid = 0x101, .streams = {{0x0F, 0x101, {}}}};
    std::vector<std::byte> bytes = tables(map, counter);
    counter = 0;
    constexpr std::size_t cut = 53;
    for (std::size_t at = 0; at < stream.size(); at += cut) {
        const ByteSpan part = ByteSpan{stream}.subspan(at, std::min(cut, stream.size() - at));
        // Of the first frame that begins in the packet.
        const auto frame = std::ranges::lower_bound(begins, at) - begins.begin();
        const std::int64_t pts = media::rescale_nearest(frame * 1024, 44'100, clock_rate);
        const PesHeader header{{.stream_id = 0xC0, .pts = pts, .dts = pts, .payload_size = part.size()}};
        std::vector<std::byte> pes(header.span().begin(), header.span().end());
        samples::append(pes, part);
        samples::append(bytes, unit_packets({.pid = 0x101}, pes, counter));
    }
    const Heard heard = hear(bytes);
    ASSERT_EQ(heard.units.size(), 40U);
    for (std::size_t i = 0; i < heard.units.size(); ++i) {
        EXPECT_EQ(heard.units[i].dts, static_cast<std::int64_t>(i) * 1024);
        EXPECT_EQ(heard.units[i].payload, samples::unit(track, i, 0).payload);
    }
}

TEST(TsReader, a_stream_without_key_frames_is_given_after_a_while) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    Units units = film(tracks, 0, 14'000);
    const std::vector<std::byte> first = mux(tracks, {units[0]});
    std::erase_if(units, [](const media::AccessUnit& unit) { return unit.key; });
    std::vector<std::byte> bytes = first;
    // The counter jumps here: what follows is damaged for want of a key frame.
    samples::append(bytes, without(mux(tracks, units), [](std::size_t i) { return i == 3 || i == 4; }));
    const Heard heard = hear(bytes);
    EXPECT_GT(heard.units.size(), 2U);
    EXPECT_GT(heard.counters.units_skipped, 100U);
    EXPECT_LT(heard.counters.units_skipped, 200U);
}

TEST(TsReader, any_damaged_byte_does_no_harm) {
    const std::vector<media::Track> tracks = tracks_of(Codec::h265, Codec::opus);
    const std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 160, 100));
    std::mt19937 random{7};
    for (int i = 0; i < 1000; ++i) {
        std::vector<std::byte> damaged = bytes;
        for (unsigned flips = random() % 8; flips != ~0U; --flips) {
            damaged[random() % damaged.size()] ^= static_cast<std::byte>(1U << random() % 8);
        }
        (void)hear(damaged);
    }
}

/// A PES packet of private data at that time, as packets of a PID.
std::vector<std::byte> private_pes(Pid pid, std::int64_t pts, std::string_view payload,
                                   std::uint8_t& counter) {
    const PesHeader header{
        {.stream_id = private_stream_id, .pts = pts, .dts = pts, .payload_size = payload.size()}};
    std::vector<std::byte> pes{header.span().begin(), header.span().end()};
    samples::append(pes, as_bytes(payload));
    return unit_packets({.pid = pid}, pes, counter);
}

std::vector<std::byte> bytes_of(std::string_view text) {
    return {as_bytes(text).begin(), as_bytes(text).end()};
}

TEST(TsReader, klv_comes_out_of_its_cells_and_without_them) {
    constexpr std::uint8_t metadata = 0x15;
    constexpr std::uint8_t private_data = 0x06;
    // metadata_descriptor (0x26) of format KLVA; registration (0x05) KLVA.
    const std::string described("\x26\x09\x01\x00\xFFKLVA\x00\x0F", 11);
    const std::string registered("\x05\x04KLVA", 6);
    for (const bool in_cells : {true, false}) {
        std::uint8_t table_counter = 0;
        std::uint8_t counter = 0;
        const auto h264 = static_cast<std::uint8_t>(StreamType::h264);
        std::vector<std::byte> stream = tables({.streams = {{h264, 0x100, {}},
                                                            {in_cells ? metadata : private_data, 0x101,
                                                             bytes_of(in_cells ? described : registered)}}},
                                               table_counter);
        const std::string cells("\0\1\xDF\0\3abc\0\2\xDF\0\1d", 14);
        samples::append(stream, private_pes(0x101, 90'000, in_cells ? cells : "abc", counter));
        samples::append(stream, private_pes(0x101, 93'600, in_cells ? cells.substr(0, 7) : "d", counter));
        const Heard heard = hear(stream);
        ASSERT_EQ(heard.announced.size(), 1U);
        EXPECT_EQ(heard.announced[0].tracks.size(), 1U);
        EXPECT_TRUE(heard.announced[0].klv);
        ASSERT_EQ(heard.messages.size(), 2U);
        EXPECT_EQ(as_text(heard.messages[0].body), "abc");
        EXPECT_EQ(as_text(heard.messages[1].body), "d");
        EXPECT_EQ(heard.messages[0].source_pts, 90'000);
        EXPECT_EQ(heard.messages[1].source_pts, in_cells ? 90'000 : 93'600);
        EXPECT_EQ(heard.counters.units_refused, in_cells ? 1U : 0U) << "a cell that is cut";
    }
}

}   // namespace
}   // namespace millrace::ts
