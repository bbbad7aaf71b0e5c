#include "session/rtsp_rewind.hpp"

#include "protocol/rtp/receiver.hpp"
#include "session/archive_for_tests.hpp"
#include "session/rtsp_serve.hpp"

#include <fmt/format.h>

namespace millrace::session {
namespace {

constexpr std::string_view address = "rtsp://h/live/cam/archive";

/// A player of recordings, byte by byte.
class RewindTest : public toys::ArchiveTest {
protected:
    struct Packet {
        std::uint8_t channel = 0;
        Instant at;
        std::vector<std::byte> bytes;
    };

    RewindTest() { desk_.keeper = &keeper_; }
    ~RewindTest() override {
        connection_.reset();
        world_.time.run_for(1s);
    }

    void connect(VirtualLink to_player = {.window = 4U << 20U}) {
        auto [ours, theirs] = virtual_connection(far_side_, home_, {}, to_player);
        connection_ = std::move(ours);
        home_.run([&, connection = std::move(theirs)]() mutable {
            home_.tasks().spawn(rtsp_serve(desk_, std::move(connection)));
        });
    }
    rtsp::Response ask(std::string_view method, std::string_view url, std::string_view fields = {}) {
        const std::string session = session_.empty() ? "" : fmt::format("Session: {}\r\n", session_);
        const std::string text =
            fmt::format("{} {} RTSP/1.0\r\nCSeq: {}\r\n{}{}\r\n", method, url, ++cseq_, session, fields);
        const std::array slices{as_bytes(text)};
        EXPECT_EQ(connection_->try_write(slices).value_or(0), text.size());
        answers_.clear();
        for (int wait = 0; wait < 10 && answers_.empty(); ++wait) {
            run(1ms);
        }
        return answers_.empty() ? rtsp::Response{.status = 0, .headers = {}} : answers_.back();
    }
    /// Hears whatever comes in that time.
    void run(Duration span) {
        for (Duration done{}; done < span; done += 10ms) {
            world_.time.run_for(std::min<Duration>(10ms, span));
            hear();
        }
    }
    /// DESCRIBE, and SETUP of both tracks.
    rtsp::Response prepare(std::string_view query = {}) {
        connect();
        const std::string url = fmt::format("{}{}", address, query);
        const rtsp::Response described = ask("DESCRIBE", url);
        EXPECT_EQ(described.status, 200U) << described.reason;
        description_ = sdp::read(described.body).value_or(sdp::Description{});
        for (unsigned track = 0; track < description_.media.size(); ++track) {
            const auto set_up = ask("SETUP", fmt::format("{}/trackID={}", url, track),
                                    fmt::format("Transport: RTP/AVP/TCP;unicast;interleaved={}-{}\r\n",
                                                track * 2, track * 2 + 1));
            EXPECT_EQ(set_up.status, 200U);
            const std::string_view said = rtsp::find_header(set_up.headers, "Session");
            session_ = said.substr(0, said.find(';'));
        }
        return described;
    }
    rtsp::Response play(std::string_view fields = {}) {
        packets_.clear();
        return ask("PLAY", address, fields);
    }
    /// What the packets on a track's channel make.
    std::vector<media::AccessUnit> units(unsigned track) const {
        rtp::Receiver receiver = *rtp::Receiver::make(*rtsp::payload_of(description_.media.at(track)), {});
        std::vector<media::AccessUnit> made;
        for (const Packet& one : packets_) {
            if (one.channel == track * 2) {
                receiver.receive(one.bytes, one.at);
            }
            while (std::optional<media::AccessUnit> unit = receiver.next()) {
                made.push_back(std::move(*unit));
            }
        }
        return made;
    }
    std::vector<Bytes> payloads(unsigned track) const {
        std::vector<Bytes> made;
        for (const media::AccessUnit& unit : units(track)) {
            made.push_back(unit.payload);
        }
        return made;
    }
    std::vector<Bytes> sent_payloads(media::Kind kind, std::size_t from = 0) const {
        std::vector<Bytes> made;
        for (const media::AccessUnitRef& unit : sent(kind)) {
            made.push_back(unit->payload);
        }
        made.erase(made.begin(), made.begin() + static_cast<std::ptrdiff_t>(from));
        return made;
    }
    /// RTP times on a track's channel, each once.
    std::vector<std::uint32_t> times(unsigned track) const {
        std::vector<std::uint32_t> found;
        for (const Packet& one : packets_) {
            const auto packet =
                one.channel == track * 2 ? rtp::read_packet(one.bytes) : Result<rtp::Packet>{};
            if (one.channel == track * 2 && (found.empty() || found.back() != packet->header.timestamp)) {
                found.push_back(packet->header.timestamp);
            }
        }
        return found;
    }
    std::size_t farewells() const {
        std::size_t count = 0;
        for (const Packet& one : packets_) {
            const auto control = one.channel % 2 == 1 ? rtp::read_control(one.bytes)
                                                      : Result<std::vector<rtp::ControlPacket>>{};
            count += control && std::ranges::any_of(*control, [](const rtp::ControlPacket& packet) {
                         return std::holds_alternative<rtp::Bye>(packet);
                     });
        }
        return count;
    }

