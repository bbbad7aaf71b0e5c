#include "protocol/rtsp/client.hpp"
#include "protocol/rtsp/raw_client_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::rtsp {
namespace {

/// A client and a server, joined.
struct Conversation {
    SeededRandom random{8};
    Instant now;
    Server server{random, now};
    Client client;
    Result<> last;
    std::vector<Client::Event> events;
    std::vector<Server::Event> served;
    std::string password;   // empty: everybody may
    DigestNonces nonces{random};

    explicit Conversation(ClientOptions options) : client{std::move(options), random, now} {}

    bool allowed(const Server::Caller& caller) {
        if (password.empty()) {
            return true;
        }
        const auto said = read_credentials(caller.authorization);
        return said && said->uri == caller.url && nonces.age(said->nonce, now) == DigestNonces::Age::fresh &&
               proves(*said, digest_secret(said->algorithm, "me", "millrace", password), caller.method);
    }
    void refuse() {
        server.refuse({.status = unauthorized,
                       .reason = {},
                       .challenges = {write(DigestChallenge{.realm = "millrace",
                                                            .nonce = nonces.make(now),
                                                            .opaque = {},
                                                            .algorithm = DigestAlgorithm::sha256,
                                                            .auth = true})}});
    }
    void decide(const Server::Event& event) {
        if (const auto* play = std::get_if<Server::PlayRequested>(&event)) {
            allowed(play->caller) ? server.offer(RawClient::two_tracks()) : refuse();
        } else if (const auto* publish = std::get_if<Server::PublishRequested>(&event)) {
            allowed(publish->caller) ? server.accept_publish() : refuse();
        } else if (std::holds_alternative<Server::PortsWanted>(event)) {
            server.grant_ports({.server = {7'000, 7'001}, .ssrc = 3});
        } else if (std::holds_alternative<Server::PlayStarted>(event)) {
            const std::vector<Server::TrackStart> starts{{0, 70, 700}, {1, 80, 800}};
            server.start_play(starts);
        }
    }
    void run(std::vector<Client::Choice> choices) {
        for (int round = 0; round < 100 && last; ++round) {
            const std::vector<std::byte> asked = client.next_output();
            for (const std::byte& byte : asked) {
                EXPECT_TRUE(server.receive({&byte, 1}, now));
                while (std::optional<Server::Event> event = server.next_event()) {
                    decide(*event);
                    served.push_back(std::move(*event));
                }
            }
            const std::vector<std::byte> answered = server.next_output();
            for (std::size_t i = 0; i < answered.size() && last; ++i) {
                last = client.receive({&answered[i], 1}, now);
            }
            while (std::optional<Client::Event> event = client.next_event()) {
                if (std::holds_alternative<Client::Described>(*event)) {
                    last = client.choose(choices, now);
                }
                events.push_back(std::move(*event));
            }
            if (asked.empty() && answered.empty()) {
                return;
            }
        }
    }
    const Client::Started* started() const {
        for (const Client::Event& event : events) {
            if (const auto* one = std::get_if<Client::Started>(&event)) {
                return one;
            }
        }
        return nullptr;
    }
};

TEST(RtspConversation, plays_over_tcp_cut_at_every_byte_with_digest_and_keeps_alive) {
    Conversation talk{{.url = "rtsp://h/live/cam?x=1", .user = "me", .password = "secret", .announce = {}}};
    talk.password = "secret";
    talk.run({{.track = 0, .ports = {}}, {.track = 1, .ports = {}}});
    ASSERT_TRUE(talk.last) << talk.last.error().what;
    ASSERT_NE(talk.started(), nullptr);
    EXPECT_EQ(talk.started()->tracks.size(), 2U);
    ASSERT_EQ(talk.started()->starts.size(), 2U);
    EXPECT_EQ(talk.started()->starts[1].timestamp, 800U);
    EXPECT_TRUE(talk.server.playing());
    EXPECT_EQ(talk.client.deadline(), talk.now + 30s);
    EXPECT_TRUE(talk.client.advance(talk.now + 30s));
    const std::vector<std::byte> asked = talk.client.next_output();
    EXPECT_TRUE(as_text(asked).starts_with("GET_PARAMETER"));
    EXPECT_TRUE(talk.server.receive(asked, talk.now));
    EXPECT_TRUE(talk.client.receive(talk.server.next_output(), talk.now + 30s));
    talk.client.tear_down();
    EXPECT_TRUE(as_text(talk.client.next_output()).starts_with("TEARDOWN"));
}

TEST(RtspConversation, plays_over_udp_and_publishes) {
    Conversation play{{.url = "rtsp://h/live/cam", .user = {}, .password = {}, .announce = {}}};
    play.run({{.track = 1, .ports = Ports{5'000, 5'001}}});
    ASSERT_NE(play.started(), nullptr);
    EXPECT_EQ(play.started()->tracks[0].transport.server_ports, (Ports{7'000, 7'001}));
    EXPECT_EQ(play.started()->tracks[0].transport.ssrc, 3U);
    Conversation publish{{.url = "rtsp://h/live/cam",
                          .user = "me",
                          .password = "secret",
                          .announce = RawClient::two_tracks()}};
    publish.password = "secret";
    publish.run({{.track = 0, .ports = {}}, {.track = 1, .ports = {}}});
    ASSERT_TRUE(publish.last);
    EXPECT_TRUE(publish.server.recording());
    EXPECT_TRUE(publish.client.started());
}

TEST(RtspConversation, case_29_ends_where_the_password_is_wrong) {
    Conversation talk{{.url = "rtsp://h/live/cam", .user = "me", .password = "wrong", .announce = {}}};
    talk.password = "secret";
    talk.run({});
    EXPECT_EQ(talk.last.error().code, Errc::unauthenticated);
    Conversation nobody{{.url = "rtsp://h/live/cam", .user = {}, .password = {}, .announce = {}}};
    nobody.password = "secret";
    nobody.run({});
    EXPECT_EQ(nobody.last.error().code, Errc::unauthenticated);
}

/// A client that has been told what a camera says, and what came of it.
struct Camera {
    SeededRandom random{8};
    Client client;

