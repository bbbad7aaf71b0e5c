#include "session/media_play.hpp"

#include "base/virtual_connection.hpp"
#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "media/jpeg.hpp"
#include "media/jpeg_for_tests.hpp"
#include "session/played_child_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

using namespace std::string_view_literals;

class Door final : public hub::Admission {
public:
    void decide(hub::Petition /*petition*/, Reply<hub::Admitted> reply) override {
        reply.give(hub::Admitted{.identity = {}, .anyone = true});
    }
};

/// A worker that publishes live/cam in H.264, children that the test plays, and viewers of its pictures.
class PicturesPlay : public testing::Test {
protected:
    PicturesPlay() : desk_{world_.desk_a.executor, world_.directory, door_, world_.random} {
        desk_.spawner = &spawner_;
        publisher_.unit({.track = 0,
                         .config = flv::samples::track(media::Codec::h264).config,
                         .payload = Bytes::copy("\0\0\0\2\x65\x88"sv),
                         .key = true});
    }
    ~PicturesPlay() override {
        viewers_.clear();
        world_.time.run_for(1s);   // what served them leaves before the desk does
    }

    /// A viewer's end of the connection.
    Connection& watch(std::string query, bool websocket) {
        web::Request request{.method = "GET", .path = "/live/cam.mjpeg"};
        request.query = std::move(query);
        if (websocket) {
            request.headers = {{"Connection", "Upgrade"},
                               {"Upgrade", "websocket"},
                               {"Sec-WebSocket-Version", "13"},
                               {"Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="}};
        }
        auto [client, server] = virtual_connection(page_, world_.desk_a.executor, {}, {});
        world_.desk_a.executor.run([&, connection = std::move(server)]() mutable {
            world_.desk_a.executor.tasks().spawn(serve(*this, std::move(request), std::move(connection)));
        });
        world_.time.settle();
        viewers_.push_back(std::move(client));
        return *viewers_.back();
    }
    std::string read(Connection& viewer) {
        std::string text;
        std::array<std::byte, 4096> buffer;
        world_.time.run_for(1s);
        while (const auto count = viewer.try_read(buffer)) {
            text += as_text(std::span{buffer}.first(*count));
            world_.time.settle();
        }
        return text;
    }
    void leave(Connection& viewer) {
        std::erase_if(viewers_, [&viewer](const auto& one) { return one.get() == &viewer; });
        world_.time.settle();
    }

    /// The child lives, and says so once a second.
    void pass(int seconds) {
        for (int i = 0; i < seconds; ++i) {
            world_.time.run_for(1s);
            spawner_.say(media_link::Statistics{});
        }
    }

    static Bytes jpeg() { return media::jpeg::Sample{320, 240}.bytes(); }
    void picture(std::int64_t ms) {
        media::AccessUnit unit{
            .payload = jpeg(), .dts = ms * 90, .pts = ms * 90, .key = true, .capture = {}, .cut = {}};
        unit.config = media::jpeg::config_from({.width = 320, .height = 240});
        spawner_.say(unit);
    }

    hub::toys::World world_;
    VirtualExecutor& page_ = world_.time.add_executor();
    VirtualExecutor& child_side_ = world_.time.add_executor();
    toys::PlayedSpawner spawner_{world_.time, child_side_};
    Door door_;
    Desk desk_;
    hub::toys::Publisher publisher_{world_, world_.desk_a};
    std::vector<std::unique_ptr<Connection>> viewers_;

private:
    static Task<> serve(PicturesPlay& self, web::Request request, std::unique_ptr<Connection> connection) {
        const web::Route route = media_play(self.desk_);
        web::Response response = co_await route.answer(request, self.world_.desk_a.executor);
        EXPECT_TRUE(response.takeover) << as_text(response.body);
        if (response.takeover) {
            co_await response.takeover(std::move(connection), {});
        }
    }
};

TEST_F(PicturesPlay, row_2_10_one_child_makes_the_pictures_of_http_and_of_websockets) {
    Connection& http = watch("fps=10", false);
    Connection& web_socket = watch("fps=10", true);
    EXPECT_EQ(spawner_.asked, 1);
    spawner_.move();
    picture(0);
    const std::string bytes{as_text(jpeg())};
    const std::string parts = read(http);
    EXPECT_TRUE(parts.starts_with("HTTP/1.1 200 ")) << parts;
    EXPECT_TRUE(parts.ends_with(bytes + "\r\n--frame\r\n"));
    const std::string messages = read(web_socket);
    EXPECT_TRUE(messages.starts_with("HTTP/1.1 101 ")) << messages;
    EXPECT_TRUE(messages.ends_with(bytes));
    Connection& late = watch("fps=10", true);
    EXPECT_TRUE(read(late).ends_with(bytes)) << "the newest picture, at once";
    watch("fps=20", true);
    EXPECT_EQ(spawner_.asked, 2) << "another wish";
}

TEST_F(PicturesPlay, row_2_9_the_child_goes_when_both_forms_are_left) {
    Connection& http = watch("", false);
    Connection& web_socket = watch("", true);
    spawner_.move();
    picture(0);
    leave(http);
    pass(11);
    EXPECT_FALSE(spawner_.newest().gone);
    leave(web_socket);
    pass(9);
    EXPECT_FALSE(spawner_.newest().gone) << "somebody may come back";
    pass(2);
    EXPECT_TRUE(spawner_.newest().gone);
    EXPECT_EQ(spawner_.asked, 1);
}

TEST_F(PicturesPlay, a_child_that_crashes_is_replaced_for_both_forms) {
    Connection& http = watch("", false);
    Connection& web_socket = watch("", true);
    spawner_.move();
    picture(0);
    spawner_.die();
    world_.time.run_for(1s);
    ASSERT_EQ(spawner_.asked, 2);
    read(http);
    read(web_socket);
    spawner_.move();
    picture(40);
    EXPECT_TRUE(read(http).contains(as_text(jpeg())));
    EXPECT_TRUE(read(web_socket).contains(as_text(jpeg())));
}

}   // namespace
}   // namespace millrace::session
