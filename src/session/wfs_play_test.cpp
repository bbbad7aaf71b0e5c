#include "session/wfs_play.hpp"

#include "base/virtual_connection.hpp"
#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "protocol/http/answer.hpp"
#include "protocol/ws/hand_made_frames.hpp"
#include "session/media_play.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using namespace std::string_view_literals;

/// Lets anyone in but to live/secret.
class Door final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        if (petition.stream == "live/secret") {
            reply.give(fail(Errc::refused, "not for you"));
            return;
        }
        reply.give(hub::Admitted{.identity = {}, .anyone = true});
    }
};

/// A worker that publishes live/cam, with the routes of bare H.264, and a page that the test drives by hand.
class WfsPlay : public testing::Test {
protected:
    WfsPlay()
        : desk_{world_.desk_a.executor, world_.directory, door_, world_.random},
          routes_{media_play(desk_), wfs_play(desk_)} {
        Settings settings{.default_stream = "live/cam"};
        settings.wfs = {{"ch1", "live/cam"}, {"ch2", "live/secret"}, {"ch3", "live/gone"}};
        desk_.settings = std::make_shared<const Settings>(std::move(settings));
    }
    ~WfsPlay() override {
        client_.reset();
        world_.time.run_for(1s);   // what served it leaves before the desk does
    }

