#include "container/flv_muxer.hpp"

#include "container/amf0.hpp"

#include "container/flv_reader.hpp"
#include "container/flv_samples.hpp"

#include <gtest/gtest.h>

#include <cmath>

namespace millrace::flv {
namespace {

using media::Codec;

struct Read {
    std::vector<Tag> tags;
    std::vector<Metadata> metadata;
    std::vector<Configured> configured;
    std::vector<media::AccessUnit> units;
    int ends = 0;
};

Read read_file(ByteSpan file) {
    Splitter splitter;
    TagReader reader;
    Read read;
    while (true) {
        const Result<std::optional<Tag>> tag = splitter.next(file);
        EXPECT_TRUE(tag);
        if (!tag || !*tag) {
            return read;
        }
        read.tags.push_back(**tag);
        Result<std::optional<Item>> item = reader.read((*tag)->type, (*tag)->timestamp_ms, (*tag)->body);
        EXPECT_TRUE(item) << item.error().what;
        if (!item || !*item) {
            continue;
        }
        if (auto* unit = std::get_if<media::AccessUnit>(&**item)) {
            read.units.push_back(std::move(*unit));
        } else if (auto* configured = std::get_if<Configured>(&**item)) {
            read.configured.push_back(std::move(*configured));
        } else if (auto* metadata = std::get_if<Metadata>(&**item)) {
            read.metadata.push_back(std::move(*metadata));
        } else {
            ++read.ends;
        }
    }
}

Read read_back(const Muxer& muxer, std::span<const media::Track> tracks, BlockLog& log) {
    const Bytes lead = muxer.lead(tracks);
    std::vector<std::byte> file(lead.begin(), lead.end());
    const std::vector<std::byte> rest = samples::bytes_of(log);
    file.insert(file.end(), rest.begin(), rest.end());
    return read_file(file);
}

struct Journey {
    Codec codec;
    std::int64_t start_ms;
};

void expect_same(const media::AccessUnit& unit, const media::AccessUnit& sent, std::int64_t wrapped_ms) {
    EXPECT_EQ(unit.payload, sent.payload);
    EXPECT_EQ(unit.key, sent.key);
    EXPECT_TRUE(unit.config->same_coding(*sent.config));
    // The reader knows nothing of the wraps before its first tag; milliseconds round audio down.
    const std::int64_t wrapped = media::rescale(wrapped_ms, 1000, sent.config->timescale);
    const std::int64_t slack = unit.kind() == media::Kind::video ? 0 : sent.config->timescale / 1000 + 1;
    EXPECT_LE(std::abs(unit.dts + wrapped - sent.dts), slack);
    EXPECT_LE(std::abs(unit.pts + wrapped - sent.pts), slack);
}

TEST(FlvMuxer, every_codec_comes_back_at_every_age_of_a_run) {
    constexpr std::int64_t starts_ms[] = {0, 18'000'000, 2'160'000'000, 0xFFFFFFFF - 50,
                                          0x7'0000'0000 + 1000};
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::av1, Codec::aac, Codec::opus, Codec::mp3}) {
        const media::Track track = samples::track(codec);
        for (const std::int64_t start_ms : starts_ms) {
            BlockLog log;
            Muxer muxer;
            muxer.configure({&track, 1}, log, {});
            const std::vector<media::AccessUnit> sent = samples::units(track, start_ms);
            for (const media::AccessUnit& unit : sent) {
                muxer.write(unit, log, {});
            }
            const Read read = read_back(muxer, {&track, 1}, log);
            ASSERT_EQ(read.units.size(), sent.size()) << media::name(codec);
            EXPECT_EQ(read.configured.size(), codec == Codec::mp3 ? 0U : 1U);
            for (std::size_t i = 0; i < sent.size(); ++i) {
                expect_same(read.units[i], sent[i], start_ms & ~0xFFFFFFFFLL);
            }
        }
    }
}

