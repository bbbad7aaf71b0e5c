#include "protocol/media_link/link.hpp"

#include "base/byte_writer.hpp"
#include "container/flv_samples.hpp"
#include "media/jpeg.hpp"
#include "media/jpeg_for_tests.hpp"
#include "media/test_bytes.hpp"

#include <gtest/gtest.h>

namespace millrace::media_link {
namespace {

const Instant start = Instant::from_nanoseconds(1'000'000'000);

/// Both ends joined in memory, `piece` bytes at a time.
struct Pair {
    explicit Pair(std::size_t bytes_at_once = SIZE_MAX) : piece{bytes_at_once} {}

    std::size_t piece;
    Instant now = start;
    Link server{Link::Side::server, start};
    Link child{Link::Side::child, start};
    std::vector<Message> at_server;
    std::vector<Message> at_child;
    Result<> server_result;
    Result<> child_result;

    void carry(Link& from, Link& to, Result<>& result, std::vector<Message>& events) const {
        const std::vector<std::byte> bytes = from.next_output();
        ByteSpan rest{bytes};
        while (result && !rest.empty()) {
            const ByteSpan part = rest.first(std::min(piece, rest.size()));
            rest = rest.subspan(part.size());
            result = to.receive(part, now);
            while (auto event = to.next_event()) {
                events.push_back(std::move(*event));
            }
        }
    }
    void run() {
        carry(server, child, child_result, at_child);
        carry(child, server, server_result, at_server);
    }
    void begin() {
        run();
        say(server, Start{"test:?size=640x360"});
        run();
    }
    static void say(Link& from, const Message& message) { ASSERT_TRUE(from.send(message)); }

    template <class T>
    static std::vector<T> of(std::vector<Message>& events) {
        std::vector<T> found;
        for (Message& event : events) {
            if (auto* message = std::get_if<T>(&event)) {
                found.push_back(*message);
            }
        }
        return found;
    }
};

std::vector<media::AccessUnit> some_units() {
    std::vector<media::AccessUnit> units;
    for (const media::Codec codec : {media::Codec::h264, media::Codec::aac}) {
        for (media::AccessUnit& unit : flv::samples::units(flv::samples::track(codec), 1000)) {
            units.push_back(std::move(unit));
        }
    }
    units.front().slice_qp = media::SliceQp{23.5F, -3, 40};
    units.front().coded_qp = 21.25F;
    units.front().camera_number = 0xFFFF'FFFF;
    units.front().picture = media::PictureType::i;
    units.front().capture = {{1'763'646'000'000'000}, media::CaptureTime::Label::capture};
    units.back().duration = 1024;
    units.back().discontinuity = true;
    return units;
}

void expect_same(const media::AccessUnit& a, const media::AccessUnit& b) {
    EXPECT_EQ(a.track, b.track);
    EXPECT_TRUE(a.config->same_coding(*b.config));
    EXPECT_EQ(a.config->codec_string, b.config->codec_string);
    EXPECT_EQ(a.payload, b.payload);
    EXPECT_EQ(a.dts, b.dts);
    EXPECT_EQ(a.pts, b.pts);
    EXPECT_EQ(a.duration, b.duration);
    EXPECT_EQ(a.key, b.key);
    EXPECT_EQ(a.discontinuity, b.discontinuity);
    EXPECT_EQ(a.picture, b.picture);
    ASSERT_EQ(a.slice_qp.has_value(), b.slice_qp.has_value());
    const media::SliceQp qp = a.slice_qp.value_or(media::SliceQp{});
    const media::SliceQp other = b.slice_qp.value_or(media::SliceQp{});
    EXPECT_FLOAT_EQ(qp.average, other.average);
    EXPECT_EQ(qp.min, other.min);
    EXPECT_EQ(qp.max, other.max);
    ASSERT_EQ(a.coded_qp.has_value(), b.coded_qp.has_value());
    EXPECT_FLOAT_EQ(a.coded_qp.value_or(0), b.coded_qp.value_or(0));
    EXPECT_EQ(a.camera_number, b.camera_number);
    EXPECT_EQ(a.capture.utc, b.capture.utc);
    EXPECT_EQ(a.capture.label, b.capture.label);
}

}   // namespace

TEST(MediaLink, both_ends_greet_and_the_child_is_told_what_to_start) {
    Pair pair;
    pair.begin();
    EXPECT_EQ(pair.at_server.size(), 1U);
    ASSERT_EQ(pair.at_child.size(), 2U);
    EXPECT_EQ(std::get<Start>(pair.at_child[1]).source, "test:?size=640x360");
}

TEST(MediaLink, units_arrive_as_they_were_however_the_bytes_are_cut) {
    for (const std::size_t piece : {std::size_t{1}, std::size_t{7}, SIZE_MAX}) {
        Pair pair{piece};
        pair.begin();
        const std::vector<media::AccessUnit> sent = some_units();
        for (const media::AccessUnit& unit : sent) {
            Pair::say(pair.child, unit);
        }
        pair.run();
        ASSERT_TRUE(pair.server_result);
        const std::vector<media::AccessUnit> got = Pair::of<media::AccessUnit>(pair.at_server);
        ASSERT_EQ(got.size(), sent.size());
        for (std::size_t i = 0; i < sent.size(); ++i) {
            expect_same(sent[i], got[i]);
        }
        EXPECT_EQ(Pair::of<media::Track>(pair.at_server).size(), 2U) << "each track is said once";
    }
}

TEST(MediaLink, carries_pictures_both_ways_with_their_size) {
    Pair pair{13};
    pair.begin();
    media::AccessUnit picture{.payload = media::jpeg::Sample{640, 480}.bytes(),
                              .dts = 90'000,
                              .pts = 90'000,
                              .key = true,
                              .capture = {{1'763'646'000'000'000}, media::CaptureTime::Label::capture},
                              .cut = {}};
    picture.config = media::jpeg::config_from({.width = 640, .height = 480});
    Pair::say(pair.child, picture);
    Pair::say(pair.child, picture);
    Pair::say(pair.server, picture);
    pair.run();
    for (std::vector<Message>* events : {&pair.at_server, &pair.at_child}) {
        const std::vector<media::AccessUnit> got = Pair::of<media::AccessUnit>(*events);
        ASSERT_FALSE(got.empty());
        expect_same(picture, got.front());
        EXPECT_EQ(got.front().config->width, 640U);
        EXPECT_EQ(got.front().config->height, 480U);
        EXPECT_EQ(got.front().config, got.back().config);
    }
    picture.config = media::jpeg::config_from({.width = 320, .height = 480});
    Pair::say(pair.child, picture);
    pair.run();
    EXPECT_EQ(Pair::of<media::AccessUnit>(pair.at_server).back().config->width, 320U) << "it changed";
}

TEST(MediaLink, case_89_a_child_that_sends_no_sane_pictures_is_broken_off) {
    media::AccessUnit picture{
        .payload = media::jpeg::Sample{0, 0}.bytes(), .key = true, .capture = {}, .cut = {}};
    picture.config = media::jpeg::config_from({.width = 640, .height = 480});
    Pair pair;
    pair.begin();
    Pair::say(pair.child, picture);
    pair.run();
    ASSERT_FALSE(pair.server_result);
    EXPECT_EQ(pair.server_result.error().code, Errc::malformed);
}

TEST(MediaLink, carries_every_codec) {
    using media::Codec;
    for (const Codec codec : {Codec::h264, Codec::h265, Codec::aac, Codec::opus, Codec::mp3, Codec::av1}) {
        Pair pair;
        pair.begin();
        const media::Track track = flv::samples::track(codec);
        Pair::say(pair.child, track);
        pair.run();
        const std::vector<media::Track> got = Pair::of<media::Track>(pair.at_server);
        ASSERT_EQ(got.size(), 1U) << media::name(codec);
        EXPECT_TRUE(got[0].config->same_coding(*track.config)) << media::name(codec);
        EXPECT_EQ(got[0].config->codec_string, track.config->codec_string);
        EXPECT_EQ(got[0].config->width, track.config->width);
    }
    for (const Codec codec : {Codec::pcma, Codec::pcmu, Codec::g722, Codec::l16}) {
        Pair pair;
        pair.begin();
        media::TrackConfig plain{.codec = codec, .timescale = 16'000, .sample_rate = 16'000, .channels = 1};
        plain.codec_string = media::name(codec);
        const auto config = std::make_shared<const media::TrackConfig>(plain);
        Pair::say(pair.child, media::Track{.id = 1, .kind = media::Kind::audio, .config = config});
        pair.run();
        const std::vector<media::Track> got = Pair::of<media::Track>(pair.at_server);
        ASSERT_EQ(got.size(), 1U) << media::name(codec);
        EXPECT_TRUE(got[0].config->same_coding(plain)) << media::name(codec);
        EXPECT_EQ(got[0].config->timescale, 16'000);
    }
    Link child{Link::Side::child, start};
    child.next_output();
    media::AccessUnit large{.payload = Bytes{std::vector<std::byte>(unit_bytes_max + 1)}};
    EXPECT_EQ(child.send(large).error().code, Errc::unsupported) << "of no track";
    large.config = flv::samples::track(Codec::av1).config;
    ASSERT_TRUE(child.send(media::Track{.config = large.config}));
    child.next_output();
    EXPECT_EQ(child.send(large).error().code, Errc::exhausted);
    EXPECT_EQ(child.output_size(), 0U) << "nothing half said";
}

TEST(MediaLink, a_track_may_be_announced_before_it_is_configured) {
    Pair pair;
    pair.begin();
    Pair::say(pair.child, media::Track{.id = 1, .kind = media::Kind::audio});
    pair.run();
    const std::vector<media::Track> got = Pair::of<media::Track>(pair.at_server);
    ASSERT_EQ(got.size(), 1U);
    EXPECT_EQ(got[0].kind, media::Kind::audio);
    EXPECT_EQ(got[0].config, nullptr);
}

TEST(MediaLink, a_configuration_said_again_is_the_same_object) {
    Pair pair;
    pair.begin();
    for (int i = 0; i < 2; ++i) {   // a track of its own each time, with the same content
        Pair::say(pair.child, flv::samples::units(flv::samples::track(media::Codec::h264), 0).front());
    }
    pair.run();
    const std::vector<media::AccessUnit> got = Pair::of<media::AccessUnit>(pair.at_server);
    ASSERT_EQ(got.size(), 2U);
    EXPECT_EQ(got[0].config, got[1].config);
}

TEST(MediaLink, commands_statistics_a_fault_and_the_end_arrive) {
    Pair pair;
    pair.begin();
    Pair::say(pair.server, Command{Command::What::bitrate, 1'500'000});
    Pair::say(pair.child, Statistics{10, 1, 2, 3000});
    Pair::say(pair.child, Fault{true, "no such size"});
    Pair::say(pair.child, End{});
    pair.run();
    const auto command = std::get<Command>(pair.at_child.back());
    EXPECT_EQ(command.what, Command::What::bitrate);
    EXPECT_EQ(command.value, 1'500'000U);
    EXPECT_EQ(Pair::of<Statistics>(pair.at_server).at(0).skipped, 2U);
    EXPECT_EQ(Pair::of<Fault>(pair.at_server).at(0).words, "no such size");
    EXPECT_TRUE(Pair::of<Fault>(pair.at_server).at(0).lasting);
    EXPECT_EQ(Pair::of<End>(pair.at_server).size(), 1U);
}

TEST(MediaLink, a_child_silent_for_five_seconds_is_dead) {
    Pair pair;
    pair.begin();
    EXPECT_EQ(pair.child.deadline(), Instant::never());
    pair.now = start + 4s;
    Pair::say(pair.child, Statistics{});
    pair.run();
    EXPECT_EQ(pair.server.deadline(), start + 9s);
    EXPECT_TRUE(pair.server.advance(start + 8s));
    pair.server.pardon(start + 6s);
    EXPECT_TRUE(pair.server.advance(start + 10s));
    EXPECT_EQ(pair.server.advance(start + 11s).error().code, Errc::timed_out);
}

TEST(MediaLink, what_is_not_for_here_and_now_ends_it) {
    const auto refused = [](Link::Side side, bool started, const std::vector<Message>& messages) {
        Link link{side, start};
        std::vector<std::byte> bytes;
        if (side == Link::Side::server && started) {
            EXPECT_TRUE(link.send(Start{"test:"}));
        }
        for (const Message& message : messages) {
            EXPECT_TRUE(write(bytes, message));
        }
        return !link.receive(bytes, start);
    };
    const media::Track track = flv::samples::track(media::Codec::aac);
    const media::AccessUnit unit = flv::samples::units(track, 0).front();
    using enum Link::Side;
    EXPECT_TRUE(refused(server, false, {Statistics{}})) << "before hello";
    EXPECT_TRUE(refused(server, false, {Hello{}, Hello{}}));
    EXPECT_TRUE(refused(server, false, {Hello{version + 1}}));
    EXPECT_TRUE(refused(server, false, {Hello{}, track})) << "nothing was started";
    EXPECT_TRUE(refused(server, true, {Hello{}, Start{"test:"}})) << "from the child";
    EXPECT_TRUE(refused(server, true, {Hello{}, Command{}}));
    EXPECT_TRUE(refused(server, true, {Hello{}, unit})) << "without a track";
    EXPECT_TRUE(refused(server, true, {Hello{}, End{}, Statistics{}}));
    EXPECT_TRUE(refused(child, false, {Hello{}, Command{}})) << "before start";
    EXPECT_TRUE(refused(child, false, {Hello{}, Start{"a"}, Start{"b"}}));
    EXPECT_TRUE(refused(child, false, {Hello{}, Start{"a"}, Statistics{}}));
    EXPECT_FALSE(refused(server, true, {Hello{}, track, unit, Statistics{}, End{}}));
}

TEST(MediaLink, sizes_have_limits) {
    Link link{Link::Side::server, start};
    std::vector<std::byte> bytes;
    ByteWriter{bytes}.u32(static_cast<std::uint32_t>(message_bytes_max + 1));
    EXPECT_EQ(link.receive(bytes, start).error().code, Errc::exhausted);

    media::AccessUnit unit = some_units().back();
    unit.payload = Bytes{std::vector<std::byte>(unit_bytes_max + 1)};
    Link child{Link::Side::child, start};
    EXPECT_EQ(child.send(unit).error().code, Errc::exhausted);
}

TEST(MediaLink, a_broken_payload_ends_it) {
    Pair pair;
    pair.begin();
    media::AccessUnit unit = some_units().front();
    unit.payload = Bytes::copy("\xFF\xFF\xFF\xFFno such length");
    Pair::say(pair.child, unit);
    pair.run();
    EXPECT_EQ(pair.server_result.error().code, Errc::malformed);
}

TEST(MediaLink, decoded_pictures_and_released_slots_arrive_as_they_were) {
    Pair pair{5};
    pair.begin();
    const Picture picture{.slot = 3,
                          .layout = {4096, 17},
                          .colours = {Colours::Matrix::bt709, true},
                          .late = true,
                          .number = 7,
                          .pts = -90'000,
                          .capture = {{1'763'646'000'000'000}, media::CaptureTime::Label::capture},
                          .decoded_at = start};
    Pair::say(pair.child, picture);
    Pair::say(pair.child, Played{.units = 9,
                                 .pictures = 5,
                                 .waiting = 4,
                                 .behind_sound_us = -12'000,
                                 .sounds_late = 2,
                                 .sound_played_us = 1'000'000,
                                 .sound_filled_us = 20'000,
                                 .sound_dropped_us = 7,
                                 .silent = "the sound card hw:7 is not there"});
    pair.run();
    ASSERT_TRUE(pair.server_result);
    const Picture got = Pair::of<Picture>(pair.at_server).at(0);
    EXPECT_EQ(got.slot, picture.slot);
    EXPECT_EQ(got.layout, picture.layout);
    EXPECT_EQ(got.colours, picture.colours);
    EXPECT_TRUE(got.late);
    EXPECT_EQ(got.number, picture.number);
    EXPECT_EQ(got.pts, picture.pts);
    EXPECT_EQ(got.capture.utc, picture.capture.utc);
    EXPECT_EQ(got.capture.label, picture.capture.label);
    EXPECT_EQ(got.decoded_at, picture.decoded_at);
    const Played played = Pair::of<Played>(pair.at_server).at(0);
    EXPECT_EQ(played.units, 9U);
    EXPECT_EQ(played.waiting, 4U);
    EXPECT_EQ(played.behind_sound_us, -12'000);
    EXPECT_EQ(played.sounds_late, 2U);
    EXPECT_EQ(played.sound_played_us, 1'000'000U);
    EXPECT_EQ(played.sound_filled_us, 20'000U);
    EXPECT_EQ(played.sound_dropped_us, 7U);
    EXPECT_EQ(played.silent, "the sound card hw:7 is not there");
    Pair::say(pair.server, Release{3});
    pair.run();
    EXPECT_EQ(Pair::of<Release>(pair.at_child).at(0).slot, 3U);
    Pair::say(pair.child, picture);
    pair.run();
    EXPECT_TRUE(pair.server_result) << "the slot was the child's again";
}

TEST(MediaLink, a_child_that_draws_where_the_server_reads_is_broken_off) {
    Pair pair;
    pair.begin();
    std::vector<std::byte> twice;
    for (int i = 0; i < 2; ++i) {   // a child of ours would not say it
        ASSERT_TRUE(write(twice, Picture{.slot = 1, .layout = {640, 480}, .capture = {}, .decoded_at = {}}));
    }
    EXPECT_EQ(pair.server.receive(twice, start).error().code, Errc::malformed);
    EXPECT_EQ(pair.server.send(Release{2}).error().code, Errc::malformed) << "it never had that one";
}

TEST(MediaLink, words_of_a_silence_have_an_end) {
    std::vector<std::byte> bytes;
    ASSERT_TRUE(write(bytes, Played{.silent = std::string(silent_bytes_max + 9, 'x')}));
    EXPECT_EQ(std::get<Played>(*read(ByteSpan{bytes}.subspan(4))).silent.size(), silent_bytes_max);
    bytes.push_back(std::byte{'x'});
    EXPECT_EQ(read(ByteSpan{bytes}.subspan(4)).error().code, Errc::exhausted);
}

TEST(MediaLink, no_picture_is_beyond_its_slot) {
    const std::array wrong{
        Picture{.slot = picture_ring::slots, .layout = {640, 480}, .capture = {}, .decoded_at = {}},
        Picture{.slot = 0, .layout = {0, 480}, .capture = {}, .decoded_at = {}},
        Picture{.slot = 0, .layout = {640, 4097}, .capture = {}, .decoded_at = {}}};
    for (const Picture& picture : wrong) {
        std::vector<std::byte> bytes;
        ASSERT_TRUE(write(bytes, picture));
        EXPECT_EQ(read(ByteSpan{bytes}.subspan(4)).error().code, Errc::malformed);
    }
    static_assert(picture_ring::Layout{picture_ring::side_max, picture_ring::side_max}.size() <=
                  picture_ring::slot_size);
    static_assert(picture_ring::Layout{picture_ring::side_max - 1, picture_ring::side_max - 1}.size() <=
                  picture_ring::slot_size);
}

TEST(MediaLink, survives_damage) {
    std::vector<std::byte> bytes;
    ASSERT_TRUE(write(bytes, Hello{}));
    for (const media::AccessUnit& unit : {some_units().front(), some_units().back()}) {
        ASSERT_TRUE(write(bytes, media::Track{.id = unit.track, .config = unit.config}));
        ASSERT_TRUE(write(bytes, unit));
    }
    ASSERT_TRUE(write(bytes, Statistics{}));
    ASSERT_TRUE(write(bytes, Fault{false, "words"}));
    ASSERT_TRUE(write(bytes, Picture{.slot = 2, .layout = {640, 480}, .capture = {}, .decoded_at = {}}));
    ASSERT_TRUE(write(bytes, Played{.silent = "words"}));
    media::damage(bytes, [](ByteSpan damaged) {
        Link link{Link::Side::server, start};
        ASSERT_TRUE(link.send(Start{"test:"}));
        const Result<> received = link.receive(damaged, start);
        while (link.next_event()) {
        }
        EXPECT_TRUE(received || link.deadline() == Instant::never());
    });
}

}   // namespace millrace::media_link
