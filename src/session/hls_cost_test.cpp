#include "base/allocations_for_tests.hpp"
#include "container/flv_samples.hpp"
#include "hub/stream_for_tests.hpp"
#include "session/hls_play.hpp"
#include "session/http_serve.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// A client that asks for the same again and again, and costs next to nothing itself.
class Poller final : public Connection {
public:
    explicit Poller(std::string request) : request_{std::move(request)} {}

    Result<std::size_t> try_read(std::span<std::byte> into) override {
        if (!std::exchange(asked_, false)) {
            return fail(Errc::would_block, "nothing is said");
        }
        std::ranges::copy(as_bytes(request_), into.begin());
        return request_.size();
    }
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        ++writes;
        std::size_t size = 0;
        for (const ByteSpan slice : slices) {
            size += slice.size();
        }
        last = slices.empty()
                   ? ""
                   : std::string{as_text(slices[0].first(std::min<std::size_t>(12, slices[0].size())))};
        return size;
    }
    void wait_readable(Waiter* waiter) override { reader_ = waiter; }
    void wait_writable(Waiter* /*waiter*/) override {}
    void close() override {}
    bool encrypted() const override { return false; }
    const Endpoint& peer() const override { return peer_; }
    const Endpoint& local() const override { return peer_; }

    void ask() {
        asked_ = true;
        std::exchange(reader_, nullptr)->on_ready({});
    }

    std::uint64_t writes = 0;
    std::string last;   // how the last answer begins

private:
    std::string request_;
    bool asked_ = false;
    Waiter* reader_ = nullptr;
    Endpoint peer_{"192.0.2.7", 40'000};
};

/// From a request's bytes to its answer's.
void ask_once(Poller& poller) {
    poller.ask();
}

class OpenDoor final : public hub::Admission {
public:
    void decide(hub::Petition petition, Reply<hub::Admitted> reply) override {
        reply.give(*decide_now(petition));
    }
    std::optional<Result<hub::Admitted>> decide_now(const hub::Petition& /*petition*/) override {
        return hub::Admitted{.identity = {}, .anyone = true};
    }
};

TEST(HlsCost, a_list_that_is_polled_is_one_write_and_few_allocations) {
    hub::toys::World world;
    OpenDoor door;
    Desk desk{world.desk_a.executor, world.directory, door, world.random};
    desk.settings = std::make_shared<const Settings>(Settings{{"*"}, "live/cam"});
    const std::vector<web::Route> routes{hls_play(desk, "00c0ffee")};
    hub::toys::Publisher publisher{world, world.desk_a};
    const media::ConfigRef config = flv::samples::track(media::Codec::h264).config;
    auto play = [&, picture = 0](int pictures) mutable {
        for (; pictures > 0; --pictures, ++picture) {
            const std::string_view key{"\0\0\0\2\x65\x88", 6};
            const std::string_view other{"\0\0\0\2\x41\x9a", 6};
            publisher.unit({.track = 0,
                            .config = config,
                            .payload = Bytes::copy(picture % 25 == 0 ? key : other),
                            .dts = picture * 3600,
                            .pts = picture * 3600,
                            .key = picture % 25 == 0});
            world.time.run_for(40ms);
        }
    };
    auto connection = std::make_unique<Poller>(
        "GET /live/cam/segments/v0.m3u8 HTTP/1.1\r\nHost: 127.0.0.1:8080\r\nUser-Agent: player\r\n"
        "Accept: */*\r\n\r\n");
    Poller& poller = *connection;
    desk.executor.tasks().spawn(http_serve(desk, std::move(connection), routes));
    play(25);
    const auto ask = [&] {
        world.desk_a.executor.run([&] { ask_once(poller); });
        EXPECT_EQ(poller.last, "HTTP/1.1 200");
    };
    world.desk_a.executor.run([&] { poller.ask(); });   // waits for the first segment, and makes the seat
    play(100);
    EXPECT_EQ(poller.writes, 1U);
    ask();
    const std::uint64_t before = toys::allocations;
    constexpr std::uint64_t requests = 1000;
    for (std::uint64_t i = 0; i < requests; ++i) {
        ask();
    }
    EXPECT_EQ(poller.writes, requests + 2);
    if (toys::allocations_are_counted) {
        EXPECT_LE((toys::allocations - before) / requests, 15U);
    }
}

}   // namespace
}   // namespace millrace::session
