#include "net/datagram_fan_out_for_tests.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/udp_datagrams.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

using testing::patience;
using testing::RunningPool;

struct Flow {
    std::vector<std::uint32_t> numbers;
    bool sound = true;
    std::uint64_t packets = 0;
    std::uint64_t sends = 0;
};

/// Pictures of many packets to two viewers over the kernel's sockets; what one of them got.
Task<Flow> watch(Worker& worker, bool segmentation, std::uint32_t pictures) {
    const DatagramOptions options{.address = "127.0.0.1", .segmentation = segmentation};
    const auto rtp = open_datagrams(worker, options);
    const auto rtcp = open_datagrams(worker, options);
    PacketDiary one{*open_datagrams(worker, options), worker};
    PacketDiary other{*open_datagrams(worker, options), worker};
    DatagramFanOut fan_out{worker, **rtp, **rtcp};
    FrameLog frames;
    const auto view = std::make_shared<LogView>();
    SystemClock clock;
    std::array<SeatRecord, 2> seats;
    std::array<DatagramFanOut::Place, 2> places;
    for (const auto& [player, i] : {std::pair{&one, std::size_t{0}}, std::pair{&other, std::size_t{1}}}) {
        places.at(i) = fan_out.join(*view, {.host = *PeerAddress::parse({"127.0.0.1", 1}),
                                            .tracks = {{0, player->port(), player->port()}},
                                            .seat = std::make_unique<TestSeat>(view, seats.at(i), clock),
                                            .ended = {}});
    }
    for (std::uint32_t picture = 0; picture < pictures; ++picture) {
        std::vector<std::size_t> sizes(30, 1400);
        sizes.back() = 77;
        frames.add(sizes, 0, worker.now(), picture == 0);
        frames.log.request_flush();
        view->apply(frames.log.take_change());
        const Instant until = worker.now() + patience;
        while (std::min(one.numbers.size(), other.numbers.size()) < frames.next && worker.now() < until) {
            co_await sleep_until(worker, worker.now() + 1ms);
        }
    }
    co_return Flow{one.numbers, one.sound && other.numbers == one.numbers, fan_out.counters().packets,
                   fan_out.counters().sends};
}

TEST(DatagramFanOut, sends_every_packet_whole_by_the_kernels_sockets) {
    RunningPool running{1};
    for (const bool segmentation : {true, false}) {
        constexpr std::uint32_t pictures = 50;
        const Flow flow =
            testing::run(running.first(), [&] { return watch(running.first(), segmentation, pictures); });
        ASSERT_EQ(flow.numbers.size(), 30U * pictures);
        EXPECT_TRUE(std::ranges::is_sorted(flow.numbers));
        EXPECT_TRUE(flow.sound);
        EXPECT_EQ(flow.packets, 2U * 30 * pictures);
        EXPECT_LE(flow.sends, 2U * pictures + 2) << "a picture of 40 KB is two bursts";
    }
}

}   // namespace
}   // namespace millrace::net
