#include "protocol/ws/framed.hpp"

#include "container/flv_muxer.hpp"
#include "container/flv_samples.hpp"
#include "protocol/ws/conversation.hpp"
#include "protocol/ws/hand_made_frames.hpp"

#include <gtest/gtest.h>

namespace millrace::ws {
namespace {

/// Says "init N" for the Nth configuration, and the payload of each unit in two parts.
struct TestMuxer {
    int periods = 0;
    bool follows = true;

    bool carries(const media::Track&) const { return true; }
    bool configure(std::span<const media::Track>, BlockLog& log, Instant now) {
        if (++periods > 1 && follows) {
            log.message({as_bytes(init())}, now);
        }
        return periods == 1 || follows;
    }
    void write(const media::AccessUnit& unit, BlockLog& log, Instant now) {
        log.message({as_bytes("moof"), unit.payload}, now);
    }
    void unpublished(BlockLog&, Instant) {}
    void end(BlockLog&, Instant) {}
    Bytes lead(std::span<const media::Track>) const { return Bytes::copy(std::string_view{"lead"}); }
    Bytes resume() const { return Bytes::copy(init()); }
    std::string init() const { return fmt::format("init {}", periods); }
};

media::Track video_track(std::uint32_t width, std::string_view codec = "avc1.64001f") {
    auto config = std::make_shared<media::TrackConfig>();
    config->width = width;
    config->height = 360;
    config->codec_string = codec;
    return {.id = 0, .kind = media::Kind::video, .config = std::move(config)};
}
media::Track audio_track() {
    auto config = std::make_shared<media::TrackConfig>();
    config->codec = media::Codec::aac;
    config->sample_rate = 48'000;
    config->channels = 2;
    config->codec_string = "mp4a.40.2";
    return {.id = 1, .kind = media::Kind::audio, .config = std::move(config)};
}
media::AccessUnit unit_of(std::string_view payload) {
    media::AccessUnit unit;
    unit.payload = Bytes::copy(payload);
    return unit;
}

/// All that a client hears of the log's bytes: `T` text, `B` binary, `C` close, each with its content.
std::vector<std::string> heard(ByteSpan wire) {
    SeededRandom random{1};
    Conversation client{{}, random};
    (void)client.receive(wire, Instant{});
    std::vector<std::string> all;
    while (auto event = client.next_event()) {
        if (const auto* message = std::get_if<Message>(&*event)) {
            all.push_back((message->kind == Opcode::text ? "T " : "B ") +
                          std::string{as_text(message->payload)});
        } else {
            all.push_back(fmt::format("C {}", static_cast<int>(std::get<Closed>(*event).code)));
        }
    }
    return all;
}
std::vector<std::byte> bytes_of(BlockLog& log) {
    LogView view;
    view.apply(log.take_change());
    std::vector<ByteSpan> slices(64);
    std::vector<std::byte> all;
    slices.resize(view.gather(0, view.head(), slices));
    for (const ByteSpan slice : slices) {
        all.insert(all.end(), slice.begin(), slice.end());
    }
    return all;
}

constexpr std::string_view tracks_one =
    R"(T {"t":"tracks","type":"video/mp4; codecs=\"avc1.64001f\"","tracks":[)"
    R"({"id":0,"kind":"video","codec":"avc1.64001f","width":640,"height":360}]})";
constexpr std::string_view tracks_two =
    R"(T {"t":"tracks","type":"video/mp4; codecs=\"avc1.64001f,mp4a.40.2\"","tracks":[)"
    R"({"id":0,"kind":"video","codec":"avc1.64001f","width":640,"height":360},)"
    R"({"id":1,"kind":"audio","codec":"mp4a.40.2","rate":48000,"channels":2}]})";

TEST(Framed, tells_of_tracks_before_each_period_and_of_the_end) {
    Framed muxer{TestMuxer{}, "video/mp4", Words::json};
    BlockLog log;
    const std::vector<media::Track> one{video_track(640)};
    const std::vector<media::Track> two{one.front(), audio_track()};
    const Instant now;
    ASSERT_TRUE(muxer.configure(one, log, now));
    EXPECT_TRUE(muxer.lead(one).empty());
    EXPECT_EQ(heard(muxer.resume()), (std::vector<std::string>{std::string{tracks_one}, "B init 1"}));
    muxer.write(unit_of("1"), log, now);
    ASSERT_TRUE(muxer.configure(two, log, now));
    EXPECT_EQ(heard(muxer.resume()), (std::vector<std::string>{std::string{tracks_two}, "B init 2"}));
    muxer.write(unit_of(std::string(300, '2')), log, now);
    muxer.unpublished(log, now);
    muxer.end(log, now);
    EXPECT_EQ(heard(bytes_of(log)),
              (std::vector<std::string>{std::string{tracks_one}, "B moof1", std::string{tracks_two},
                                        "B init 2", "B moof" + std::string(300, '2'), R"(T {"t":"waiting"})",
                                        R"(T {"t":"end"})", "C 1000"}));
}

TEST(Framed, tells_of_a_publisher_that_left_without_a_word_only_where_text_is_understood) {
    for (const Words words : {Words::json, Words::none}) {
        Framed muxer{TestMuxer{}, "video/mp4", words};
        BlockLog log;
        muxer.lost(log, Instant{});
        const auto wanted = words == Words::json ? std::vector<std::string>{R"(T {"t":"waiting"})"}
                                                 : std::vector<std::string>{};
        EXPECT_EQ(heard(bytes_of(log)), wanted);
    }
}

TEST(Framed, row_4_13_pictures_tell_of_ends_alone) {
    Framed muxer{TestMuxer{}, "image/jpeg", Words::ends};
    BlockLog log;
    const std::vector<media::Track> tracks{video_track(640)};
    ASSERT_TRUE(muxer.configure(tracks, log, Instant{}));
    EXPECT_EQ(heard(muxer.lead(tracks)), std::vector<std::string>{"B lead"});
    muxer.write(unit_of("1"), log, Instant{});
    muxer.lost(log, Instant{});
    muxer.write(unit_of("2"), log, Instant{});
    muxer.unpublished(log, Instant{});
    muxer.end(log, Instant{});
    EXPECT_EQ(heard(bytes_of(log)), (std::vector<std::string>{"B moof1", R"(T {"t":"waiting"})", "B moof2",
                                                              R"(T {"t":"waiting","publisher":"ended"})",
                                                              R"(T {"t":"end"})", "C 1000"}));
}

TEST(Framed, says_nothing_but_media_where_players_take_text_for_an_error) {
    Framed muxer{TestMuxer{}, "video/x-flv", Words::none};
    BlockLog log;
    const std::vector<media::Track> tracks{video_track(640)};
    ASSERT_TRUE(muxer.configure(tracks, log, Instant{}));
    EXPECT_EQ(heard(muxer.lead(tracks)), std::vector<std::string>{"B lead"});
    EXPECT_EQ(heard(muxer.resume()), std::vector<std::string>{"B init 1"});
    muxer.write(unit_of("1"), log, Instant{});
    muxer.unpublished(log, Instant{});
    muxer.end(log, Instant{});
    EXPECT_EQ(heard(bytes_of(log)), (std::vector<std::string>{"B moof1", "C 1000"}));
}

TEST(Framed, asks_viewers_to_come_again_where_the_form_cannot_follow) {
    Framed muxer{TestMuxer{.follows = false}, "video/mp2t", Words::none};
    BlockLog log;
    const std::vector<media::Track> tracks{video_track(640)};
    ASSERT_TRUE(muxer.configure(tracks, log, Instant{}));
    ASSERT_FALSE(muxer.configure(tracks, log, Instant{}));
    EXPECT_EQ(heard(bytes_of(log)), std::vector<std::string>{"C 1012"});
}

TEST(Framed, what_codecs_call_themselves_is_quoted) {
    const std::vector<media::Track> tracks{video_track(640, "a\"<b")};
    const std::string text = tracks_text("video/mp4", tracks);
    EXPECT_NE(text.find(R"("codec":"a\"\u003cb")"), std::string::npos) << text;
}

TEST(Framed, the_messages_of_flv_are_those_of_its_plain_form) {
    const std::vector<media::Track> tracks{flv::samples::track(media::Codec::h264)};
    flv::Muxer plain;
    Framed framed{flv::Muxer{}, "video/x-flv", Words::none};
    BlockLog plain_log;
    BlockLog framed_log;
    ASSERT_TRUE(plain.configure(tracks, plain_log, Instant{}));
    ASSERT_TRUE(framed.configure(tracks, framed_log, Instant{}));
    for (const media::AccessUnit& unit : flv::samples::units(tracks.front(), 0)) {
        plain.write(unit, plain_log, Instant{});
        framed.write(unit, framed_log, Instant{});
    }
    std::string joined;
    for (const std::string& message : heard(bytes_of(framed_log))) {
        joined += message.substr(2);
    }
    EXPECT_EQ(joined, as_text(bytes_of(plain_log)));
}

TEST(Framed, row_0_28_results_are_text_beside_the_frames) {
    media::TimedMessage message = *media::read_message(R"({"boxes":[]})");
    message.capture = {1'800'000'000'000'000};
    message.pts = 90'000;
    for (const Words words : {Words::json, Words::none}) {
        Framed muxer{TestMuxer{}, "video/mp4", words};
        BlockLog log;
        muxer.write(unit_of("1"), log, Instant{});
        muxer.message(message, log, Instant{});
        const std::string text = R"(T {"t":"result","capture":"2027-01-15T08:00:00.000000Z","pts":1.000000,)"
                                 R"("result":{"boxes":[]}})";
        const auto all = bytes_of(log);
        const ByteSpan frame_of_unit = ByteSpan{all}.first(5);   // this log frames nothing
        EXPECT_EQ(as_text(frame_of_unit), "moof1");
        EXPECT_EQ(heard(ByteSpan{all}.subspan(5)),
                  words == Words::json ? std::vector{text} : std::vector<std::string>{});
    }
}

}   // namespace
}   // namespace millrace::ws
