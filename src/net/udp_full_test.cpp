#include "net/loopback_for_tests.hpp"
#include "net/udp_datagrams.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>

namespace millrace::net {
namespace {

using testing::patience;
using testing::RunningPool;

/// Loopback takes everything at once, so a pair of connected local sockets stands for a link that fills up.
struct LocalPair {
    explicit LocalPair(Worker& worker) {
        std::array<int, 2> ends{};
        if (::socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
            throw std::runtime_error("no socket pair");
        }
        const int least = 1;   // the kernel makes it a handful of packets
        setsockopt(ends[0], SOL_SOCKET, SO_SNDBUF, &least, sizeof least);
        near = std::make_unique<UdpDatagrams>(worker, Descriptor{ends[0]});
        far = std::make_unique<UdpDatagrams>(worker, Descriptor{ends[1]});
    }
    /// All that has arrived, `|` after each.
    std::string drain() const {
        std::string all;
        std::array<std::byte, 100> buffer{};
        std::array received{Received{.buffer = buffer}};
        while (far->receive(received)) {
            all += std::string{as_text(received[0].bytes())} + "|";
        }
        return all;
    }
    std::unique_ptr<Datagrams> near;
    std::unique_ptr<Datagrams> far;
};

Task<std::string> fill_the_link(Worker& worker) {
    const LocalPair link{worker};
    Datagrams& near = *link.near;
    const std::array slices{as_bytes("0123456789")};
    std::array<Datagram, Datagrams::batch_max> batch;
    batch.fill({.peer = {}, .slices = slices});
    std::size_t sent = 0;
    Result<std::size_t> taken = near.send(batch);
    for (; taken; taken = near.send(batch)) {
        sent += *taken;
        for (std::size_t i = *taken; i < batch.size(); ++i) {
            if (batch.at(i).gone != 0) {
                co_return "what was not taken has gone";
            }
        }
        batch.fill({.peer = {}, .slices = slices});
    }
    std::string said = taken.error().code == Errc::would_block && sent > 0 ? "full, " : "not full, ";
    const Result<> early = co_await writable(near, worker, worker.now() + 20ms);
    said += early ? "writable, " : "still full, ";
    link.drain();
    const Result<> ready = co_await writable(near, worker, worker.now() + patience);
    taken = near.send(batch);
    co_return said + (ready && taken ? "then goes on" : "then stays full");
}

TEST(UdpDatagrams, says_would_block_on_a_full_link_and_tells_when_it_may_go_on) {
    RunningPool running{1};
    EXPECT_EQ(testing::run(running.first(), [&] { return fill_the_link(running.first()); }),
              "full, still full, then goes on");
}

Task<std::pair<std::string, int>> send_bit_by_bit(Worker& worker) {
    const LocalPair link{worker};
    const std::array slices{as_bytes("abcdefghijkl"), as_bytes("mnopqrstuvwxyz")};
    std::array<Datagram, Datagrams::batch_max> batch;
    batch.fill({.peer = {}, .slices = slices, .segment_size = 1});
    std::pair<std::string, int> came;
    for (std::span<Datagram> rest{batch}; !rest.empty();) {
        const Result<std::size_t> taken = link.near->send(rest);
        rest = rest.subspan(taken.value_or(0));
        came.second += !rest.empty() && rest.front().gone > 0 ? 1 : 0;
        const Result<> ready = co_await readable(*link.far, worker, worker.now() + patience);
        if (!ready) {
            break;
        }
        came.first += link.drain();
    }
    co_return came;
}

TEST(UdpDatagrams, goes_on_in_the_middle_of_a_datagram_whose_segments_it_sends_itself) {
    RunningPool running{1};
    const auto [came, halves] =
        testing::run(running.first(), [&] { return send_bit_by_bit(running.first()); });
    std::string expected;
    for (std::size_t i = 0; i < Datagrams::batch_max; ++i) {
        expected += "a|b|c|d|e|f|g|h|i|j|k|l|m|n|o|p|q|r|s|t|u|v|w|x|y|z|";
    }
    EXPECT_EQ(came, expected);
    EXPECT_GT(halves, 0) << "the link never filled up between two segments";
}

}   // namespace
}   // namespace millrace::net
