#include "container/ts_muxer.hpp"

#include "container/ts_samples.hpp"
#include "container/ts_sections.hpp"
#include "media/opus.hpp"

#include <gtest/gtest.h>

namespace millrace::ts {
namespace {

using media::Codec;
using samples::film;
using samples::hear;
using samples::Heard;
using samples::mux;
using samples::Units;

constexpr std::int64_t millisecond = clock_rate / 1000;

void expect_equal(const Units& said, const Units& heard) {
    ASSERT_EQ(said.size(), heard.size());
    for (std::size_t i = 0; i < said.size(); ++i) {
        SCOPED_TRACE(i);
        EXPECT_EQ(said[i].payload, heard[i].payload);
        EXPECT_EQ(said[i].dts, samples::run_time(heard[i], heard[i].dts));
        EXPECT_EQ(said[i].pts, samples::run_time(heard[i], heard[i].pts));
        EXPECT_EQ(said[i].key, heard[i].key);
        EXPECT_FALSE(heard[i].discontinuity);
    }
}

Units of(const Units& units, media::TrackId track) {
    Units some;
    std::ranges::copy_if(units, std::back_inserter(some),
                         [track](const media::AccessUnit& unit) { return unit.track == track; });
    return some;
}

std::vector<std::int64_t> clocks(ByteSpan bytes) {
    std::vector<std::int64_t> values;
    for (const Packet& packet : samples::packets_of(bytes)) {
        if (packet.pcr) {
            values.push_back(*packet.pcr);
        }
    }
    return values;
}

std::int64_t longest_step(const std::vector<std::int64_t>& clocks) {
    std::int64_t longest = 0;
    for (std::size_t i = 1; i < clocks.size(); ++i) {
        const std::int64_t step = (clocks[i] - clocks[i - 1] + clock_wrap) % clock_wrap;
        EXPECT_GT(step, 0);
        longest = std::max(longest, step);
    }
    return longest;
}

TEST(TsMuxer, each_codec_comes_back_as_it_went_in) {
    for (const Codec video : {Codec::h264, Codec::h265}) {
        for (const Codec audio : {Codec::aac, Codec::mp3, Codec::opus}) {
            SCOPED_TRACE(std::string{media::name(video)} + " " + std::string{media::name(audio)});
            const std::vector tracks{flv::samples::track(video), flv::samples::track(audio)};
            const Units units = film(tracks, 5000, 800, 700);
            const Heard heard = hear(mux(tracks, units));
            expect_equal(of(units, 0), heard.of(0));
            expect_equal(of(units, 1), heard.of(1));
            ASSERT_EQ(heard.announced.size(), 1U);
            EXPECT_EQ(heard.announced[0].tracks.size(), 2U);
            for (const media::AccessUnit& unit : heard.units) {
                const media::TrackConfig& said = *tracks[unit.track].config;
                // The map has no place for the rate of Opus's original, nor for its pre-skip.
                EXPECT_TRUE(said.codec == Codec::opus || said.same_coding(*unit.config));
                EXPECT_EQ(said.channels, unit.config->channels);
                EXPECT_EQ(said.codec_string, unit.config->codec_string);
            }
            EXPECT_EQ(heard.counters.counter_jumps + heard.counters.units_refused +
                          heard.counters.units_skipped + heard.counters.sections_refused,
                      0U);
        }
    }
}

TEST(TsMuxer, a_picture_larger_than_a_pes_length_can_say_comes_back) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    const Units units = film(tracks, 0, 320, 200'000);
    expect_equal(units, hear(mux(tracks, units)).units);
}

TEST(TsMuxer, case_39_the_clocks_of_33_bits_wrap_seamlessly) {
    const std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    const std::int64_t wrap_ms = clock_wrap / millisecond;
    const Units units = film(tracks, wrap_ms - 2000, 3000);
    const std::vector<std::byte> bytes = mux(tracks, units);
    const Heard heard = hear(bytes);
    expect_equal(of(units, 0), heard.of(0));
    expect_equal(of(units, 1), heard.of(1));
    EXPECT_LE(longest_step(clocks(bytes)), clock_interval_max);
}

TEST(TsMuxer, row_0_25_the_clock_comes_every_40_ms_for_every_rate_of_pictures) {
    const media::Track video = flv::samples::track(Codec::h264);
    const media::Track audio = flv::samples::track(Codec::aac);
    for (const std::int64_t step_ms : {8, 33, 40, 41, 100, 1000, 5000}) {
        for (const bool with_audio : {false, true}) {
            SCOPED_TRACE(step_ms);
            Units units;
            for (std::int64_t ms = 0; ms < 10 * step_ms; ++ms) {
                if (ms % step_ms == 0) {
                    media::AccessUnit picture = samples::unit(video, 0, ms);
                    picture.pts = picture.dts;
                    units.push_back(std::move(picture));
                }
                if (with_audio && ms % 20 == 0) {
                    units.push_back(samples::unit(audio, 0, ms));
                }
            }
            const std::vector<std::byte> bytes = mux({video, audio}, units);
            EXPECT_LE(longest_step(clocks(bytes)), clock_interval_max);
            EXPECT_EQ(hear(bytes).units.size(), units.size());
        }
    }
}

TEST(TsMuxer, audio_alone_has_clock_and_tables) {
    for (const Codec codec : {Codec::aac, Codec::mp3, Codec::opus}) {
        const std::vector tracks{flv::samples::track(codec)};
        const Units units = film(tracks, 0, 3000);
        const std::vector<std::byte> bytes = mux(tracks, units);
        expect_equal(units, hear(bytes).units);
        EXPECT_LE(longest_step(clocks(bytes)), clock_interval_max);
        std::int64_t last = 0;
        std::int64_t now = 0;
        for (const Packet& packet : samples::packets_of(bytes)) {
            now = packet.pcr.value_or(now);
            if (packet.pid == pat_pid) {
                EXPECT_LE(now - last, std::max(500 * millisecond, time_offset));
                last = now;
            }
        }
        EXPECT_LE(now - last, 500 * millisecond);
    }
}

TEST(TsMuxer, the_clock_is_never_negative_and_leads_by_a_fixed_time) {
    const std::vector tracks{flv::samples::track(Codec::h265), flv::samples::track(Codec::aac)};
    const Units units = film(tracks, 0, 2000);
    const std::vector<std::byte> bytes = mux(tracks, units);
    EXPECT_EQ(clocks(bytes).front(), time_offset - clock_lead);
    EXPECT_EQ(clocks(bytes).back(), units[units.size() - 3].dts + time_offset - clock_lead);
}

TEST(TsMuxer, audio_ahead_of_video_does_not_turn_the_clock_back) {
    const media::Track video = flv::samples::track(Codec::h264);
    const media::Track audio = flv::samples::track(Codec::aac);
    for (const std::int64_t ahead_ms : {100, 400, 1500}) {
        Units units;
        for (std::int64_t ms = 0; ms < 10'000; ms += 40) {
            units.push_back(samples::unit(video, static_cast<std::size_t>(ms / 40), 0));
            units.push_back(samples::unit(audio, 0, ms + ahead_ms));
            units.push_back(samples::unit(audio, 0, ms + ahead_ms + 20));
        }
        const std::vector<std::byte> bytes = mux({video, audio}, units);
        EXPECT_LE(longest_step(clocks(bytes)), clock_interval_max) << ahead_ms;
        // Soon no picture is to be decoded before the clock says so.
        const Heard heard = hear(bytes);
        std::int64_t lead = clock_wrap;
        std::int64_t now = 0;
        std::size_t picture = 0;
        for (const Packet& packet : samples::packets_of(bytes)) {
            now = packet.pcr.value_or(now);
            if (packet.pid == 0x100 && packet.starts && ++picture > 125) {
                lead = std::min(lead, units[3 * (picture - 1)].dts + time_offset - now);
            }
        }
        EXPECT_GE(lead, 0) << ahead_ms;
        EXPECT_EQ(heard.units.size(), units.size());
    }
}

TEST(TsMuxer, row_0_26_the_service_has_the_streams_name) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    const std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 40));
    EXPECT_NE(as_text(bytes).find("\x08Millrace\x08live/cam"), std::string_view::npos);
}

