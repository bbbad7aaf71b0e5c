#include "session/tunnelled_connection.hpp"

#include "base/waiting.hpp"
#include "session/pulls_for_tests.hpp"
#include "session/rtsp_tunnel.hpp"

namespace millrace::session {
namespace {

/// Connections that take little at once.
class NarrowConnector final : public Connector {
public:
    explicit NarrowConnector(Executor& far_side) : far_side_{far_side} {}
    void connect(Executor& owner, Dial dial, Reply<std::unique_ptr<Connection>> reply) override {
        auto [theirs, ours] = virtual_connection(far_side_, owner, {}, {.window = 1'000}, dial.to, {});
        servers.push_back({std::move(dial), std::move(theirs)});
        reply.give(std::move(ours));
    }
    std::vector<toys::PlayedServer> servers;

private:
    Executor& far_side_;
};

class TunnelledConnection : public toys::PullTest {
protected:
    Task<> dig() {
        TunnelDig dig{
            desk_, narrow_, {.to = {"h", 1}, .deadline = executor_.now() + 10s}, [](Connection*) {}};
        rtsp::TunnelClient tunnel{*parse_url("rtsp://h/"), random_};
        Result<std::unique_ptr<Connection>> dug = co_await dig_tunnel(std::move(dig), tunnel);
        EXPECT_TRUE(dug);
        connection_ = dug ? std::move(*dug) : nullptr;
    }
    /// All of it, in pieces of some size.
    Task<> write(ByteSpan all, std::size_t piece) {
        while (!all.empty()) {
            const std::array slices{
                all.first(std::min(piece, all.size()) / 2),
                all.first(std::min(piece, all.size())).subspan(std::min(piece, all.size()) / 2)};
            const Result<std::size_t> written = connection_->try_write(slices);
            if (written) {
                all = all.subspan(*written);
                continue;
            }
            EXPECT_EQ(written.error().code, Errc::would_block);
            const Result<> ready = co_await writable(*connection_, executor_, Instant::never());
            EXPECT_TRUE(ready);
        }
    }

    NarrowConnector narrow_{far_side_};
    std::unique_ptr<Connection> connection_;
};

TEST_F(TunnelledConnection, all_that_is_written_arrives_in_base64_also_where_the_post_takes_little) {
    executor_.run([&] { executor_.tasks().spawn(dig()); });
    world_.time.settle();
    narrow_.servers.at(0).say("HTTP/1.0 200 OK\r\n\r\n");
    world_.time.settle();
    ASSERT_TRUE(connection_);
    toys::PlayedServer& post = narrow_.servers.at(1);
    const std::string head = std::exchange((post.hear(), post.heard), {});
    EXPECT_TRUE(head.ends_with("\r\n\r\n"));
    std::vector<std::byte> all(100'000);
    random_.fill(all);
    for (const std::size_t piece : {50'000U, 1U, 1'001U}) {
        const ByteSpan part = ByteSpan{all}.first(piece == 1 ? 100 : all.size());
        executor_.run([&] { executor_.tasks().spawn(write(part, piece)); });
        Base64Stream base64;
        std::vector<std::byte> heard;
        for (int turn = 0; turn < 2'000 && heard.size() < part.size(); ++turn) {
            world_.time.settle();
            post.hear();
            EXPECT_TRUE(base64.decode(as_bytes(std::exchange(post.heard, {})), heard));
        }
        EXPECT_TRUE(std::ranges::equal(heard, part)) << piece;
    }
    EXPECT_EQ(executor_.tasks().size(), 0U);
    executor_.run([&] { connection_.reset(); });
}

}   // namespace
}   // namespace millrace::session
