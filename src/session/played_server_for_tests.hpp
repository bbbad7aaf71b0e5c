#pragma once

#include "base/connector.hpp"
#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <vector>

/// Servers elsewhere that a test plays by hand.
namespace millrace::session::toys {

/// The far end of a connection that was made.
struct PlayedServer {
    Dial dial;
    std::unique_ptr<Connection> connection;
    std::string heard{};   ///< and not looked at yet

    /// Takes in what came since.
    const std::string& hear() {
        std::array<std::byte, 65536> buffer;
        while (const Result<std::size_t> read = connection->try_read(buffer)) {
            heard += as_text(ByteSpan{buffer}.first(*read));
        }
        return heard;
    }
    /// Whether the other end has closed.
    bool is_left() {
        hear();
        std::array<std::byte, 1> buffer;
        const Result<std::size_t> read = connection->try_read(buffer);
        return !read && read.error().code != Errc::would_block;
    }
    void say(std::string_view text) {
        const ByteSpan bytes = as_bytes(text);
        const Result<std::size_t> written = connection->try_write(std::span{&bytes, 1});
        EXPECT_EQ(written.value_or(0), text.size());
    }
};

/// Connects to servers that the test plays; with `refusal`, to none.
class PlayedConnector final : public Connector {
public:
    explicit PlayedConnector(Executor& far_side) : far_side_{far_side} {}

    void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) override {
        ++asked;
        if (refusal) {
            reply.give(std::unexpected(*refusal));
            return;
        }
        auto [theirs, ours] =
            virtual_connection(far_side_, owner, {.window = 1U << 20U}, {}, dial.to, {"192.0.2.1", 40000});
        servers.push_back({std::move(dial), std::move(theirs)});
        reply.give(std::move(ours));
    }

    int asked = 0;
    std::optional<Error> refusal;
    std::vector<PlayedServer> servers;

private:
    Executor& far_side_;
};

}   // namespace millrace::session::toys
