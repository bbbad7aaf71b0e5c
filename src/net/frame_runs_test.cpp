#include "net/frame_runs.hpp"

#include "base/random.hpp"
#include "net/datagram_fan_out_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

/// "0:1400x3+200 1:80": the runs as their channel, size, packets and the last one's size where it is shorter.
std::string describe(const FrameRuns& runs) {
    std::string text;
    for (const FrameRuns::Run& run : runs.runs()) {
        const std::size_t last = run.bytes - (run.packets - 1) * run.segment_size;
        text += fmt::format("{}{}:{}", text.empty() ? "" : " ", run.channel, run.segment_size);
        text += run.packets > 1 ? fmt::format("x{}", run.packets) : "";
        text += last != run.segment_size ? fmt::format("-{}", last) : "";
    }
    return text;
}

TEST(FrameRuns, gathers_neighbours_of_one_channel_and_size) {
    const struct {
        std::vector<std::pair<std::uint8_t, std::size_t>> frames;
        std::string_view runs;
    } cases[] = {
        {{{0, 1400}}, "0:1400"},
        {{{0, 1400}, {0, 1400}, {0, 200}}, "0:1400x3-200"},
        {{{0, 1400}, {0, 200}, {0, 200}}, "0:1400x2-200 0:200"},
        {{{0, 200}, {0, 1400}}, "0:200 0:1400"},
        {{{0, 100}, {1, 100}, {2, 100}, {0, 100}}, "0:100 1:100 2:100 0:100"},
        {{{4, 300}, {4, 300}, {4, 300}, {4, 299}, {4, 300}}, "4:300x4-299 4:300"},
    };
    for (const auto& [frames, expected] : cases) {
        FrameLog log;
        for (const auto& [channel, size] : frames) {
            const std::array sizes{size};
            log.add(sizes, channel, {});
        }
        LogView view;
        view.apply(log.log.take_change());
        FrameRuns runs;
        runs.read(view, 0, view.head());
        EXPECT_EQ(describe(runs), expected);
        EXPECT_EQ(runs.end(), view.head());
    }
}

TEST(FrameRuns, keeps_to_the_limits_of_a_datagram) {
    FrameLog log;
    const std::vector<std::size_t> small(70, 100);
    log.add(small, 0, {});
    const std::vector<std::size_t> large(50, 1400);
    log.add(large, 0, {});
    LogView view;
    view.apply(log.log.take_change());
    FrameRuns runs;
    runs.read(view, 0, view.head());
    EXPECT_EQ(describe(runs), "0:100x64 0:100x6 0:1400x46 0:1400x4");
}

TEST(FrameRuns, reads_whole_frames_that_begin_before_its_end) {
    FrameLog log;
    const std::vector<std::size_t> sizes(10, 1000);
    log.add(sizes, 0, {});
    LogView view;
    view.apply(log.log.take_change());
    FrameRuns runs;
    runs.read(view, 0, 1);
    EXPECT_EQ(runs.end(), 1004U);
    EXPECT_TRUE(runs.begins_at(0));
    runs.read(view, 1004, 1004 + 2009);
    EXPECT_EQ(describe(runs), "0:1000x3");
    EXPECT_FALSE(runs.begins_at(0));
}

/// All bytes of the runs, cut into packets.
std::vector<std::vector<std::byte>> packets_of(const FrameRuns& runs) {
    std::vector<std::vector<std::byte>> packets;
    for (const FrameRuns::Run& run : runs.runs()) {
        std::vector<std::byte> all;
        for (const ByteSpan slice : runs.slices(run)) {
            all.insert(all.end(), slice.begin(), slice.end());
        }
        EXPECT_EQ(all.size(), run.bytes);
        for (std::size_t at = 0; at < all.size(); at += run.segment_size) {
            const std::size_t size = std::min(run.segment_size, all.size() - at);
            packets.emplace_back(all.begin() + static_cast<std::ptrdiff_t>(at),
                                 all.begin() + static_cast<std::ptrdiff_t>(at + size));
        }
    }
    return packets;
}

TEST(FrameRuns, finds_every_byte_of_frames_that_lie_across_blocks) {
    SeededRandom random{5};
    FrameLog log{{.age_max = 1h, .bytes_max = 64U << 20U}};
    std::vector<std::size_t> sizes;
    for (int i = 0; i < 3000; ++i) {
        const bool huge = random.below(100) == 0;
        sizes.push_back(4 + random.below(huge ? 65'531 : 1500));
        const std::array one{sizes.back()};
        log.add(one, 0, {});
    }
    LogView view;
    view.apply(log.log.take_change());
    FrameRuns runs;
    std::uint32_t number = 0;
    for (std::uint64_t at = 0; at < view.head(); at = runs.end()) {
        runs.read(view, at, std::min(view.head(), at + 1 + random.below(100'000)));
        ASSERT_GT(runs.end(), at);
        for (const auto& packet : packets_of(runs)) {
            ASSERT_EQ(packet, numbered_packet(number, sizes.at(number)));
            ++number;
        }
    }
    EXPECT_EQ(number, sizes.size());
}

}   // namespace
}   // namespace millrace::net