TEST(TsMuxer, row_4_13_a_publishers_end_is_said_by_the_service_that_does_not_run) {
    const std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    const Units first = film(tracks, 0, 400);
    const Units second = film(tracks, 2000, 400);
    Muxer muxer{"live/cam"};
    BlockLog log;
    muxer.configure(tracks, log, {});
    muxer.unpublished(log, {});
    EXPECT_EQ(log.head(), 0U) << "nothing was there to stop";
    std::vector<std::byte> bytes;
    for (const Units* units : {&first, &second}) {
        BlockLog fresh;
        for (const media::AccessUnit& unit : *units) {
            muxer.write(unit, fresh, {});
        }
        const std::size_t before = fresh.head();
        muxer.unpublished(fresh, {});
        EXPECT_EQ(fresh.head(), before + packet_size);
        muxer.end(fresh, {});
        EXPECT_EQ(fresh.head(), before + packet_size) << "it is said once";
        samples::append(bytes, flv::samples::bytes_of(fresh));
    }
    for (const std::size_t piece : {std::size_t{7}, packet_size, bytes.size()}) {
        const Heard heard = hear(bytes, piece);
        EXPECT_EQ(heard.stops, (std::vector{first.size(), first.size() + second.size()}));
        EXPECT_EQ(heard.units.size(), first.size() + second.size());
        EXPECT_EQ(heard.announced.size(), 1U) << "the programme is the same";
        EXPECT_EQ(heard.counters.counter_jumps + heard.counters.sections_refused, 0U);
    }
}

