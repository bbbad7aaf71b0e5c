#include "base/virtual_network.hpp"
#include "base/waiting.hpp"
#include "session/link_dial.hpp"
#include "session/link_port.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

/// Opens sockets in the virtual network; whom one calls is a numeric address.
class NetworkConnector final : public Connector {
public:
    explicit NetworkConnector(VirtualNetwork& network) : network_{network} {}
    void connect(Executor& /*owner*/, Dial /*dial*/, Reply<std::unique_ptr<Connection>> reply) override {
        reply.give(fail(Errc::refused, "nobody listens"));
    }
    void open_datagrams(Executor& owner, DatagramDial dial, Reply<DatagramLink> reply) override {
        auto socket = network_.open(owner, {"198.51.100.7", 0});
        reply.give(DatagramLink{std::move(*socket), nullptr, *PeerAddress::parse(*dial.to)});
    }

private:
    VirtualNetwork& network_;
};

class LinkConnections : public testing::Test {
protected:
    LinkConnections() {
        near_.run([this] { port_.listen(); });
    }
    ~LinkConnections() override {
        time_.stop();   // who waits goes before what it waits for
        accepted_.clear();
        called_.reset();
        time_.stop();   // and what lingers, before the network
    }

    Task<> call(link::DtlsClient::Trust trust) {
        LinkCall whom{.to = port_.local(), .trust = std::move(trust), .deadline = far_.now() + 10s};
        auto calling = link_dial(far_, connector_, random_, std::move(whom));
        called_.emplace(co_await calling);
    }
    void connect() {
        far_.run([this] { far_.tasks().spawn(call({.pin = *link::fingerprint_of(identity_.certificate)})); });
        time_.run_for(5s);
        ASSERT_TRUE(called_ && *called_);
        ASSERT_EQ(accepted_.size(), 1U);
    }
    /// Writes all of `bytes` as fast as the link takes them.
    static Task<> write_all(Connection& to, Executor& executor, std::vector<std::byte> bytes, bool& done) {
        ByteSpan rest{bytes};
        while (!rest.empty()) {
            const std::array slices{rest};
            const Result<std::size_t> wrote = to.try_write(slices);
            if (wrote) {
                rest = rest.subspan(*wrote);
                continue;
            }
            EXPECT_EQ(wrote.error().code, Errc::would_block);
            const Result<> ready = co_await millrace::writable(to, executor, Instant::never());
            EXPECT_TRUE(ready);
        }
        done = true;
    }
    static Task<> read_all(Connection& from, Executor& executor, std::vector<std::byte>& into, Errc& end) {
        std::array<std::byte, 5000> buffer{};
        for (;;) {
            const Result<std::size_t> got = from.try_read(buffer);
            if (got) {
                into.insert(into.end(), buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(*got));
                continue;
            }
            if (got.error().code != Errc::would_block) {
                end = got.error().code;
                co_return;
            }
            const Result<> ready = co_await millrace::readable(from, executor, Instant::never());
            if (!ready) {
                end = ready.error().code;
                co_return;
            }
        }
    }
    std::vector<std::byte> made(std::size_t size) {
        std::vector<std::byte> bytes(size);
        random_.fill(bytes);
        return bytes;
    }
    Connection& client() { return ***called_; }

    VirtualTime time_;
    VirtualNetwork network_{time_};
    VirtualExecutor& near_ = time_.add_executor();
    VirtualExecutor& far_ = time_.add_executor();
    SeededRandom random_{9};
    link::Identity identity_ = *link::make_identity("node");
    std::unique_ptr<link::DtlsServer> dtls_ = *link::DtlsServer::make(identity_, {}, random_);
    std::vector<std::unique_ptr<LinkConnection>> accepted_;
    LinkPort port_{near_, std::move(*network_.open(near_, {"192.0.2.1", 8910})),
                   LinkPort::Means{*dtls_, random_},
                   [this](std::unique_ptr<LinkConnection> one) { accepted_.push_back(std::move(one)); }};
    NetworkConnector connector_{network_};
    std::optional<Result<std::unique_ptr<LinkConnection>>> called_;
};

TEST_F(LinkConnections, carry_bytes_both_ways_in_order_over_a_path_that_loses_doubles_and_reorders) {
    network_.set_default_path({.delay = 20ms, .loss = 0.05, .duplication = 0.05, .reordering = 0.05});
    connect();
    const auto up = made(3'000'000);
    const auto down = made(1'000'000);
    std::vector<std::byte> got_up;
    std::vector<std::byte> got_down;
    bool up_done = false;
    bool down_done = false;
    Errc ends[2] = {Errc::io, Errc::io};
    far_.run([&] {
        far_.tasks().spawn(write_all(client(), far_, up, up_done));
        far_.tasks().spawn(read_all(client(), far_, got_down, ends[0]));
    });
    near_.run([&] {
        near_.tasks().spawn(write_all(*accepted_[0], near_, down, down_done));
        near_.tasks().spawn(read_all(*accepted_[0], near_, got_up, ends[1]));
    });
    time_.run_for(60s);
    EXPECT_TRUE(up_done && down_done);
    EXPECT_TRUE(got_up == up);
    EXPECT_TRUE(got_down == down);
    EXPECT_GT(network_.counters().lost, 100U);
}

