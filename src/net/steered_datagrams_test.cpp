#include "net/steered_datagrams.hpp"

#include "base/byte_writer.hpp"
#include "net/worker_pool.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

constexpr std::size_t workers = 3;
constexpr std::uint32_t at = 4;

/// What waits at a socket, each as the number in it.
std::vector<std::uint64_t> numbers(Datagrams& socket) {
    std::vector<std::uint64_t> all;
    std::array<std::byte, 64> buffer{};
    for (;;) {
        std::array one{Received{.buffer = buffer}};
        if (!socket.receive(one)) {
            return all;
        }
        std::uint64_t number = 0;
        for (const std::byte byte : one[0].bytes()) {
            number = number << 8U | static_cast<std::uint64_t>(byte);
        }
        all.push_back(number);
    }
}

void send(Datagrams& from, const Datagrams& to, ByteSpan bytes) {
    const std::array slices{bytes};
    std::array batch{Datagram{.peer = *PeerAddress::parse({"127.0.0.1", to.local().port}), .slices = slices}};
    ASSERT_TRUE(from.send(batch));
}

TEST(SteeredDatagrams, come_to_a_worker_by_their_number_wherever_they_come_from) {
    WorkerPool pool{workers};
    const auto all = open_steered_datagrams(pool.workers(), {.address = "127.0.0.1"}, at);
    ASSERT_TRUE(all) << all.error().what;
    ASSERT_EQ(all->size(), workers);
    for (const auto& socket : *all) {
        EXPECT_EQ(socket->local().port, all->front()->local().port);
    }
    std::vector<std::vector<std::uint64_t>> want(workers);
    for (int sender = 0; sender < 4; ++sender) {
        const auto from = open_datagrams(*pool.workers()[0], {.address = "127.0.0.1"});
        ASSERT_TRUE(from);
        for (std::uint64_t id = 0x1234'0000'FFFF'FFF0; id < 0x1234'0000'FFFF'FFF0 + 12; ++id) {
            std::vector<std::byte> bytes;
            ByteWriter{bytes}.u64(id);
            send(**from, *all->front(), bytes);
            want[static_cast<std::uint32_t>(id) % workers].push_back(id);
        }
        const std::array<std::byte, 3> short_one{};
        send(**from, *all->front(), short_one);
        want[0].push_back(0);
    }
    for (std::size_t i = 0; i < workers; ++i) {
        EXPECT_EQ(numbers(*(*all)[i]), want[i]) << i;
    }
}

TEST(SteeredDatagrams, share_their_port_with_nobody_else) {
    WorkerPool pool{workers};
    const auto first = open_steered_datagrams(pool.workers(), {.address = "127.0.0.1"}, at);
    ASSERT_TRUE(first);
    const auto second = open_steered_datagrams(
        pool.workers(), {.address = "127.0.0.1", .port = first->front()->local().port}, at);
    ASSERT_FALSE(second);
    EXPECT_EQ(second.error().code, Errc::exists);
}

}   // namespace
}   // namespace millrace::net