TEST(TsReader, a_service_that_never_ran_does_not_stop) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 400));
    Muxer muxer{"live/cam"};
    std::vector<std::byte> without;
    for (std::size_t at = 0; at < bytes.size(); at += packet_size) {
        const ByteSpan packet = ByteSpan{bytes}.subspan(at, packet_size);
        if (flv::samples::sound(read_packet(packet)).pid != sdt_pid) {
            samples::append(without, packet);
        }
    }
    std::vector<std::byte> payload{std::byte{0}};
    samples::append(payload, write_sdt({.running = false, .provider = "p", .name = "n"}));
    payload.resize(packet_payload_max, std::byte{0xFF});
    std::uint8_t counter = 0;
    PacketWriter{without, counter, {.pid = sdt_pid}, payload.size()}.put(payload);
    EXPECT_TRUE(hear(without).stops.empty());
}

TEST(TsMuxer, each_key_frame_begins_with_tables_delimiter_and_parameter_sets) {
    struct Case {
        Codec codec;
        std::string_view head;
    };
    const std::string h264 =
        "00000001"
        "0910"
        "00000001" +
        std::string{flv::samples::h264_sps} + "00000001" + std::string{flv::samples::h264_pps} + "00000001";
    const std::string h265 =
        "00000001"
        "460110"
        "00000001" +
        std::string{flv::samples::h265_vps} + "00000001" + std::string{flv::samples::h265_sps} + "00000001" +
        std::string{flv::samples::h265_pps} + "00000001";
    for (const Case& c : {Case{Codec::h264, h264}, Case{Codec::h265, h265}}) {
        const std::vector tracks{flv::samples::track(c.codec)};
        Muxer muxer{"live/cam"};
        BlockLog log;
        muxer.configure(tracks, log, {});
        for (std::size_t i = 0; i < 8; ++i) {
            BlockLog fresh;
            muxer.write(samples::unit(tracks[0], i, 0), fresh, {});
            const std::vector<std::byte> message = flv::samples::bytes_of(fresh);
            const std::vector<Packet> packets = samples::packets_of(message);
            const bool key = i % samples::pictures_a_group == 0;
            EXPECT_EQ(packets[0].pid, key ? pat_pid : 0x100) << i;
            const bool has_tables =
                packets.size() > 3 && packets[1].pid == 0x1000 && packets[2].pid == sdt_pid;
            EXPECT_EQ(has_tables, key) << i;
            EXPECT_TRUE(muxer.resume().empty());
        }
        const std::vector<std::byte> bytes = mux(tracks, film(tracks, 0, 80));
        const std::vector<Packet> packets = samples::packets_of(bytes);
        EXPECT_TRUE(packets[3].random_access && packets[3].pcr && packets[3].starts);
        const auto head = flv::samples::from_hex(c.head);
        EXPECT_NE(as_text(packets[3].payload).find(as_text(head)), std::string_view::npos);
    }
}