    explicit Camera(std::string user = {}, std::string password = {})
        : client{{.url = "rtsp://cam//Streaming/Channels/1",
                  .user = std::move(user),
                  .password = std::move(password),
                  .announce = {}},
                 random,
                 Instant{}} {}

    /// Until its one track is to be chosen.
    void describe_one_track() {
        const std::string sdp = "m=video 0 RTP/AVP 96\n";
        EXPECT_TRUE(say("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
        EXPECT_TRUE(
            say(fmt::format("RTSP/1.0 200 OK\r\nCSeq: 2\r\nContent-Length: {}\r\n\r\n{}", sdp.size(), sdp)));
        heard();
    }
    Result<> say(std::string_view text) { return client.receive(as_bytes(text), Instant{}); }
    std::string heard() { return std::string{as_text(client.next_output())}; }
};

TEST(RtspClient, case_31_bears_with_odd_cameras) {
    Camera camera;
    EXPECT_TRUE(camera.heard().starts_with("OPTIONS rtsp://cam//Streaming/Channels/1 RTSP/1.0\r\n"));
    EXPECT_TRUE(camera.say("\r\n\r\nRTSP/1.0 200 OK\r\nCSeq: 1\r\nPublic: PLAY\r\n\r\n"));
    camera.heard();
    EXPECT_TRUE(camera.say("RTSP/1.0 200 OK\nCSeq: 1\n\n"));   // an answer twice
    const std::string sdp = "m=video 0 RTP/AVP 96\na=control:rtsp://other/track1\n";
    EXPECT_TRUE(camera.say(
        fmt::format("RTSP/1.0 200 OK\r\nCSeq: 2\r\nhello\r\nContent-Length: {}\r\n\r\n{}", sdp.size(), sdp)));
    const std::vector<Client::Choice> all{{.track = 0, .ports = {}}};
    ASSERT_TRUE(camera.client.choose(all, Instant{}));
    EXPECT_TRUE(camera.heard().starts_with("SETUP rtsp://other/track1 RTSP/1.0"));
    EXPECT_TRUE(
        camera.say("RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 12;timeout=10\r\n"
                   "Transport: RTP/AVP/TCP;unicast;interleaved=6-7\r\n\r\n"));
    EXPECT_NE(camera.heard().find("Session: 12\r\n"), std::string::npos);
    while (camera.client.next_event()) {
    }
    EXPECT_TRUE(
        camera.say(std::string_view{"$\x06\0\x02hi\r\n$\x09\0\x01x", 13}));   // before the answer to PLAY
    const auto packet = camera.client.next_event();
    ASSERT_TRUE(packet && std::holds_alternative<Client::Packet>(*packet));
    EXPECT_EQ(as_text(std::get<Client::Packet>(*packet).payload), "hi");
    EXPECT_TRUE(camera.say("RTSP/1.0 200 OK\r\nCSeq: 4\r\nRTP-Info: url=trackx;seq=1;rtptime=2\r\n\r\n"));
    const auto started = camera.client.next_event();
    ASSERT_TRUE(started && std::holds_alternative<Client::Started>(*started));
    EXPECT_EQ(std::get<Client::Started>(*started).starts.size(), 1U);
    EXPECT_EQ(camera.client.deadline(), Instant{} + 5s);
    EXPECT_TRUE(camera.say("OPTIONS * RTSP/1.0\r\nCSeq: 1\r\n\r\n"));
    EXPECT_TRUE(camera.heard().starts_with("RTSP/1.0 200"));
}

TEST(RtspClient, case_31_takes_answers_of_another_number_where_no_better_ones_come) {
    Camera camera;
    EXPECT_TRUE(camera.say("RTSP/1.0 200 OK\r\nCSeq: 0\r\n\r\n"));
    camera.heard();
    EXPECT_TRUE(camera.heard().empty());
    EXPECT_EQ(camera.client.deadline(), Instant{} + stray_answer_wait);
    EXPECT_TRUE(camera.client.advance(Instant{} + stray_answer_wait));
    EXPECT_TRUE(camera.heard().starts_with("DESCRIBE"));
    EXPECT_TRUE(camera.client.server_miscounts());
    const std::string sdp = "m=video 0 RTP/AVP 96\n";
    EXPECT_TRUE(camera.say(
        fmt::format("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {}\r\n\r\n{}", sdp.size(), sdp)));
    EXPECT_TRUE(camera.client.next_event()) << "from now on nothing is waited for";
}

TEST(RtspClient, case_13_leaves_a_camera_whose_head_has_no_end) {
    Camera camera;
    EXPECT_FALSE(camera.say("RTSP/1.0 200 OK\r\nX: " + std::string(1U << 20U, 'x')));
    Camera chatterer;
    Result<> last;
    for (unsigned i = 0; i < 10'000 && last; ++i) {
        last = chatterer.say("junk that is no message\r\n");
    }
    EXPECT_FALSE(last);
}

TEST(RtspClient, case_14_leaves_a_camera_whose_lengths_are_none) {
    for (const std::string_view length :
         {"-1", "2147483648", "9223372036854775808", "12abc", "5\r\nContent-Length: 6"}) {
        Camera camera;
        EXPECT_FALSE(
            camera.say(fmt::format("RTSP/1.0 200 OK\r\nCSeq: 1\r\nContent-Length: {}\r\n\r\n", length)))
            << length;
    }
}

TEST(RtspClient, case_15_takes_answers_whose_number_is_none_as_those_without) {
    for (const std::string_view number : {"", "CSeq: \r\n", "CSeq: -1\r\n", "CSeq: x\r\n"}) {
        Camera camera;
        camera.heard();
        EXPECT_TRUE(camera.say(fmt::format("RTSP/1.0 200 OK\r\n{}\r\n", number))) << number;
        EXPECT_TRUE(camera.heard().starts_with("DESCRIBE")) << number;
    }
    Camera camera;
    EXPECT_FALSE(camera.say("RTSP/1.0 200 OK\r\nCSeq: " + std::string(5'000'000, '1')));
}

TEST(RtspClient, case_19_and_20_listens_where_it_asked_to_and_passes_over_frames_of_no_channel) {
    Camera camera;
    camera.describe_one_track();
    const std::vector<Client::Choice> all{{.track = 0, .ports = {}}};
    ASSERT_TRUE(camera.client.choose(all, Instant{}));
    EXPECT_TRUE(
        camera.say("RTSP/1.0 200 OK\r\nCSeq: 3\r\nSession: 12 ; timeout=60\r\n"
                   "Transport: RTP/AVP/TCP;unicast;interleaved=255-256\r\n\r\n"));
    EXPECT_NE(camera.heard().find("Session: 12\r\n"), std::string::npos);
    EXPECT_TRUE(camera.say("RTSP/1.0 200 OK\r\nCSeq: 4\r\n\r\n"));
    while (camera.client.next_event()) {
    }
    EXPECT_TRUE(camera.say("$\x07\xff\xff" + std::string(65'535, 'x')));
    EXPECT_FALSE(camera.client.next_event());
    EXPECT_TRUE(camera.say(std::string_view{"$\0\0\x05half", 8}));
    EXPECT_FALSE(camera.client.next_event());
    EXPECT_TRUE(camera.say("+"));
    const auto packet = camera.client.next_event();
    ASSERT_TRUE(packet && std::holds_alternative<Client::Packet>(*packet));
    EXPECT_EQ(as_text(std::get<Client::Packet>(*packet).payload), "half+");
}

TEST(RtspClient, case_29_gives_up_where_every_nonce_is_called_old) {
    Camera camera{"me", "secret"};
    Result<> last;
    int asked = 0;
    for (unsigned number = 1; number < 20 && last; ++number) {
        asked += camera.heard().empty() ? 0 : 1;
        last =
            camera.say(fmt::format("RTSP/1.0 401 No\r\nCSeq: {}\r\n"
                                   "WWW-Authenticate: Digest realm=\"r\", nonce=\"{}\", stale=true\r\n\r\n",
                                   number, number));
    }
    EXPECT_EQ(last.error().code, Errc::unauthenticated);
    EXPECT_EQ(asked, 3) << "without proof, with one, with one of a new nonce";
}

TEST(RtspClient, case_28_tells_of_redirections_and_follows_none) {
    Camera camera;
    EXPECT_TRUE(camera.say("RTSP/1.0 200 OK\r\nCSeq: 1\r\n\r\n"));
    EXPECT_TRUE(camera.say("RTSP/1.0 302 Moved\r\nCSeq: 2\r\nLocation: file:///etc/passwd\r\n\r\n"));
    const auto event = camera.client.next_event();
    ASSERT_TRUE(event && std::holds_alternative<Client::Redirected>(*event));
    EXPECT_EQ(std::get<Client::Redirected>(*event).url, "file:///etc/passwd");
}

TEST(RtspClient, says_what_the_server_said_and_waits_for_no_answer_for_ever) {
    Camera camera;
    EXPECT_EQ(camera.client.advance(Instant{} + 10s).error().code, Errc::timed_out);
    Camera other;
    EXPECT_TRUE(other.say("RTSP/1.0 501 No\r\nCSeq: 1\r\n\r\n"));   // no OPTIONS: it goes on
    EXPECT_EQ(other.say("RTSP/1.0 404 Gone\r\nCSeq: 2\r\n\r\n").error().code, Errc::not_found);
    EXPECT_EQ(other.client.status(), 404U);
    EXPECT_EQ(other.client.reason(), "Gone");
}

}   // namespace
}   // namespace millrace::rtsp