    std::unique_ptr<Connection> connection_;
    rtsp::MessageReader reader_{rtsp::MessageReader::Side::client};
    std::vector<rtsp::Response> answers_;
    std::vector<Packet> packets_;
    sdp::Description description_;
    std::string session_;
    unsigned cseq_ = 0;
    bool closed_ = false;

private:
    void hear() {
        std::array<std::byte, 65'536> buffer;
        while (connection_ != nullptr) {
            const Result<std::size_t> count = connection_->try_read(buffer);
            if (!count) {
                closed_ = closed_ || count.error().code != Errc::would_block;
                return;
            }
            ByteSpan bytes = std::span{buffer}.first(*count);
            while (!bytes.empty()) {
                auto element = reader_.next(bytes);
                ASSERT_TRUE(element);
                if (*element && std::holds_alternative<rtsp::Response>(**element)) {
                    answers_.push_back(std::get<rtsp::Response>(**element));
                } else if (*element && std::holds_alternative<rtsp::Frame>(**element)) {
                    const auto& frame = std::get<rtsp::Frame>(**element);
                    packets_.push_back(
                        {frame.channel, world_.time.now(), {frame.payload.begin(), frame.payload.end()}});
                }
            }
            world_.time.settle();
        }
    }
};

TEST_F(RewindTest, plays_what_was_recorded_each_unit_once_in_order_at_its_own_pace) {
    record(100);
    prepare();
    EXPECT_EQ(description_.range, "npt=0.000-4.000");
    ASSERT_EQ(description_.media.size(), 2U);
    const rtsp::Response playing = play("Range: npt=0.000-\r\n");
    ASSERT_EQ(playing.status, 200U) << playing.reason;
    EXPECT_EQ(rtsp::find_header(playing.headers, "Range"), "npt=0.000-4.000");
    EXPECT_EQ(rtsp::find_header(playing.headers, "Scale"), "1");
    run(1s);
    EXPECT_NEAR(static_cast<double>(times(0).size()), 26, 2);
    EXPECT_EQ(farewells(), 0U);
    const auto reports = desk_.sessions.reports();
    ASSERT_EQ(reports.size(), 1U);
    EXPECT_EQ(reports.front().facts.action(), hub::Action::archive);
    EXPECT_EQ(reports.front().facts.stream, "live/cam");
    EXPECT_GT(reports.front().bytes_out, 0U);
    run(4s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(payloads(1), sent_payloads(media::Kind::audio));
    EXPECT_EQ(farewells(), 2U) << "one a track";
    const std::vector<std::uint32_t> pictures = times(0);
    for (std::size_t i = 1; i < pictures.size(); ++i) {
        ASSERT_EQ(pictures[i] - pictures[i - 1], 3'600U);
    }
    const std::string_view info = rtsp::find_header(playing.headers, "RTP-Info");
    EXPECT_NE(info.find(fmt::format("rtptime={}", pictures.front())), std::string_view::npos) << info;
    const std::vector<std::uint32_t> sounds = times(1);
    EXPECT_EQ(sounds.back() - sounds.front(), (sounds.size() - 1) * 1'024);
}

TEST_F(RewindTest, klv_that_was_recorded_is_a_track_of_its_own_each_unit_with_its_picture) {
    std::vector<Bytes> said;
    for (int second = 0; second < 3; ++second) {
        for (int i = 0; i < 5; ++i) {
            record(1, "1800000000-00000001", true);
            said.push_back(Bytes::copy(fmt::format("klv {}", said.size())));
            recording_->say({.kind = media::TimedMessage::Kind::klv,
                             .body = said.back(),
                             .pts = sent(media::Kind::video).back()->pts});
            recording_->say({.body = Bytes::copy("{}"), .pts = sent(media::Kind::video).back()->pts});
        }
        record(20, "1800000000-00000001", second < 2);
    }
    prepare();
    ASSERT_EQ(description_.media.size(), 3U);
    EXPECT_EQ(description_.media[2].kind, "application");
    ASSERT_EQ(play().status, 200U);
    run(5s);
    EXPECT_EQ(payloads(2), said);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(payloads(1), sent_payloads(media::Kind::audio));
    EXPECT_EQ(farewells(), 3U);
}

TEST_F(RewindTest, begins_with_the_key_picture_at_or_before_the_moment_and_again_elsewhere) {
    record(100);
    prepare();
    ASSERT_EQ(play("Range: npt=2.5-3.5\r\n").status, 200U);
    EXPECT_EQ(rtsp::find_header(answers_.back().headers, "Range"), "npt=2.000-3.500");
    run(3s);
    std::vector<Bytes> wanted = sent_payloads(media::Kind::video, 50);
    wanted.resize(38);
    EXPECT_EQ(payloads(0), wanted) << "from 2.0 s up to 3.5 s, in steps of 40 ms";
    EXPECT_EQ(farewells(), 2U);
    const std::uint32_t last = times(0).back();
    ASSERT_EQ(play("Range: npt=1-\r\n").status, 200U) << "after its end";
    EXPECT_EQ(rtsp::find_header(answers_.back().headers, "Range"), "npt=1.000-4.000");
    run(300ms);
    ASSERT_EQ(play("Range: npt=3-\r\n").status, 200U) << "while it plays";
    run(2s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video, 75));
    EXPECT_NE(times(0).front(), last);
    const std::string clock = fmt::format(
        "Range: clock={}-\r\n",
        write(
            rtsp::Range{rtsp::Range::Unit::clock, sent(media::Kind::video)[25]->capture.utc.microseconds, {}})
            .substr(6, 20));
    ASSERT_EQ(play(clock).status, 200U) << clock;
    EXPECT_EQ(rtsp::find_header(answers_.back().headers, "Range"), "npt=1.000-4.000") << clock;
    EXPECT_EQ(play("Range: npt=400-\r\n").status, 457U);
    EXPECT_EQ(answers_.back().reason, "nothing was recorded from that moment on");
}

TEST_F(RewindTest, pauses_and_goes_on_with_the_next_unit) {
    record(75);
    prepare();
    ASSERT_EQ(play().status, 200U);
    run(1s);
    ASSERT_EQ(ask("PAUSE", address).status, 200U);
    const std::size_t heard = packets_.size();
    run(5s);
    EXPECT_EQ(packets_.size(), heard);
    ASSERT_EQ(ask("PLAY", address).status, 200U);
    EXPECT_TRUE(rtsp::find_header(answers_.back().headers, "Range").starts_with("npt=1.0"));
    run(3s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(payloads(1), sent_payloads(media::Kind::audio));
    EXPECT_EQ(farewells(), 2U);
}

TEST_F(RewindTest, plays_faster_and_slower_without_sound_and_only_key_pictures_where_it_is_much_faster) {
    record(200);
    prepare();
    ASSERT_EQ(play("Range: npt=0-\r\nScale: 4\r\n").status, 200U);
    EXPECT_EQ(rtsp::find_header(answers_.back().headers, "Scale"), "4");
    run(3s);
    const std::vector<std::uint32_t> keys = times(0);
    ASSERT_EQ(keys.size(), 8U);
    for (std::size_t i = 1; i < keys.size(); ++i) {
        EXPECT_EQ(keys[i] - keys[i - 1], 22'500U) << "a second, four times as fast";
    }
    EXPECT_TRUE(times(1).empty());
    EXPECT_EQ(farewells(), 2U);
    ASSERT_EQ(play("Range: npt=0-\r\nScale: 2\r\n").status, 200U);
    run(5s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(times(0)[1] - times(0)[0], 1'800U);
    ASSERT_EQ(play("Range: npt=0-2\r\nScale: 0.25\r\n").status, 200U);
    run(4s);
    EXPECT_NEAR(static_cast<double>(times(0).size()), 26, 2);
    EXPECT_EQ(times(0)[1] - times(0)[0], 14'400U);
    EXPECT_EQ(play("Scale: -1\r\n").status, 406U);
}

TEST_F(RewindTest, passes_a_gap_at_once_and_times_go_on_by_the_clock_of_capture) {
    record(50);
    world_.time.run_for(60s);
    camera_.restart();
    record(50, "1800000100-00000002");
    const std::vector<media::AccessUnitRef> pictures = sent(media::Kind::video);
    const std::int64_t apart = pictures[50]->capture.utc.microseconds - pictures[0]->capture.utc.microseconds;
    prepare();
    ASSERT_EQ(play("Range: npt=0-\r\n").status, 200U);
    run(5s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(payloads(1), sent_payloads(media::Kind::audio));
    EXPECT_EQ(farewells(), 2U);
    const std::vector<std::uint32_t> shown = times(0);
    EXPECT_NEAR(shown[50] - shown[0], static_cast<double>(apart) * 0.09, 90);
    const std::vector<std::uint32_t> heard = times(1);
    const double sound = (heard[heard.size() / 2 + 1] - heard[0]) / 44'100.0;
    EXPECT_NEAR(sound, static_cast<double>(apart) / 1e6, 0.1) << "in step over the gap";
}

TEST_F(RewindTest, takes_another_coding_of_the_same_codec_in_band_and_ends_before_another_codec) {
    record(50);
    camera_.restart();
    change_coding(40);
    record(25, "1800000100-00000002");
    camera_.restart(1'800'000'200);
    camera_.video = flv::samples::track(media::Codec::h265);
    record(25, "1800000200-00000003");
    prepare();
    EXPECT_TRUE(description_.range.starts_with("npt=0.000-")) << description_.range;
    ASSERT_EQ(play("Range: npt=0-\r\n").status, 200U);
    run(8s);
    EXPECT_EQ(farewells(), 2U);
    std::vector<Bytes> wanted = sent_payloads(media::Kind::video);
    wanted.resize(75);
    EXPECT_EQ(payloads(0), wanted);
    const rtsp::Response past = play("Range: npt=900-\r\n");
    EXPECT_EQ(past.status, 457U);
}

TEST_F(RewindTest, an_open_end_grows_with_the_recording) {
    const auto tend = [&] {
        keeper_.tend();
        run(500ms);
    };
    record(50, "1800000000-00000001", true);
    tend();
    prepare();
    EXPECT_EQ(description_.range, "npt=0.000-");
    ASSERT_EQ(play("Range: npt=0-\r\nScale: 1\r\n").status, 200U);
    for (int second = 0; second < 4; ++second) {
        record(25, "1800000000-00000001", true);
        tend();
    }
    EXPECT_EQ(farewells(), 0U);
    record(25);
    run(10s);
    EXPECT_EQ(payloads(0), sent_payloads(media::Kind::video));
    EXPECT_EQ(farewells(), 2U) << "it ends with the recording";
}

TEST_F(RewindTest, case_94_a_player_that_takes_nothing_is_read_no_more_for_and_closed) {
    camera_.picture_size = 20'000;
    record(500);
    prepare();
    connection_.reset();
    world_.time.run_for(1s);
    connect({.window = 16U << 10U});
    session_.clear();
    ASSERT_EQ(ask("DESCRIBE", address).status, 200U);
    const auto set_up = ask("SETUP", fmt::format("{}/trackID=0", address),
                            "Transport: RTP/AVP/TCP;unicast;interleaved=0-1\r\n");
    const std::string_view said = rtsp::find_header(set_up.headers, "Session");
    session_ = said.substr(0, said.find(';'));
    ASSERT_EQ(play("Range: npt=0-\r\n").status, 200U);
    world_.time.run_for(10s);
    ASSERT_EQ(desk_.sessions.reports().size(), 1U);
    EXPECT_LT(desk_.sessions.reports().front().bytes_out, 2 * RtspRewind::frames_max);
    world_.time.run_for(10s);
    EXPECT_EQ(desk_.sessions.reports().size(), 0U);
}

TEST_F(RewindTest, says_in_words_why_there_is_nothing_to_play) {
    record(25);
    connect();
    const auto asked = [&](std::string_view url) { return ask("DESCRIBE", url); };
    EXPECT_EQ(asked("rtsp://h/live/other/archive").status, 404U);
    EXPECT_EQ(asked("rtsp://h/live/cam/archive?from=2001-01-01T00:00:00Z&to=2001-01-02T00:00:00Z").status,
              404U);
    const rtsp::Response wrong = asked("rtsp://h/live/cam/archive?from=yesterday");
    EXPECT_EQ(wrong.status, 400U);
    EXPECT_EQ(wrong.reason, "from and to are times such as 2026-11-20T14:09:32Z");
    EXPECT_EQ(asked("rtsp://h/live/cam/archive").status, 200U);
    const auto group =
        ask("SETUP", "rtsp://h/live/cam/archive/trackID=0", "Transport: RTP/AVP;multicast\r\n");
    EXPECT_EQ(group.status, 461U);
    desk_.sessions.end_where([](const hub::SessionFacts& facts) { return facts.recorded; },
                             {Errc::cancelled, "an operator ended it"});
    run(1s);
    EXPECT_TRUE(closed_);
}

}   // namespace
}   // namespace millrace::session