TEST(FlvMuxer, bodies_are_those_of_the_specification) {
    struct Form {
        Codec codec;
        std::vector<const char*> heads;   // of the sequence header, then of each unit
    };
    const Form forms[] = {
        {Codec::h264, {"1700000000", "1701000000", "2701000050", "2701FFFFD8", "2701FFFFD8"}},
        {Codec::h265,
         {"9068766331", "9368766331", "A168766331000050", "A168766331FFFFD8", "A168766331FFFFD8"}},
        {Codec::av1, {"9061763031", "9161763031", "A161763031", "A161763031", "A161763031"}},
        {Codec::aac, {"AF00", "AF01", "AF01", "AF01"}},
        {Codec::opus, {"904F707573", "914F707573", "914F707573", "914F707573"}},
        {Codec::mp3, {"2E", "2E", "2E"}},
    };
    for (const Form& form : forms) {
        const media::Track track = samples::track(form.codec);
        BlockLog log;
        Muxer muxer;
        muxer.configure({&track, 1}, log, {});
        for (const media::AccessUnit& unit : samples::units(track, 0)) {
            muxer.write(unit, log, {});
        }
        const Read read = read_back(muxer, {&track, 1}, log);
        ASSERT_EQ(read.tags.size(), form.heads.size() + 1) << media::name(form.codec);
        for (std::size_t i = 0; i < form.heads.size(); ++i) {
            const std::vector<std::byte> head = samples::from_hex(form.heads[i]);
            const Bytes& body = read.tags[i + 1].body;
            ASSERT_GE(body.size(), head.size());
            EXPECT_EQ(body.slice(0, head.size()), Bytes{head}) << media::name(form.codec) << i;
        }
    }
}

TEST(FlvMuxer, a_key_frame_of_av1_stands_behind_its_sequence_header) {
    const media::Track track = samples::track(Codec::av1);
    const std::vector<media::AccessUnit> sent = samples::units(track, 0);
    const std::vector<std::byte> header = samples::from_hex(samples::av1_sequence_header);
    BlockLog log;
    Muxer muxer;
    muxer.configure({&track, 1}, log, {});
    for (const media::AccessUnit& unit : sent) {
        muxer.write(unit, log, {});
    }
    const Read read = read_back(muxer, {&track, 1}, log);
    ASSERT_EQ(read.tags.size(), sent.size() + 2);
    for (std::size_t i = 0; i < sent.size(); ++i) {
        std::vector<std::byte> coded = i == 0 ? header : std::vector<std::byte>{};
        coded.insert(coded.end(), sent[i].payload.begin(), sent[i].payload.end());
        constexpr std::size_t head = 5;
        const Bytes& body = read.tags[i + 2].body;
        EXPECT_EQ(body.slice(head, body.size() - head), Bytes{coded}) << i;
    }
}

TEST(FlvMuxer, the_lead_announces_the_tracks) {
    const Muxer muxer;
    const media::Track video = samples::track(Codec::h264);
    const media::Track audio{.id = 1, .kind = media::Kind::audio};
    const media::Track both[] = {video, audio};
    const media::Track data{.id = 2, .kind = media::Kind::data};
    EXPECT_EQ(muxer.lead(both), Bytes{samples::from_hex("464C5601 05 00000009 00000000")});
    EXPECT_EQ(muxer.lead({&video, 1}), Bytes{samples::from_hex("464C5601 01 00000009 00000000")});
    EXPECT_EQ(muxer.lead({&audio, 1}), Bytes{samples::from_hex("464C5601 04 00000009 00000000")});
    EXPECT_EQ(muxer.lead({&data, 1}), Bytes{samples::from_hex("464C5601 00 00000009 00000000")});
    EXPECT_TRUE(muxer.carries(video));
    EXPECT_FALSE(muxer.carries(data));
}

TEST(FlvMuxer, a_newcomer_gets_metadata_and_headers_at_the_time_of_the_last_unit) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    BlockLog log;
    Muxer muxer;
    muxer.configure(tracks, log, {});
    for (const media::AccessUnit& unit : samples::units(tracks[0], 0x1'0000'0000 + 5000)) {
        muxer.write(unit, log, {});
    }
    std::vector<std::byte> joined;
    for (const Bytes& part : {muxer.lead(tracks), muxer.resume()}) {
        joined.insert(joined.end(), part.begin(), part.end());
    }
    const Read read = read_file(joined);
    ASSERT_EQ(read.tags.size(), 3U);
    for (const Tag& tag : read.tags) {
        EXPECT_EQ(tag.timestamp_ms, tag.type == TagType::script ? 0U : 5120U);
    }
    ASSERT_EQ(read.metadata.size(), 1U);
    EXPECT_EQ(read.metadata[0].width, 64U);
    EXPECT_TRUE(read.metadata[0].audio);
    ASSERT_EQ(read.configured.size(), 2U);
}

