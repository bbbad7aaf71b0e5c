#include "protocol/rtsp/muxer.hpp"
#include "protocol/rtp/alignment.hpp"
#include "protocol/rtp/rtcp.hpp"
#include "protocol/rtp/samples_for_tests.hpp"
#include "protocol/rtsp/message.hpp"
#include "protocol/rtsp/player_back_channel.hpp"
#include "protocol/rtsp/raw_client_for_tests.hpp"
#include "protocol/rtsp/track_payloads.hpp"

#include "media/time.hpp"

#include <gtest/gtest.h>

#include <map>

namespace millrace::rtsp {
namespace {

using media::Codec;

struct Played {
    std::vector<media::Track> tracks{flv::samples::track(Codec::h264), flv::samples::track(Codec::aac)};
    ChannelPlan plan;
    BlockLog log;

    Played() {
        plan.set(0, 4);
        plan.set(1, 0);
    }
};

TEST(RtspMuxer, writes_frames_that_a_player_makes_units_of) {
    Played played;
    Muxer muxer{played.plan, 5};
    ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
    const Offer offer = offer_of(played.tracks, "live/cam");
    ASSERT_EQ(offer.formats.size(), 2U);
    Result<rtp::Receiver> video = rtp::Receiver::make(offer.formats[0], {});
    Result<rtp::Receiver> audio = rtp::Receiver::make(offer.formats[1], {});
    std::vector<media::AccessUnit> sent;
    for (const media::Track& track : played.tracks) {
        for (media::AccessUnit& unit : flv::samples::units(track, 5'000)) {
            unit.capture.utc = WallTime{1'790'000'000'000'000 + unit.pts};
            muxer.write(unit, played.log, Instant{});
            sent.push_back(std::move(unit));
        }
    }
    muxer.end(played.log, Instant{});
    const std::vector<std::byte> bytes = flv::samples::bytes_of(played.log);
    const std::vector<FirstPacket> first = first_packets(bytes);
    ASSERT_EQ(first.size(), 2U);
    EXPECT_EQ(first[0].channel, 4);
    MessageReader reader{MessageReader::Side::client};
    ByteSpan input = bytes;
    while (true) {
        const Result<std::optional<Element>> element = reader.next(input);
        ASSERT_TRUE(element);
        if (!*element) {
            break;
        }
        const auto& frame = std::get<Frame>(**element);
        ASSERT_TRUE(frame.channel <= 1 || frame.channel == 4 || frame.channel == 5);
        rtp::Receiver& receiver = frame.channel >= 4 ? *video : *audio;
        frame.channel % 2 == 0 ? receiver.receive(frame.payload, Instant{})
                               : receiver.receive_control(frame.payload, Instant{});
    }
    std::vector<media::AccessUnit> got = rtp::samples::drain(*video);
    std::ranges::move(rtp::samples::drain(*audio), std::back_inserter(got));
    ASSERT_EQ(got.size(), sent.size());
    for (std::size_t i = 0; i < got.size(); ++i) {
        EXPECT_EQ(got[i].payload, sent[i].payload);
        EXPECT_EQ(got[i].capture.label, media::CaptureTime::Label::sender);
    }
    EXPECT_TRUE(video->ended());
    EXPECT_TRUE(audio->clock().known());
}

TEST(RtspMuxer, row_4_13_says_on_each_track_that_the_publisher_ended_and_goes_on_with_the_next) {
    Played played;
    Muxer muxer{played.plan, 5};
    ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
    muxer.unpublished(played.log, Instant{});
    const std::vector<std::byte> bytes = flv::samples::bytes_of(played.log);
    MessageReader reader{MessageReader::Side::client};
    ByteSpan input = bytes;
    std::size_t told = 0;
    for (;;) {
        const Result<std::optional<Element>> element = reader.next(input);
        ASSERT_TRUE(element);
        if (!*element) {
            break;
        }
        const auto& frame = std::get<Frame>(**element);
        EXPECT_EQ(frame.channel % 2, 1);
        const Result<std::vector<rtp::ControlPacket>> packets = rtp::read_control(frame.payload);
        ASSERT_TRUE(packets);
        told += std::holds_alternative<rtp::Unpublished>(packets->back()) ? 1 : 0;
    }
    EXPECT_EQ(told, played.tracks.size());
}

TEST(RtspMuxer, lays_all_tracks_on_one_line_of_time_for_newcomers_whatever_came_late) {
    Played played;
    Muxer muxer{played.plan, 5};
    ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
    EXPECT_TRUE(muxer.resume().empty());
    for (const media::Track& track : played.tracks) {
        for (media::AccessUnit& unit : flv::samples::units(track, 5'000)) {
            const std::int64_t time = media::rescale(unit.pts, track.config->timescale, 1'000'000);
            const bool late = track.kind == media::Kind::audio;
            unit.capture.utc = WallTime{1'790'000'000'000'000 + time + (late ? 400'000 : 0)};
            muxer.write(unit, played.log, Instant{});
        }
    }
    const Bytes resume = muxer.resume();
    MessageReader reader{MessageReader::Side::client};
    ByteSpan input = resume;
    std::map<unsigned, rtp::SenderReport> reports;
    while (const Result<std::optional<Element>> element = reader.next(input)) {
        if (!*element) {
            break;
        }
        const auto& frame = std::get<Frame>(**element);
        const auto packets = rtp::read_control(frame.payload);
        ASSERT_TRUE(packets);
        reports[frame.channel] = std::get<rtp::SenderReport>(packets->front());
    }
    ASSERT_EQ(reports.size(), 2U);
    const std::vector<FirstPacket> first = first_packets(flv::samples::bytes_of(played.log));
    const auto began = [&](const FirstPacket& packet, std::int64_t clock) {
        const rtp::SenderReport& report = reports.at(packet.channel + 1U);
        const std::int64_t since = static_cast<std::int32_t>(report.timestamp - packet.timestamp);
        return rtp::utc_of(report.ntp).microseconds - since * 1'000'000 / clock;
    };
    const std::int64_t sound_clock = played.tracks[1].config->sample_rate;
    EXPECT_NEAR(static_cast<double>(began(first[0], 90'000)),
                static_cast<double>(began(first[1], sound_clock)), 2'000);
}

/// Where the first unit of each of two tracks lies, in microseconds of one line of time, for somebody to whom
/// all frames come at once.
std::array<std::int64_t, 2> first_places(ByteSpan frames, std::array<rtp::Receiver*, 2> receivers) {
    std::array<std::optional<std::int64_t>, 2> places;
    rtp::Alignment alignment;
    MessageReader reader{MessageReader::Side::client};
    for (ByteSpan input = frames; const Result<std::optional<Element>> element = reader.next(input);) {
        if (!*element) {
            break;
        }
        const auto& frame = std::get<Frame>(**element);
        const std::size_t track = frame.channel >= 4 ? 0 : 1;
        rtp::Receiver& receiver = *receivers[track];
        frame.channel % 2 == 0 ? receiver.receive(frame.payload, Instant{})
                               : receiver.receive_control(frame.payload, Instant{});
        while (std::optional<media::AccessUnit> unit = receiver.next()) {
            alignment.place(track, *unit, Instant{}, receiver.sender_time(*unit));
            const std::int64_t place = media::rescale_nearest(unit->pts, unit->config->timescale, 1'000'000);
            places[track] = places[track].value_or(place);
        }
    }
    return {places[0].value_or(-1), places[1].value_or(-1)};
}

TEST(RtspMuxer, who_gets_all_at_once_lays_reordered_pictures_and_sound_as_they_were) {
    constexpr std::int64_t shown_later_us = 80'000;
    Played played;
    Muxer muxer{played.plan, 5};
    ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
    const Offer offer = offer_of(played.tracks, "live/cam");
    for (const media::Track& track : played.tracks) {
        for (media::AccessUnit& unit : flv::samples::units(track, 5'000)) {
            unit.pts = unit.dts;
            if (track.kind == media::Kind::video) {
                unit.pts += shown_later_us * unit.config->timescale / 1'000'000;
            }
            unit.capture = {WallTime{1'790'000'000'000'000}, media::CaptureTime::Label::arrival};
            muxer.write(unit, played.log, Instant{});
        }
    }
    Result<rtp::Receiver> video = rtp::Receiver::make(offer.formats[0], {});
    Result<rtp::Receiver> audio = rtp::Receiver::make(offer.formats[1], {});
    const auto [picture, sound] = first_places(flv::samples::bytes_of(played.log), {&*video, &*audio});
    EXPECT_NEAR(static_cast<double>(picture - sound), static_cast<double>(shown_later_us), 1'000);
}

TEST(RtspMuxer, ends_where_a_payload_format_changes_and_goes_on_where_sets_are_in_band) {
    Played played;
    Muxer muxer{played.plan, 5};
    ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
    media::TrackConfig larger = *played.tracks[0].config;
    larger.width = 1'280;
    played.tracks[0].config = std::make_shared<const media::TrackConfig>(larger);
    EXPECT_TRUE(muxer.configure(played.tracks, played.log, {}));
    played.tracks[0] = flv::samples::track(Codec::h265);
    EXPECT_FALSE(muxer.configure(played.tracks, played.log, {}));
    ChannelPlan other = played.plan;
    EXPECT_EQ(other.packed(), played.plan.packed());
    other.set(1, 254);
    EXPECT_NE(other.packed(), played.plan.packed());
    EXPECT_EQ(other.of(1), 254);
    EXPECT_FALSE(other.of(2));
}

TEST(RtspMuxer, klv_is_a_track_of_its_own_where_the_plan_has_one_and_results_are_none) {
    const media::TimedMessage klv{
        .kind = media::TimedMessage::Kind::klv, .body = rtp::samples::grown({}, 3'000), .pts = 7'200};
    const media::TimedMessage result{.body = Bytes::copy("{}"), .pts = 7'200};
    for (const bool planned : {false, true}) {
        Played played;
        if (planned) {
            played.plan.set(ChannelPlan::klv, 8);
        }
        Muxer muxer{played.plan, 5};
        ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));
        ASSERT_TRUE(muxer.configure(played.tracks, played.log, {}));   // said anew
        muxer.message(result, played.log, {});
        EXPECT_EQ(played.log.head(), 0U);
        muxer.message(klv, played.log, {});
        media::AccessUnit stranger = flv::samples::units(played.tracks[0], 0).front();
        stranger.track = ChannelPlan::klv;
        muxer.write(stranger, played.log, {});
        const std::vector<std::byte> bytes = flv::samples::bytes_of(played.log);
        EXPECT_EQ(first_packets(bytes).size(), planned ? 1U : 0U);
        if (planned) {
            EXPECT_EQ(first_packets(bytes).front().channel, 8);
            EXPECT_EQ(bytes.size(), 3'000U + 3 * (rtp::header_size + rtp::interleaved_head_size));
        }
    }
}

TEST(PlayerBackChannel, answers_keep_alives_hears_wishes_and_ends_at_teardown) {
    RawClient client;
    client.reach_playing();
    unsigned key_frames = 0;
    const std::string session = client.session;
    const auto channel = into_back_channel(std::make_unique<Server>(std::move(client.server)),
                                           {.key_frame = [&] { ++key_frames; }});
    const auto say = [&](std::string_view method) {
        return channel->receive(
            as_bytes(fmt::format("{} rtsp://h/live/cam RTSP/1.0\r\nCSeq: 9\r\nSession: {}\r\n\r\n", method,
                                 session)),
            Instant{});
    };
    EXPECT_TRUE(say("GET_PARAMETER"));
    EXPECT_TRUE(as_text(channel->next_output()).starts_with("RTSP/1.0 200 OK"));
    std::vector<std::byte> frame;
    ByteWriter writer{frame};
    std::vector<std::byte> loss;
    rtp::write_picture_loss(loss, 1, 2);
    rtp::write_interleaved_head(writer, 1, loss.size());
    writer.bytes(loss);
    EXPECT_TRUE(channel->receive(frame, Instant{}));
    EXPECT_EQ(key_frames, 1U);
    EXPECT_TRUE(say("PAUSE"));
    EXPECT_TRUE(channel->paused());
    EXPECT_TRUE(say("PLAY"));
    EXPECT_FALSE(channel->paused());
    EXPECT_EQ(say("TEARDOWN").error().code, Errc::closed);
}

}   // namespace
}   // namespace millrace::rtsp
