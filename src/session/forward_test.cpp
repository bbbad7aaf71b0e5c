#include "session/forward.hpp"

#include "base/virtual_network.hpp"
#include "protocol/rtmp/server.hpp"
#include "session/pushes_for_tests.hpp"
#include "session/raw_push.hpp"
#include "session/rtmp_push.hpp"
#include "session/ts_push.hpp"

namespace millrace::session {
namespace {

constexpr std::array kinds{ForwardKind{"rtmp://", rtmp_push}, ForwardKind{"rtmps://", rtmp_push},
                           ForwardKind{"tcp://", raw_push}, ForwardKind{"udp://", ts_push}};

/// The far end of a push by RTMP, with the words and the media that it got.
class RtmpReceiver {
public:
    RtmpReceiver(toys::PlayedServer& server, VirtualTime& time) : server_{server}, time_{time} {}

    /// Lets the conversation go on until nobody has anything to say.
    void listen() {
        for (int turn = 0; turn < 12; ++turn) {
            std::array<std::byte, 65536> buffer;
            while (const Result<std::size_t> read = server_.connection->try_read(buffer)) {
                EXPECT_TRUE(machine_.receive(std::span{buffer}.first(*read), time_.now()));
            }
            while (std::optional<rtmp::Server::Event> event = machine_.next_event()) {
                take(std::move(*event));
            }
            const std::vector<std::byte> output = machine_.next_output();
            if (!output.empty()) {   // after its last word it may be gone
                const std::array slices{ByteSpan{output}};
                [[maybe_unused]] const Result<std::size_t> sent = server_.connection->try_write(slices);
            }
            time_.settle();
        }
    }

    bool refuses = false;
    std::string asked_for;
    std::string query;
    std::vector<rtmp::Media> media;
    bool ended = false;

private:
    void take(rtmp::Server::Event event) {
        if (auto* const request = std::get_if<rtmp::Server::PublishRequested>(&event)) {
            asked_for = request->name;
            query = request->query;
            if (refuses) {
                machine_.refuse(rtmp::Server::Refusal::exists, "somebody publishes it");
            } else {
                machine_.accept_publish();
            }
        } else if (auto* const one = std::get_if<rtmp::Media>(&event)) {
            media.push_back(std::move(*one));
        } else if (std::holds_alternative<rtmp::Server::PublishEnded>(event)) {
            ended = true;
        }
    }

    toys::PlayedServer& server_;
    VirtualTime& time_;
    SeededRandom random_{5};
    rtmp::Server machine_{random_, Instant{}};
};

class Forward : public toys::PushTest {
protected:
    Forward() : PushTest{kinds} {}

    void show(bool key) {
        publisher_->unit(picture(key));
        at_ms_ += 40;
    }