TEST(TsMuxer, a_changed_configuration_is_another_version_of_the_map) {
    std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    Units units = film(tracks, 0, 320);
    media::Track other = flv::samples::track(Codec::h265);
    const Units after = film(std::vector{other, tracks[1]}, 320, 320);
    units.insert(units.end(), after.begin(), after.end());
    const std::vector<std::byte> bytes = mux(tracks, units);
    const Heard heard = hear(bytes);
    expect_equal(of(units, 0), heard.of(0));
    expect_equal(of(units, 1), heard.of(1));
    ASSERT_EQ(heard.announced.size(), 2U);
    EXPECT_EQ(heard.counters.counter_jumps, 0U);
    std::vector<unsigned> versions;
    SectionGatherer gatherer;
    for (const Packet& packet : samples::packets_of(bytes)) {
        for (const Bytes& section : packet.pid == 0x1000 ? gatherer.take(packet) : std::vector<Bytes>{}) {
            const ProgrammeMap map = flv::samples::sound(read_pmt(section));
            if (versions.empty() || versions.back() != map.version) {
                versions.push_back(map.version);
            }
        }
    }
    EXPECT_EQ(versions, (std::vector<unsigned>{0, 1}));
}

TEST(TsMuxer, a_unit_of_another_kind_than_its_track_is_left_out) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    media::Track sound = flv::samples::track(Codec::aac);
    sound.id = tracks[0].id;
    Muxer muxer{"live/cam"};
    BlockLog log;
    muxer.configure(tracks, log, {});
    media::AccessUnit unit = samples::unit(sound, 0, 0);
    unit.payload = Bytes{std::vector<std::byte>(6)};   // no NAL units: the second length would be cut short
    const std::uint64_t before = log.take_change().head;
    muxer.write(unit, log, {});
    EXPECT_EQ(log.take_change().head, before);
}

TEST(TsMuxer, a_marked_discontinuity_is_said_with_the_clock) {
    const std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    Units units = film(tracks, 0, 320);
    Units after = film(tracks, 60'000, 320);
    after[0].discontinuity = after[1].discontinuity = true;
    units.insert(units.end(), after.begin(), after.end());
    const Heard heard = hear(mux(tracks, units));
    ASSERT_EQ(heard.units.size(), units.size());
    std::vector<std::int64_t> marked;
    for (const media::AccessUnit& unit : heard.units) {
        if (unit.discontinuity) {
            marked.push_back(unit.dts_ms());
        }
    }
    EXPECT_EQ(marked, (std::vector<std::int64_t>{61'000, 61'000}));
}

TEST(TsMuxer, a_newcomer_to_audio_hears_the_tables_with_the_counters_before) {
    const std::vector tracks{flv::samples::track(Codec::aac)};
    Muxer muxer{"live/cam"};
    BlockLog log;
    muxer.configure(tracks, log, {});
    std::vector<std::byte> whole;
    for (std::size_t i = 0; i < 50; ++i) {
        if (i == 20) {
            whole.assign(muxer.resume().begin(), muxer.resume().end());
        }
        BlockLog fresh;
        muxer.write(samples::unit(tracks[0], i, 0), fresh, {});
        if (i >= 20) {
            samples::append(whole, flv::samples::bytes_of(fresh));
        }
    }
    const Heard heard = hear(whole);
    EXPECT_EQ(heard.units.size(), 30U);
    EXPECT_EQ(heard.counters.sections_refused, 0U);
}

TEST(TsMuxer, carries_what_it_has_words_for) {
    const Muxer muxer{"cam"};
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::aac, Codec::mp3, Codec::opus}) {
        EXPECT_TRUE(muxer.carries(flv::samples::track(codec)));
    }
    EXPECT_FALSE(muxer.carries(flv::samples::track(Codec::av1)));
    EXPECT_TRUE(muxer.carries({.kind = media::Kind::audio}));
    EXPECT_FALSE(muxer.carries({.kind = media::Kind::data}));
    media::Track six = flv::samples::track(Codec::opus);
    const media::opus::Head head{
        .channels = 6, .mapping_family = 1, .streams = 4, .coupled = 2, .mapping = {0, 4, 1, 2, 3, 5}};
    six.config = std::make_shared<const media::TrackConfig>(
        flv::samples::sound(media::opus::config_from(media::opus::write_head(head))));
    EXPECT_TRUE(muxer.carries(six));
    const std::vector tracks{six};
    const Heard heard = hear(mux(tracks, film(tracks, 0, 100)));
    ASSERT_EQ(heard.units.size(), 5U);
    EXPECT_EQ(heard.units[0].config->channels, 6);
}

