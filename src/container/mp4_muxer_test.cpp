#include "container/mp4_muxer.hpp"

#include "container/mp4_samples.hpp"

#include <gtest/gtest.h>

namespace millrace::mp4 {
namespace {

using media::Codec;

/// A muxer as a derived feed drives it, and what a viewer that was there from the start got.
class Viewing {
public:
    explicit Viewing(Period period) : muxer_{period} {}

    bool configure(std::span<const media::Track> tracks) {
        if (!begun_) {
            lead_ = muxer_.lead(tracks);
            begun_ = true;
        }
        return muxer_.configure(tracks, log_, {});
    }
    void write(std::span<const media::AccessUnit> units) {
        for (const media::AccessUnit& unit : units) {
            muxer_.write(unit, log_, {});
        }
    }
    std::vector<std::byte> file() { return samples::joined({lead_, samples::bytes_of(log_)}); }
    Muxer& muxer() { return muxer_; }
    BlockLog& log() { return log_; }

private:
    Muxer muxer_;
    BlockLog log_;
    Bytes lead_;
    bool begun_ = false;
};

media::Track with_config(media::Track track, auto change) {
    media::TrackConfig config = *track.config;
    change(config);
    track.config = std::make_shared<const media::TrackConfig>(std::move(config));
    return track;
}

/// The same pictures under parameter sets of other bytes: a second PPS that nothing uses.
media::Track resized(const media::Track& track) {
    return with_config(track, [](media::TrackConfig& config) {
        std::vector<std::byte> pps = flv::samples::from_hex(flv::samples::h264_pps);
        pps = flv::samples::from_hex("68 5b e3 cb 22 c0");
        config.pps.push_back(Bytes{std::move(pps)});
    });
}

void expect_same(std::span<const media::AccessUnit> came, std::span<const media::AccessUnit> sent) {
    ASSERT_EQ(came.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(came[i].payload, sent[i].payload) << i;
        EXPECT_EQ(came[i].dts, sent[i].dts) << i;
        EXPECT_EQ(came[i].pts, sent[i].pts) << i;
        EXPECT_EQ(came[i].key, sent[i].key) << i;
        EXPECT_TRUE(came[i].config->same_coding(*sent[i].config)) << i;
    }
}

TEST(Mp4Muxer, row_2_14_every_codec_comes_back_with_its_bytes_and_times) {
    for (const Period period : {Period::ends, Period::restarts}) {
        for (const Codec codec :
             {Codec::h264, Codec::h265, Codec::av1, Codec::aac, Codec::opus, Codec::mp3}) {
            // The last age is beyond 32 bits of any clock.
            for (const std::int64_t start_ms : {0LL, 18'000'000LL, 0x7'0000'0000LL}) {
                const media::Track track = samples::track(codec);
                const std::vector<media::AccessUnit> sent = samples::units(track, start_ms);
                Viewing viewing{period};
                ASSERT_TRUE(viewing.configure({&track, 1}));
                viewing.write(sent);
                const samples::Read read = samples::read_file(viewing.file());
                EXPECT_EQ(read.error, "") << media::name(codec);
                EXPECT_EQ(read.refused, 0U);
                expect_same(read.units, sent);
            }
        }
    }
}

TEST(Mp4Muxer, a_frame_is_a_fragment_and_a_message) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    Viewing viewing{Period::restarts};
    viewing.configure(tracks);
    viewing.write(samples::units(tracks[0], 0));
    viewing.write(samples::units(tracks[1], 0));
    const LogChange change = viewing.log().take_change();
    EXPECT_EQ(change.messages.size(), 7U);
    LogView view;
    view.apply(change);
    std::uint64_t from = 0;
    std::uint32_t sequence = 0;
    for (const MessageEnd& message : change.messages) {
        std::vector<std::byte> bytes;
        std::array<ByteSpan, 8> slices;
        const std::size_t count = view.gather(from, message.offset, slices);
        for (const ByteSpan slice : std::span{slices}.first(count)) {
            bytes.insert(bytes.end(), slice.begin(), slice.end());
        }
        EXPECT_EQ(samples::tree(bytes), "moof(mfhd traf(tfhd tfdt trun)) mdat");
        ByteReader mfhd{samples::find(bytes, four_cc("mfhd"))};
        mfhd.skip(4);
        EXPECT_EQ(mfhd.u32(), ++sequence);
        from = message.offset;
    }
}

TEST(Mp4Muxer, a_duration_is_the_last_known_one) {
    const media::Track track =
        with_config(samples::track(Codec::h264), [](media::TrackConfig& config) { config.frame_rate = 50; });
    std::vector<media::AccessUnit> units = samples::units(track, 0);
    units[1].dts = 3'000;
    units[2].dts = 90'000'000;
    units[2].discontinuity = true;
    units[3].dts = units[2].dts + 6'000;
    for (media::AccessUnit& unit : units) {
        unit.pts = unit.dts;
        unit.config = track.config;
    }
    Viewing viewing{Period::ends};
    viewing.configure({&track, 1});
    viewing.write(units);
    const samples::Read read = samples::read_file(viewing.file());
    ASSERT_EQ(read.units.size(), 4U);
    constexpr std::int64_t expected[] = {1'800, 3'000, 3'000, 6'000};
    for (std::size_t i = 0; i < 4; ++i) {
        EXPECT_EQ(read.units[i].duration, expected[i]) << i;
        EXPECT_EQ(read.units[i].dts, units[i].dts);
    }
}

TEST(Mp4Muxer, case_f20_a_new_picture_size_goes_on_in_band) {
    const media::Track before = samples::track(Codec::h264);
    const media::Track after = resized(before);
    Viewing viewing{Period::ends};
    viewing.configure({&before, 1});
    std::vector<media::AccessUnit> sent = samples::units(before, 0);
    viewing.write(sent);
    ASSERT_TRUE(viewing.configure({&after, 1}));
    const std::vector<media::AccessUnit> more = samples::units(after, 160);
    viewing.write(more);
    sent.insert(sent.end(), more.begin(), more.end());
    const samples::Read read = samples::read_file(viewing.file());
    EXPECT_EQ(read.opened.size(), 1U);
    expect_same(read.units, sent);
}

TEST(Mp4Muxer, case_f20_what_players_cannot_take_in_band_ends_the_period) {
    const media::Track video = samples::track(Codec::h264);
    const media::Track audio = samples::track(Codec::aac);
    const media::Track both[] = {video, audio};
    const media::Track other_codec[] = {samples::track(Codec::h265), audio};
    const media::Track other_rate[] = {video, with_config(audio, [](media::TrackConfig& config) {
                                           config.extra = Bytes{flv::samples::from_hex("1190")};
                                           config.timescale = config.sample_rate = 48'000;
                                       })};
    const media::Track other_number[] = {video, with_config(audio, [](media::TrackConfig&) {})};
    for (const std::span<const media::Track> after :
         {std::span<const media::Track>{other_codec}, std::span<const media::Track>{other_rate},
          std::span<const media::Track>{other_number, 1}}) {
        Viewing viewing{Period::ends};
        ASSERT_TRUE(viewing.configure(both));
        EXPECT_FALSE(viewing.configure(after));
    }
    Viewing same{Period::ends};
    ASSERT_TRUE(same.configure(both));
    EXPECT_TRUE(same.configure(other_number));   // another object, the same coding
}

TEST(Mp4Muxer, case_f20_media_source_gets_a_new_init_segment_for_every_change) {
    const media::Track before[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    const media::Track after[] = {samples::track(Codec::h265), samples::track(Codec::opus)};
    Viewing viewing{Period::restarts};
    viewing.configure(before);
    std::vector<media::AccessUnit> sent = samples::units(before[0], 0);
    viewing.write(sent);
    const Bytes first = viewing.muxer().resume();
    EXPECT_EQ(first, viewing.muxer().lead(before));
    ASSERT_TRUE(viewing.configure(after));
    EXPECT_NE(viewing.muxer().resume(), first);
    const std::vector<media::AccessUnit> more = samples::units(after[0], 160);
    viewing.write(more);
    viewing.write(samples::units(samples::track(Codec::h264), 320));   // a codec no longer told
    sent.insert(sent.end(), more.begin(), more.end());
    const samples::Read read = samples::read_file(viewing.file());
    ASSERT_EQ(read.opened.size(), 2U);
    EXPECT_EQ(read.opened[1].tracks[1].config->codec, Codec::opus);
    expect_same(read.units, sent);
}

TEST(Mp4Muxer, a_configuration_said_twice_is_written_once) {
    const media::Track track = samples::track(Codec::h264);
    Viewing viewing{Period::restarts};
    viewing.configure({&track, 1});
    viewing.configure({&track, 1});
    EXPECT_FALSE(viewing.log().has_change());
}

TEST(Mp4Muxer, plain_http_has_nothing_to_say_to_a_reader_that_skipped) {
    const media::Track track = samples::track(Codec::h264);
    Viewing viewing{Period::ends};
    viewing.configure({&track, 1});
    EXPECT_TRUE(viewing.muxer().resume().empty());
}

TEST(Mp4Muxer, row_4_13_the_publishers_end_is_said_and_the_next_one_goes_on) {
    const media::Track track = flv::samples::track(Codec::h264);
    const std::vector<media::AccessUnit> units = flv::samples::units(track, 0);
    Viewing viewing{Period::ends};
    ASSERT_TRUE(viewing.configure({&track, 1}));
    viewing.write(units);
    viewing.muxer().unpublished(viewing.log(), {});
    ASSERT_TRUE(viewing.configure({&track, 1}));
    viewing.write(units);
    const std::vector<std::byte> file = viewing.file();
    ByteSpan input = file;
    Reader reader;
    std::string said;
    for (;;) {
        const Result<std::optional<Item>> item = reader.next(input);
        ASSERT_TRUE(item) << reader.failed_in();
        if (!*item) {
            break;
        }
        said += "ouE"[(*item)->index()];
    }
    EXPECT_EQ(said, "o" + std::string(units.size(), 'u') + "E" + std::string(units.size(), 'u'));
}

TEST(Mp4Muxer, the_capture_time_is_said_once_a_second) {
    const media::Track track = samples::track(Codec::h264);
    std::vector<media::AccessUnit> sent;
    for (std::int64_t i = 0; i < 76; ++i) {
        media::AccessUnit unit = samples::units(track, i * 40).front();
        unit.capture = {.utc = {1'763'646'000'000'000 + i * 40'000},
                        .label = media::CaptureTime::Label::capture};
        sent.push_back(std::move(unit));
    }
    Viewing viewing{Period::ends};
    viewing.configure({&track, 1});
    viewing.write(sent);
    const std::vector<std::byte> file = viewing.file();
    const std::string boxes = samples::tree(file);
    std::size_t times = 0;
    for (std::size_t at = boxes.find("prft"); at != std::string::npos; at = boxes.find("prft", at + 1)) {
        ++times;
    }
    EXPECT_EQ(times, 4U);
    const samples::Read read = samples::read_file(file);
    ASSERT_EQ(read.units.size(), sent.size());
    for (std::size_t i = 0; i < sent.size(); ++i) {
        EXPECT_EQ(read.units[i].capture.utc, sent[i].capture.utc) << i;
        EXPECT_EQ(read.units[i].capture.label, media::CaptureTime::Label::capture);
    }
}

TEST(Mp4Muxer, row_0_28_results_are_event_messages_between_the_fragments) {
    const std::vector tracks{flv::samples::track(Codec::h264)};
    Viewing viewing{Period::ends};
    ASSERT_TRUE(viewing.configure(tracks));
    media::TimedMessage message = *media::read_message(R"({"n":1})");
    message.pts = 0x0102030405;
    message.capture = {1'763'647'772'123'456};
    viewing.muxer().message(message, viewing.log(), {});
    const std::vector<std::byte> box = samples::bytes_of(viewing.log());
    const std::string wanted = std::string(
                                   "\0\0\0\x57"
                                   "emsg\x01\0\0\0\0\x01\x5F\x90\0\0\0\x01\x02\x03\x04\x05"
                                   "\0\0\0\0\0\0\0\x01",
                                   32) +
                               std::string(
                                   "urn:millrace:result\0"
                                   "2025-11-20T14:09:32.123456Z\0",
                                   48) +
                               R"({"n":1})";
    EXPECT_EQ(as_text(box), wanted);
}

}   // namespace
}   // namespace millrace::mp4
