#include "session/ws_pull.hpp"

#include "media/jpeg_for_tests.hpp"
#include "protocol/ws/hand_made_frames.hpp"
#include "protocol/ws/handshake.hpp"
#include "session/pulls_for_tests.hpp"

namespace millrace::session {
namespace {

class WsPull : public toys::PullTest {
protected:
    /// The server agrees to what was asked.
    void agree() {
        const std::string& heard = server().hear();
        const std::size_t at = heard.find("Sec-WebSocket-Key: ") + 19;
        say(
            fmt::format("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                        "Sec-WebSocket-Accept: {}\r\n\r\n",
                        ws::accept_of(heard.substr(at, heard.find('\r', at) - at))));
    }
    void message(ByteSpan bytes) {
        say(ws::hand_made::from_server({{.opcode = 2, .payload = std::string{as_text(bytes)}}}));
    }
};

}   // namespace

TEST_F(WsPull, what_the_messages_hold_is_published_whatever_it_is) {
    for (const auto& film : {toys::flv_film(0, 1000), toys::ts_film(0, 1000), toys::mp4_film(0, 1000)}) {
        start("ws://far.example/live/cam.flv?token=x");
        EXPECT_NE(server().hear().find("GET /live/cam.flv?token=x HTTP/1.1\r\nHost: far.example\r\n"),
                  std::string::npos);
        agree();
        say(ws::hand_made::from_server({{.opcode = 1, .payload = R"({"t":"tracks"})"}}));
        EXPECT_EQ(state(), "none");
        message(film);
        const hub::StreamReport seen = report();
        EXPECT_EQ(seen.publisher->protocol, "websocket");
        EXPECT_EQ(name(seen.state), "live");
        EXPECT_EQ(seen.tracks.size(), 2U);
        EXPECT_GE(toys::units_of(seen, media::Kind::video), 24U);
        EXPECT_EQ(seen.units_unusable, 0U);
        stop();
        EXPECT_TRUE(server().is_left());
        world_.time.run_for(1min);
    }
    EXPECT_EQ(executor_.tasks().size(), 0U);
}

TEST_F(WsPull, a_close_in_good_order_is_the_streams_end_and_a_break_is_not) {
    start("wss://me:secret@far.example/live/cam.flv");
    EXPECT_TRUE(server().dial.tls);
    EXPECT_NE(server().hear().find("Authorization: Basic bWU6c2VjcmV0\r\n"), std::string::npos);
    agree();
    message(toys::flv_film(0, 1000));
    say(ws::hand_made::from_server({ws::hand_made::close(1000)}));
    EXPECT_EQ(state(), "offline");
    wait_for_next_try();
    agree();
    message(toys::flv_film(0, 1000));
    close();
    EXPECT_EQ(state(), "stale");
}

TEST_F(WsPull, row_4_13_pictures_are_taken_and_their_publishers_end_is_heard) {
    const Bytes picture = media::jpeg::Sample{64, 48}.bytes();
    start("ws://far.example/live/cam.mjpeg");
    agree();
    for (int i = 0; i < 10; ++i) {
        message(picture);
        message(picture.span().first(9));   // a broken one is no broken camera
        world_.time.run_for(100ms);
    }
    EXPECT_EQ(state(), "live");
    EXPECT_EQ(report().tracks.at(0).track.config->width, 64U);
    EXPECT_EQ(toys::units_of(report(), media::Kind::video), 10U);
    say(ws::hand_made::from_server({{.opcode = 1, .payload = R"({"t":"waiting"})"}}));
    EXPECT_EQ(state(), "live") << "the publisher is lost: it may come back";
    say(ws::hand_made::from_server({{.opcode = 1, .payload = R"({"t":"waiting","publisher":"ended"})"}}));
    EXPECT_EQ(state(), "offline");
}

TEST_F(WsPull, what_is_no_media_and_who_opens_no_websocket_is_left_alone) {
    start("ws://far.example/live/cam.flv");
    agree();
    message(as_bytes(std::string_view{"GIF89a, and more of it"}));
    EXPECT_TRUE(server().is_left());
    wait_for_next_try();
    say("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n");
    EXPECT_TRUE(server().is_left());
    wait_for_next_try();
    agree();
    world_.time.run_for(11s);
    EXPECT_TRUE(server().is_left()) << "nothing came";
    EXPECT_EQ(state(), "none");
}

}   // namespace millrace::session