/// The payloads and times of the PES packets of one PID.
std::vector<std::pair<std::int64_t, std::string>> pes_of(ByteSpan bytes, Pid pid) {
    std::size_t held = 0;
    PesGatherer gatherer{held};
    std::vector<std::pair<std::int64_t, std::string>> all;
    for (const Packet& packet : samples::packets_of(bytes)) {
        if (packet.pid != pid) {
            continue;
        }
        for (const auto& pes : {gatherer.before(packet), gatherer.take(packet)}) {
            if (pes) {
                all.emplace_back(pes->pts.value_or(-1), as_text(pes->payload));
            }
        }
    }
    return all;
}

TEST(TsMuxer, row_0_28_results_are_id3_tags_with_the_times_of_their_pictures) {
    const std::vector tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    const Units units = film(tracks, 5000, 800, 700);
    Muxer muxer{"live/cam"};
    BlockLog log;
    ASSERT_TRUE(muxer.configure(tracks, log, {}));
    media::TimedMessage message = *media::read_message(R"({"n":1})");
    muxer.message(message, log, {});
    EXPECT_EQ(log.head(), 0U) << "nothing before the first picture";
    for (const media::AccessUnit& unit : units) {
        muxer.write(unit, log, {});
        if (unit.track == 0) {
            message.pts = unit.pts;
            muxer.message(message, log, {});
        }
    }
    LogView view;
    view.apply(log.take_change());
    std::vector<ByteSpan> slices(256);
    std::vector<std::byte> bytes;
    slices.resize(view.gather(0, view.head(), slices));
    for (const ByteSpan slice : slices) {
        bytes.insert(bytes.end(), slice.begin(), slice.end());
    }
    const Units pictures = of(units, 0);
    const auto tags = pes_of(bytes, 0x0200);
    ASSERT_EQ(tags.size(), pictures.size());
    for (std::size_t i = 0; i < tags.size(); ++i) {
        EXPECT_EQ(tags[i].first, pictures[i].pts + time_offset);
        EXPECT_EQ(tags[i].second,
                  std::string("ID3\x04\0\0\0\0\0\x19TXXX\0\0\0\x0F\0\0\x03result\0{\"n\":1}", 35));
    }
    const Heard heard = hear(bytes);
    expect_equal(pictures, heard.of(0));
    expect_equal(of(units, 1), heard.of(1));
    EXPECT_EQ(heard.counters.counter_jumps, 0U);
}

TEST(TsMuxer, klv_goes_through_untouched_with_its_time) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    Muxer muxer{"live/cam"};
    BlockLog log;
    ASSERT_TRUE(muxer.configure(tracks, log, {}));
    media::TimedMessage klv{.kind = media::TimedMessage::Kind::klv};
    std::vector<media::TimedMessage> said;
    for (const media::AccessUnit& unit : film(tracks, 5000, 800, 700)) {
        muxer.write(unit, log, {});
        std::vector<std::byte> body(said.size() * 100 + 1);
        for (std::size_t at = 0; at < body.size(); ++at) {
            body[at] = static_cast<std::byte>(at * 7 + said.size());
        }
        klv.body = Bytes{std::move(body)};
        klv.pts = unit.pts;
        muxer.message(klv, log, {});
        said.push_back(klv);
    }
    const Heard heard = hear(flv::samples::bytes_of(log));
    ASSERT_EQ(heard.messages.size(), said.size());
    for (std::size_t i = 0; i < said.size(); ++i) {
        EXPECT_EQ(heard.messages[i].kind, media::TimedMessage::Kind::klv);
        EXPECT_EQ(heard.messages[i].body, said[i].body) << i;
        EXPECT_EQ(heard.messages[i].source_pts, said[i].pts + time_offset) << i;
    }
    EXPECT_EQ(heard.counters.counter_jumps, 0U);
    EXPECT_EQ(heard.counters.units_refused, 0U);
}

}   // namespace
}   // namespace millrace::ts