TEST_F(LinkConnections, take_no_more_than_a_reader_and_the_window_take) {
    connect();
    const auto up = made(6'000'000);
    bool done = false;
    far_.run([&] { far_.tasks().spawn(write_all(client(), far_, up, done)); });
    time_.run_for(20s);
    EXPECT_FALSE(done) << "nobody reads";
    EXPECT_LE(client().unacknowledged(), KcpLinkConnection::unsent_max + LinkConnection::message_max * 2);
    EXPECT_FALSE(port_.links().size() == 0) << "a reader that is slow is not dead";
    std::vector<std::byte> got;
    Errc end = Errc::io;
    near_.run([&] { near_.tasks().spawn(read_all(*accepted_[0], near_, got, end)); });
    time_.run_for(60s);
    EXPECT_TRUE(done);
    EXPECT_TRUE(got == up);
}

TEST_F(LinkConnections, what_it_holds_are_bytes_however_small_the_messages) {
    network_.set_default_path({.delay = 20ms});
    connect();
    constexpr std::size_t writes = 10;
    constexpr std::size_t small = 40;
    const auto bytes = made(small);
    far_.run([&] {
        for (std::size_t i = 0; i < writes; ++i) {
            EXPECT_EQ(client().try_write(std::array<ByteSpan, 1>{bytes}).value_or(0), small);
        }
        EXPECT_EQ(client().unacknowledged(), writes * small);
    });
    time_.run_for(15ms);
    EXPECT_EQ(client().unacknowledged(), writes * small) << "on its way";
    time_.run_for(1s);
    EXPECT_EQ(client().unacknowledged(), 0U);
}

TEST_F(LinkConnections, what_was_written_before_a_close_still_arrives) {
    network_.set_default_path({.delay = 20ms, .loss = 0.05});
    connect();
    const auto up = made(100'000);
    std::vector<std::byte> got;
    bool done = false;
    Errc end = Errc::io;
    near_.run([&] { near_.tasks().spawn(read_all(*accepted_[0], near_, got, end)); });
    far_.run([&] { far_.tasks().spawn(write_all(client(), far_, up, done)); });
    time_.run_for(1ms);
    EXPECT_TRUE(done);
    far_.run([&] { called_.reset(); });
    time_.run_for(10s);
    EXPECT_TRUE(got == up);
    EXPECT_EQ(end, Errc::closed);
    EXPECT_EQ(port_.links().size(), 0U);
}

TEST_F(LinkConnections, the_other_way_round_too) {
    connect();
    const auto down = made(100'000);
    std::vector<std::byte> got;
    bool done = false;
    Errc end = Errc::io;
    far_.run([&] { far_.tasks().spawn(read_all(client(), far_, got, end)); });
    near_.run([&] { near_.tasks().spawn(write_all(*accepted_[0], near_, down, done)); });
    time_.run_for(1ms);
    near_.run([&] { accepted_.clear(); });
    time_.run_for(10s);
    EXPECT_TRUE(done);
    EXPECT_TRUE(got == down);
    EXPECT_EQ(end, Errc::closed);
    EXPECT_EQ(port_.links().size(), 0U);
}

TEST_F(LinkConnections, a_close_here_tells_whoever_waits) {
    connect();
    std::vector<std::byte> got;
    Errc end = Errc::io;
    near_.run([&] { near_.tasks().spawn(read_all(*accepted_[0], near_, got, end)); });
    time_.run_for(100ms);
    near_.run([&] { accepted_[0]->close(); });
    time_.run_for(100ms);
    EXPECT_EQ(end, Errc::cancelled);
    EXPECT_EQ(accepted_[0]->try_read({}).error().code, Errc::cancelled);
}

TEST_F(LinkConnections, whom_we_do_not_believe_is_no_connection) {
    far_.run([this] {
        far_.tasks().spawn(call({.pin = *link::fingerprint_of(link::make_identity("another")->certificate)}));
    });
    time_.run_for(11s);
    ASSERT_TRUE(called_);
    EXPECT_EQ(called_->error().code, Errc::refused);
    EXPECT_TRUE(accepted_.empty());
    EXPECT_EQ(port_.links().size(), 0U);
}

TEST_F(LinkConnections, a_node_that_is_gone_is_found_within_3_s_by_whoever_waits) {
    connect();
    std::vector<std::byte> got;
    Errc end = Errc::io;
    far_.run([&] { far_.tasks().spawn(read_all(client(), far_, got, end)); });
    network_.set_path({"192.0.2.1", 0}, {"198.51.100.7", 0}, {.loss = 1});
    time_.run_for(3s);
    EXPECT_EQ(end, Errc::timed_out);
}

}   // namespace
}   // namespace millrace::session