    /// The head of the answer, or all of one that opens nothing.
    std::string dial(std::string target, std::string_view protocol = {}, bool upgrades = true) {
        const std::size_t mark = std::min(target.find('?'), target.size());
        web::Request request{.method = "GET", .path = target.substr(0, mark)};
        request.query = target.substr(std::min(mark + 1, target.size()));
        if (upgrades) {
            request.headers = {{"Connection", "Upgrade"},
                               {"Upgrade", "websocket"},
                               {"Sec-WebSocket-Version", "13"},
                               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
        }
        if (!protocol.empty()) {
            request.headers.push_back({"Sec-WebSocket-Protocol", std::string{protocol}});
        }
        auto [client, server] = virtual_connection(page_, world_.desk_a.executor, {}, {});
        client_ = std::move(client);
        world_.desk_a.executor.run([&, connection = std::move(server)]() mutable {
            world_.desk_a.executor.tasks().spawn(serve(*this, std::move(request), std::move(connection)));
        });
        return read();
    }
    void say(std::string text) {
        const auto frames = ws::hand_made::from_client({{.payload = std::move(text)}});
        const std::array slices{ByteSpan{frames}};
        ASSERT_TRUE(client_->try_write(slices));
        world_.time.settle();
    }
    std::string read() {
        std::string text;
        std::array<std::byte, 4096> buffer;
        world_.time.run_for(1s);
        while (const auto count = client_->try_read(buffer)) {
            text += as_text(std::span{buffer}.first(*count));
            world_.time.settle();
        }
        return text;
    }

    void publish() { publisher_.emplace(world_, world_.desk_a); }
    void picture(bool key) {
        static const media::ConfigRef config = flv::samples::track(media::Codec::h264).config;
        const std::int64_t time = 3600 * picture_++;
        publisher_->unit({.track = 0,
                          .config = config,
                          .payload = Bytes::copy(key ? "\0\0\0\2\x65\x88"sv : "\0\0\0\2\x41\x9a"sv),
                          .dts = time,
                          .pts = time,
                          .key = key});
        world_.time.run_for(40ms);
    }
    static std::string key_unit() {
        using flv::samples::from_hex;
        std::string unit;
        for (const std::string_view set : {flv::samples::h264_sps, flv::samples::h264_pps}) {
            unit += "\0\0\0\1"sv;
            unit += as_text(from_hex(set));
        }
        unit += "\0\0\0\1\x65\x88"sv;
        return unit;
    }
    static std::string message(std::string_view payload) {
        return std::string{"\x82"} + static_cast<char>(payload.size()) + std::string{payload};
    }

    hub::toys::World world_;
    VirtualExecutor& page_ = world_.time.add_executor();
    Door door_;
    Desk desk_;
    std::vector<web::Route> routes_;
    std::optional<hub::toys::Publisher> publisher_;
    std::unique_ptr<Connection> client_;
    std::int64_t picture_ = 0;

private:
    static Task<> serve(WfsPlay& self, web::Request request, std::unique_ptr<Connection> connection) {
        for (const web::Route& route : self.routes_) {
            if (!route.matches(request.path)) {
                continue;
            }
            web::Response response = co_await route.answer(request, self.world_.desk_a.executor);
            if (response.takeover) {
                co_await response.takeover(std::move(connection), {});
                co_return;
            }
            std::vector<std::byte> head;
            http::write_head(head, response, {.utc = self.world_.time.utc(), .head_only = true});
            const std::array slices{ByteSpan{head}};
            EXPECT_TRUE(connection->try_write(slices));
        }
    }
};

constexpr std::string_view delimiter = "\0\0\0\1\x09\xF0"sv;
constexpr std::string_view plain_unit = "\0\0\0\1\x41\x9a"sv;

TEST_F(WfsPlay, row_2_17_a_page_that_names_a_channel_gets_its_stream_from_a_key_frame_on) {
    publish();
    picture(true);
    picture(false);
    EXPECT_TRUE(dial("/play2").starts_with("HTTP/1.1 101 "));
    EXPECT_EQ(read(), "");
    say(R"({"t":"open","c":"ch1","v":"NA"})");
    EXPECT_EQ(read(), message(key_unit() + std::string{delimiter}) +
                          message(std::string{plain_unit} + std::string{delimiter}));
    picture(false);
    EXPECT_EQ(read(), message(std::string{plain_unit} + std::string{delimiter}));
    EXPECT_EQ(desk_.sessions.reports().at(0).facts.protocol, "ws-wfs");
}

TEST_F(WfsPlay, row_2_17_an_unknown_channel_shows_the_default_stream) {
    publish();
    picture(true);
    dial("/play2");
    say(R"({"t":"open","c":"chX","v":"NA"})");
    EXPECT_TRUE(read().contains(key_unit()));
}

TEST_F(WfsPlay, row_2_17_the_sub_protocol_binary_puts_its_size_before_each_access_unit) {
    publish();
    picture(true);
    const std::string size{"\0\0\0"sv};
    const std::string unit = size + static_cast<char>(key_unit().size()) + key_unit();
    EXPECT_TRUE(dial("/play2", "binary").contains("Sec-WebSocket-Protocol: binary\r\n"));
    say(R"({"t":"open","c":"ch1"})");
    EXPECT_EQ(read(), message(unit));
    EXPECT_TRUE(dial("/live/cam.h264", "other, binary").ends_with("\r\n\r\n" + message(unit)));
}

TEST_F(WfsPlay, bare_h264_comes_with_words_and_by_wfs_without) {
    publish();
    picture(true);
    const std::string own = dial("/live/cam.h264");
    EXPECT_TRUE(own.contains(R"({"t":"tracks","type":"video/h264; codecs=\"avc1.64000a\"")")) << own;
    EXPECT_TRUE(own.ends_with(message(key_unit())));
    const std::string wfs = dial("/live/cam.h264?wfs");
    EXPECT_TRUE(wfs.ends_with("\r\n\r\n" + message(key_unit() + std::string{delimiter})));
    say(R"({"t":"open","c":"ch9","v":"NA"})");   // the address has named the stream
    picture(false);
    EXPECT_EQ(read(), message(std::string{plain_unit} + std::string{delimiter}));
}

TEST_F(WfsPlay, what_is_a_websocket_only_says_so) {
    for (const std::string_view path : {"/play2", "/live/cam.h264"}) {
        const std::string head = dial(std::string{path}, {}, false);
        EXPECT_TRUE(head.starts_with("HTTP/1.1 426 ")) << head;
        EXPECT_TRUE(head.contains("Upgrade: websocket\r\n")) << head;
    }
}

TEST_F(WfsPlay, who_may_not_or_finds_nothing_is_closed_with_a_code) {
    struct Row {
        std::string_view channel;
        std::string_view close;
    };
    for (const Row& row : {Row{"ch2", "\x88\x02\x03\xF0"}, Row{"ch3", "\x88\x02\x03\xF4"}}) {
        dial("/play2");
        say(fmt::format(R"({{"t":"open","c":"{}"}})", row.channel));
        EXPECT_EQ(read(), row.close) << row.channel;
        EXPECT_EQ(desk_.sessions.size(), 0U);
    }
}

TEST_F(WfsPlay, case_60_the_first_message_is_bounded_in_size_form_and_time) {
    const std::vector<std::string> wrong{"no JSON", R"({"t":"open","c":{}})", std::string(2000, ' ')};
    for (const std::string& text : wrong) {
        dial("/play2");
        say(text);
        EXPECT_EQ(read().substr(0, 2), "\x88\x02") << text;
        EXPECT_EQ(world_.desk_a.executor.tasks().size(), 0U);
    }
    dial("/play2");
    world_.time.run_for(7s);
    EXPECT_EQ(read(), "");
    world_.time.run_for(2s);
    EXPECT_EQ(read(), "\x88\x02\x03\xF0");
    EXPECT_EQ(world_.desk_a.executor.tasks().size(), 0U);
}

/// live/cam comes once it is wanted.
class Sleeper final : public hub::Demand {
public:
    explicit Sleeper(Executor& home) : home_{home} {}
    std::optional<Offer> offer_of(const std::string& stream) const override {
        return stream == "live/cam" ? std::optional{Offer{stream, &home_}} : std::nullopt;
    }
    bool wake(const std::string& stream) override { return woken = stream == "live/cam"; }
    bool rest(const std::string& /*stream*/) override { return false; }
    std::vector<Offer> offers() const override { return {{"live/cam", &home_}}; }

    bool woken = false;

private:
    Executor& home_;
};

TEST_F(WfsPlay, row_3_24_a_websocket_is_open_before_its_source_on_demand_delivers) {
    Sleeper source{world_.desk_a.executor};
    world_.directory.draw_on(source);
    EXPECT_TRUE(dial("/live/cam.flv").ends_with("\r\n\r\n")) << "the others of that page wait for it";
    EXPECT_TRUE(source.woken);
    publish();
    picture(true);
    EXPECT_NE(read().find("FLV\1"), std::string::npos);
    EXPECT_TRUE(dial("/live/none.flv").starts_with("HTTP/1.1 404"));
}

TEST_F(WfsPlay, a_websocket_whose_source_on_demand_stays_away_is_closed) {
    Sleeper source{world_.desk_a.executor};
    world_.directory.draw_on(source);
    EXPECT_TRUE(dial("/live/cam.flv").starts_with("HTTP/1.1 101"));
    EXPECT_EQ(read(), "");
    world_.time.run_for(10s);
    EXPECT_EQ(read(), "\x88\2\x03\xf5"sv) << "1013: try again later";
}

}   // namespace
}   // namespace millrace::session
