#pragma once

#include "base/child.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"
#include "protocol/media_link/link.hpp"

#include <array>
#include <memory>
#include <vector>

/// A media child that a test plays by hand.
namespace millrace::session::toys {

class LinkedChild final : public Child {
public:
    explicit LinkedChild(std::unique_ptr<Connection> link) : link_{std::move(link)} {}
    Connection& link() override { return *link_; }

private:
    std::unique_ptr<Connection> link_;
};

/// The test's hand in a child's life: its end of the link.
struct PlayedChild {
    PlayedChild(std::unique_ptr<Connection> its_link, Instant now)
        : connection{std::move(its_link)}, link{media_link::Link::Side::child, now} {}

    std::unique_ptr<Connection> connection;
    media_link::Link link;
    std::vector<media_link::Message> heard;   ///< and not looked at yet
    bool gone = false;                        ///< its server let it go
};

/// Gives children that the test plays; while `missing`, there are none.
class PlayedSpawner final : public Spawner {
public:
    PlayedSpawner(VirtualTime& time, VirtualExecutor& child_side) : time_{time}, child_side_{child_side} {}

    void spawn(Executor& owner, SpawnWish wish, Reply<std::unique_ptr<Child>> reply) override {
        ++asked;
        wished = wish;
        if (missing) {
            reply.give(fail(Errc::not_found, "the program is missing beside millrace"));
            return;
        }
        auto [theirs, ours] = virtual_connection(child_side_, owner, {.window = 1U << 20U}, {});
        children.push_back(std::make_unique<PlayedChild>(std::move(theirs), owner.now()));
        reply.give(std::make_unique<LinkedChild>(std::move(ours)));
    }

    PlayedChild& newest() { return *children.back(); }
    /// Moves what lies on the newest child's link, both ways, until nothing does.
    void move() {
        PlayedChild& child = newest();
        time_.settle();
        const std::vector<std::byte> output = child.link.next_output();
        if (!output.empty()) {
            const ByteSpan bytes{output};
            [[maybe_unused]] const auto written = child.connection->try_write(std::span{&bytes, 1});
            time_.settle();
        }
        std::array<std::byte, 65536> buffer;
        for (;;) {
            const Result<std::size_t> read = child.connection->try_read(buffer);
            if (!read) {
                child.gone = read.error().code != Errc::would_block;
                break;
            }
            [[maybe_unused]] const auto taken =
                child.link.receive(std::span{buffer}.first(*read), time_.now());
            time_.settle();
        }
        while (auto event = child.link.next_event()) {
            child.heard.push_back(std::move(*event));
        }
    }
    void say(const media_link::Message& message) {
        [[maybe_unused]] const auto said = newest().link.send(message);
        move();
    }
    void die() {
        newest().connection->close();
        time_.settle();
    }

    bool missing = false;
    int asked = 0;
    SpawnWish wished;   ///< of the newest
    std::vector<std::unique_ptr<PlayedChild>> children;

private:
    VirtualTime& time_;
    VirtualExecutor& child_side_;
};

}   // namespace millrace::session::toys