    VirtualNetwork network_{world_.time};
};

TEST_F(Forward, nobody_is_called_before_the_stream_is_there) {
    push({"tcp://10.0.0.9:5000"});
    pass(1min);
    EXPECT_EQ(connector_.asked, 0);
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
    publish();
    show(true);
    pass(forward_look_every);
    EXPECT_EQ(connector_.asked, 1);
    EXPECT_EQ(server().dial.to.text(), "10.0.0.9:5000");
    EXPECT_EQ(report().state, hub::ForwardState::live);
}

TEST_F(Forward, one_that_is_told_of_the_stream_need_not_wait_for_its_next_look) {
    push({"tcp://10.0.0.9:5000"});
    pass(100ms);
    publish();
    show(true);
    executor_.run([this] { forwards_.look_now("live/cam"); });
    world_.time.settle();
    EXPECT_EQ(connector_.asked, 1);
}

TEST_F(Forward, row_3_21_a_receiver_of_bytes_gets_each_picture_with_its_parameter_sets) {
    publish();
    show(true);
    push({"tcp://10.0.0.9:5000"});
    show(false);
    pass(1s);
    const std::string heard = server().hear();
    EXPECT_TRUE(heard.starts_with(std::string_view{"\0\0\0\1\x67", 5})) << "the sequence parameter set";
    EXPECT_EQ(report().bytes, heard.size());
}

TEST_F(Forward, row_1_34_pictures_that_were_sent_are_counted_over_all_tries) {
    publish();
    show(true);
    push({"tcp://10.0.0.9:5000"});
    pass(1s);
    for (int i = 0; i < 30; ++i) {
        show(false);
        pass(40ms);
    }
    pass(200ms);
    EXPECT_EQ(report().frames_sent, 31U);
    EXPECT_EQ(report().frames_waiting, 0U);
    EXPECT_EQ(report().frames_skipped, 0U);
    EXPECT_NEAR(report().sent_per_second, 21, 3) << "25 a second until 200 ms ago";
    server().connection->close();
    world_.time.settle();
    EXPECT_EQ(report().frames_sent, 31U);
    EXPECT_EQ(report().sent_per_second, 0);
    pass(forward_pause_min);
    show(true);
    pass(1s);
    EXPECT_EQ(report().frames_sent, 31U + 31U + 1U) << "it begins with the group under way";
}

TEST_F(Forward, row_3_21_a_receiver_that_is_gone_is_said_and_called_again) {
    publish();
    show(true);
    push({"tcp://10.0.0.9:5000"});
    pass(1s);
    server().connection->close();
    world_.time.settle();
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_NE(report().reason, "");
    pass(forward_pause_min);
    ASSERT_EQ(connector_.asked, 2);
    show(true);
    pass(1s);
    EXPECT_EQ(report().state, hub::ForwardState::live);
    EXPECT_EQ(report().reason, "");
    EXPECT_FALSE(server().hear().empty());
}

TEST_F(Forward, case_84_one_that_never_answers_is_called_every_five_seconds_at_most_and_by_chance) {
    publish();
    show(true);
    connector_.refusal = Error{Errc::refused, "nobody listens at that address and port"};
    push({"tcp://10.0.0.9:5000"});
    for (int i = 0; i < 120; ++i) {
        show(i % 2 == 0);
        pass(1s);
    }
    EXPECT_GE(connector_.asked, 120 / 5);
    EXPECT_LE(connector_.asked, 10 + 120 / 2);
    EXPECT_EQ(report().reason, "nobody listens at that address and port");
}

TEST_F(Forward, by_udp_a_large_picture_leaves_in_full_datagrams_of_whole_packets_and_in_bursts) {
    constexpr std::size_t full = std::size_t{7} * 188;
    connector_.network = &network_;
    const auto receiver = network_.open(far_side_, {"10.0.0.9", 5000});
    ASSERT_TRUE(receiver);
    publish();
    show(true);
    push({"udp://10.0.0.9:5000?ttl=4"});
    pass(1s);
    EXPECT_EQ(connector_.dials.at(0).hops, 4);
    EXPECT_EQ(report().state, hub::ForwardState::live) << report().reason;
    const auto take = [&] {
        std::size_t bytes = 0;
        std::array<std::byte, 2048> buffer;
        std::array one{Received{.buffer = buffer}};
        while ((*receiver)->receive(one)) {
            EXPECT_EQ(one[0].size % 188, 0U);
            EXPECT_LE(one[0].size, full);
            EXPECT_EQ(buffer[0], std::byte{0x47});
            bytes += one[0].size;
            one[0].buffer = buffer;
        }
        return bytes;
    };
    const std::size_t first = take();
    EXPECT_GT(first, 0U);
    media::AccessUnit large = picture(false);
    std::vector<std::byte> nal(200'004, std::byte{0x41});
    std::ranges::copy(std::array{std::byte{0}, std::byte{3}, std::byte{0x0D}, std::byte{0x40}}, nal.begin());
    large.payload = Bytes{std::move(nal)};
    publisher_->unit(std::move(large));
    const std::size_t at_once = take();
    EXPECT_LE(at_once, 40 * full) << "not all at once";
    pass(100ms);
    const std::size_t rest = take();
    EXPECT_GE(at_once + rest, 200'000U) << "but all of it";
    EXPECT_EQ(report().bytes, first + at_once + rest);
    EXPECT_EQ(report().frames_sent, 2U);
    EXPECT_EQ(report().frames_waiting, 0U);
    world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
    pass(1s);
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
}

TEST_F(Forward, by_rtmp_the_stream_is_published_there_under_the_key_of_the_address) {
    publish();
    show(true);
    push({"rtmp://me:s3cr3t@far.example/live2/key?a=b"});
    RtmpReceiver receiver{server(), world_.time};
    receiver.listen();
    EXPECT_EQ(receiver.asked_for, "live2/key");
    EXPECT_EQ(receiver.query, "a=b&user=me&pass=s3cr3t");
    show(false);
    pass(100ms);
    receiver.listen();
    ASSERT_EQ(report().state, hub::ForwardState::live) << report().reason;
    EXPECT_EQ(report().to, "rtmp://me:***@far.example/live2/***?a=b");
    std::size_t pictures = 0;
    for (const rtmp::Media& one : receiver.media) {
        pictures += one.type == rtmp::MediaType::video ? 1 : 0;
    }
    EXPECT_EQ(pictures, 3U) << "a sequence header, the key frame, the picture after it";
    EXPECT_EQ(receiver.media.front().type, rtmp::MediaType::data);
}

TEST_F(Forward, the_said_end_of_a_stream_is_said_there_and_it_comes_again_with_the_stream) {
    publish();
    show(true);
    push({"rtmp://far.example/live/cam"});
    RtmpReceiver receiver{server(), world_.time};
    receiver.listen();
    world_.desk_a.executor.run([this] { publisher_->publication->finish(); });
    world_.time.settle();
    pass(100ms);
    receiver.listen();
    EXPECT_TRUE(receiver.ended);
    EXPECT_TRUE(server().is_left());
    EXPECT_EQ(report().state, hub::ForwardState::waiting);
    pass(3s);
    EXPECT_EQ(connector_.asked, 1) << "the stream is offline";
    publisher_.reset();
    publish();
    show(true);
    pass(1s);
    EXPECT_EQ(connector_.asked, 2);
}

TEST_F(Forward, a_refusal_is_shown_in_the_servers_words) {
    publish();
    show(true);
    push({"rtmp://far.example/live/cam"});
    RtmpReceiver receiver{server(), world_.time};
    receiver.refuses = true;
    receiver.listen();
    EXPECT_EQ(report().state, hub::ForwardState::broken);
    EXPECT_NE(report().reason.find("somebody publishes it"), std::string::npos) << report().reason;
}

TEST_F(Forward, one_that_is_not_wanted_any_more_is_left_and_others_go_on) {
    publish();
    show(true);
    push({"tcp://10.0.0.8:1", "tcp://10.0.0.9:2"});
    pass(1s);
    ASSERT_EQ(connector_.asked, 2);
    push({"tcp://10.0.0.9:2"});
    pass(1s);
    EXPECT_EQ(connector_.asked, 2);
    EXPECT_NE(connector_.servers.at(0).is_left(), connector_.servers.at(1).is_left());
    EXPECT_EQ(report().to, "tcp://10.0.0.9:2");
    push({});
    EXPECT_EQ(forwards_.size(), 0U);
    pass(1min);
    EXPECT_EQ(connector_.asked, 2);
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(Forward, an_administrator_who_ends_its_session_makes_it_begin_anew) {
    publish();
    show(true);
    push({"tcp://10.0.0.9:5000"});
    pass(1s);
    executor_.run([this] {
        desk_.sessions.end_where([](const hub::SessionFacts& facts) { return facts.protocol == "tcp-push"; },
                                 {Errc::cancelled, "an administrator ended this session"});
    });
    world_.time.settle();
    EXPECT_EQ(report().reason, "an administrator ended this session");
    pass(1s);
    EXPECT_EQ(connector_.asked, 2);
}

}   // namespace
}   // namespace millrace::session