TEST(FlvMuxer, only_what_changed_is_said_again) {
    media::Track tracks[] = {samples::track(Codec::h264), {.id = 1, .kind = media::Kind::audio}};
    BlockLog log;
    Muxer muxer;
    muxer.configure(tracks, log, {});
    tracks[1] = samples::track(Codec::aac);
    muxer.configure(tracks, log, {});   // metadata, audio header
    muxer.configure(tracks, log, {});   // nothing
    tracks[0].config = std::make_shared<const media::TrackConfig>(*tracks[0].config);
    muxer.configure(tracks, log, {});   // video header
    std::vector<TagType> types;
    for (const Tag& tag : read_back(muxer, tracks, log).tags) {
        types.push_back(tag.type);
    }
    EXPECT_EQ(types, (std::vector{TagType::script, TagType::video, TagType::script, TagType::audio,
                                  TagType::video}));
}

TEST(FlvMuxer, units_of_tracks_that_are_not_sent_are_left_out) {
    media::Track second = samples::track(Codec::h264);
    second.id = 7;
    const media::Track tracks[] = {samples::track(Codec::h264), second};
    BlockLog log;
    Muxer muxer;
    muxer.configure(tracks, log, {});
    muxer.write(samples::units(second, 0).front(), log, {});
    muxer.write(samples::units(samples::track(Codec::aac), 0).front(), log, {});
    EXPECT_TRUE(read_back(muxer, tracks, log).units.empty());
}

TEST(FlvMuxer, each_message_ends_as_one) {
    const media::Track track = samples::track(Codec::h264);
    BlockLog log;
    Muxer muxer;
    muxer.configure({&track, 1}, log, {});
    for (const media::AccessUnit& unit : samples::units(track, 0)) {
        muxer.write(unit, log, {});
    }
    muxer.end(log, {});
    const LogChange change = log.take_change();
    EXPECT_EQ(change.messages.size(), 2U + 4U + 1U);
    EXPECT_EQ(change.head, change.messages.back().offset);
}

TEST(FlvMuxer, row_4_13_the_end_of_the_video_is_said) {
    const media::Track track = samples::track(Codec::h264);
    BlockLog log;
    Muxer muxer;
    muxer.configure({&track, 1}, log, {});
    muxer.end(log, {});
    const Read read = read_back(muxer, {&track, 1}, log);
    ASSERT_EQ(read.tags.size(), 3U);
    EXPECT_EQ(read.tags[2].body, Bytes{samples::from_hex("1702000000")});
    EXPECT_EQ(read.ends, 1);
}

/// The `time` of each cue point, in milliseconds; the tags themselves are at 0.
std::vector<std::int64_t> stamp_times(std::span<const media::Track> tracks,
                                      const std::vector<media::AccessUnit>& units) {
    BlockLog log;
    Muxer muxer;
    muxer.configure(tracks, log, {});
    for (const media::AccessUnit& unit : units) {
        muxer.write(unit, log, {});
    }
    std::vector<std::int64_t> times;
    for (const Tag& tag : read_back(muxer, tracks, log).tags) {
        if (tag.type != TagType::script) {
            continue;
        }
        EXPECT_EQ(tag.timestamp_ms, 0U);
        ByteReader reader{tag.body};
        const Result<amf0::Value> name = amf0::read(reader);
        const Result<amf0::Value> value = amf0::read(reader);
        if (name && value && *name->text() == "onCuePoint") {
            EXPECT_EQ(*value->find_text("name"), "capture-time");
            times.push_back(std::llround(*value->find_number("time") * 1000));
        }
    }
    return times;
}

std::vector<media::AccessUnit> at_times(const media::Track& track,
                                        std::initializer_list<std::int64_t> times) {
    std::vector<media::AccessUnit> units;
    for (const std::int64_t ms : times) {
        units.push_back(samples::units(track, ms).front());
        units.back().capture.utc.microseconds = 1'700'000'000'000'000 + ms * 1000;
    }
    return units;
}

TEST(FlvMuxer, capture_time_is_said_once_a_second_before_video) {
    const media::Track tracks[] = {samples::track(Codec::h264), samples::track(Codec::aac)};
    const std::vector<std::int64_t> expected{0, 1000, 2040, 500};
    EXPECT_EQ(stamp_times({tracks, 1}, at_times(tracks[0], {0, 40, 960, 1000, 1960, 2040, 500, 900})),
              expected);
    EXPECT_EQ(stamp_times({tracks + 1, 1}, at_times(tracks[1], {0, 40, 960, 1000, 1960, 2040, 500, 900})),
              expected);
    EXPECT_TRUE(stamp_times(tracks, at_times(tracks[1], {0, 1000})).empty());
    EXPECT_TRUE(stamp_times({tracks, 1}, samples::units(tracks[0], 0)).empty());
}

}   // namespace
}   // namespace millrace::flv
