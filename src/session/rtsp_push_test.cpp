#include "session/rtsp_push.hpp"

#include "protocol/rtp/samples_for_tests.hpp"
#include "protocol/rtsp/digest_access.hpp"
#include "protocol/rtsp/server.hpp"
#include "protocol/rtsp/track_payloads.hpp"
#include "session/pushes_for_tests.hpp"

namespace millrace::session {
namespace {

constexpr std::array kinds{ForwardKind{"rtsp://", rtsp_push}, ForwardKind{"rtsps://", rtsp_push}};

/// A server elsewhere that takes what is published, and the units that it got.
class Recorder {
public:
    Recorder(toys::PlayedServer& far, VirtualTime& time) : far_{far}, time_{time} {}

    void listen() {
        for (int turn = 0; turn < 16; ++turn) {
            far_.hear();
            const std::string asked = std::exchange(far_.heard, {});
            heard += asked;
            EXPECT_TRUE(server_.receive(as_bytes(asked), time_.now()));
            while (std::optional<rtsp::Server::Event> event = server_.next_event()) {
                take(*event);
            }
            const std::vector<std::byte> answer = server_.next_output();
            if (!answer.empty() && !far_.is_left()) {
                far_.say(as_text(answer));
            }
            time_.settle();
        }
    }

    std::string heard;
    std::string password;   ///< of "me"; empty: anybody may
    std::optional<sdp::Description> description;
    std::vector<media::AccessUnit> units;

private:
    bool allows(const rtsp::Server::Caller& caller) const {
        const auto said = rtsp::read_credentials(caller.authorization);
        return password.empty() ||
               (said && rtsp::proves(*said, rtsp::digest_secret(said->algorithm, "me", "there", password),
                                     caller.method));
    }
    void take(const rtsp::Server::Event& event) {
        if (const auto* publish = std::get_if<rtsp::Server::PublishRequested>(&event)) {
            if (!allows(publish->caller)) {
                server_.refuse({.status = rtsp::unauthorized,
                                .reason = {},
                                .challenges = {"Digest realm=\"there\", nonce=\"abc\""}});
                return;
            }
            description = publish->description;
            const Result<rtp::Format> format = rtsp::payload_of(description->media.at(0));
            ASSERT_TRUE(format);
            receiver_.emplace(*rtp::Receiver::make(*format, {}));
            server_.accept_publish();
        } else if (const auto* packet = std::get_if<rtsp::Server::Packet>(&event)) {
            if (packet->control || packet->track != 0) {
                return;
            }
            receiver_->receive(packet->payload, time_.now());
            while (std::optional<media::AccessUnit> unit = receiver_->next()) {
                units.push_back(std::move(*unit));
            }
        }
    }

    toys::PlayedServer& far_;
    VirtualTime& time_;
    SeededRandom random_{5};
    rtsp::Server server_{random_, time_.now()};
    std::optional<rtp::Receiver> receiver_;
};

class RtspPush : public toys::PushTest {
protected:
    RtspPush() : PushTest{kinds} {}

    /// Four pictures of that codec.
    void show(media::Codec codec) {
        if (!publisher_) {
            publisher_.emplace(world_, world_.desk_a);
        }
        for (media::AccessUnit& unit : rtp::samples::units(codec, 3'000)) {
            const std::int64_t more = media::rescale(at_ms_, 1'000, unit.config->timescale);
            unit.pts += more;
            unit.dts += more;
            publisher_->unit(std::move(unit));
        }
        at_ms_ += 160;
        world_.time.run_for(160ms);
    }
};

TEST_F(RtspPush, row_3_13_a_stream_of_h265_is_published_over_tcp_with_digest) {
    show(media::Codec::h265);
    push({"rtsp://me:secret@there.example:8555//in/cam?x='1'"});
    ASSERT_EQ(connector_.asked, 1);
    EXPECT_EQ(server().dial.to.text(), "there.example:8555");
    Recorder recorder{server(), world_.time};
    recorder.password = "secret";
    recorder.listen();
    ASSERT_TRUE(recorder.description);
    EXPECT_EQ(recorder.description->media.at(0).formats.at(0).encoding, "H265");
    EXPECT_NE(recorder.heard.find("ANNOUNCE rtsp://there.example:8555//in/cam?x='1' RTSP/1.0"),
              std::string::npos);
    EXPECT_NE(recorder.heard.find("RTP/AVP/TCP;unicast;interleaved=0-1;mode=record"), std::string::npos);
    EXPECT_EQ(report().state, hub::ForwardState::live);
    for (int i = 0; i < 5; ++i) {
        show(media::Codec::h265);
        recorder.listen();
    }
    world_.time.run_for(1s);
    recorder.listen();
    EXPECT_GE(recorder.units.size(), 20U);
    EXPECT_EQ(recorder.units.at(0).config->codec, media::Codec::h265);
    EXPECT_TRUE(recorder.units.at(0).key);
    EXPECT_GT(report().bytes, 20U * 3'000);
}

TEST_F(RtspPush, a_refusal_is_said_in_words_and_tried_again) {
    show(media::Codec::h264);
    push({"rtsp://me:wrong@there.example/in"});
    Recorder recorder{server(), world_.time};
    recorder.password = "secret";
    recorder.listen();
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_EQ(report().reason, "the server answers 401: another user or password");
    EXPECT_EQ(report().to, "rtsp://me:***@there.example/in");
    show(media::Codec::h264);
    world_.time.run_for(forward_pause_min);
    EXPECT_EQ(connector_.asked, 2);
}

TEST_F(RtspPush, the_end_of_the_stream_is_said_by_teardown) {
    show(media::Codec::h264);
    push({"rtsp://there.example/in"});
    Recorder recorder{server(), world_.time};
    recorder.listen();
    ASSERT_EQ(report().state, hub::ForwardState::live);
    world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
    world_.time.run_for(1s);
    recorder.listen();
    EXPECT_NE(recorder.heard.find("TEARDOWN rtsp://there.example/in RTSP/1.0"), std::string::npos);
    EXPECT_TRUE(server().is_left());
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
}

TEST_F(RtspPush, by_rtsps_the_connection_is_secured) {
    show(media::Codec::h264);
    push({"rtsps://there.example/in"});
    ASSERT_EQ(connector_.asked, 1);
    EXPECT_TRUE(server().dial.tls);
}

}   // namespace
}   // namespace millrace::session
