#include "net/lobby.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

namespace millrace::net {
namespace {

PeerAddress address(const std::string& text) {
    return *PeerAddress::parse({text, 40000});
}

std::vector<Lobby::Pass> fill(Lobby& lobby, const PeerAddress& from) {
    std::vector<Lobby::Pass> passes;
    while (auto pass = lobby.enter(from)) {
        passes.push_back(std::move(*pass));
    }
    return passes;
}

TEST(Lobby, case_52_holds_128_strangers_of_one_address_and_no_more) {
    SeededRandom random{1};
    Lobby lobby{random};
    const auto passes = fill(lobby, address("192.0.2.1"));
    EXPECT_EQ(passes.size(), Lobby::strangers_max);
    EXPECT_EQ(lobby.turned_away(), 1U);
    EXPECT_TRUE(lobby.enter(address("192.0.2.2"))) << "others are not held up";
}

TEST(Lobby, counts_an_ipv6_network_as_one_address) {
    SeededRandom random{2};
    Lobby lobby{random};
    const auto passes = fill(lobby, address("2001:db8::1"));
    EXPECT_EQ(passes.size(), Lobby::strangers_max);
    EXPECT_FALSE(lobby.enter(address("2001:db8::ffff:1")));
    EXPECT_TRUE(lobby.enter(address("2001:db8:0:1::1")));
}

TEST(Lobby, frees_a_place_once_when_somebody_is_let_in_or_goes) {
    SeededRandom random{3};
    Lobby lobby{random};
    const PeerAddress from = address("192.0.2.1");
    auto passes = fill(lobby, from);
    passes.pop_back();
    passes.front().give_back();
    passes.front().give_back();
    Lobby::Pass moved = std::move(passes.at(1));
    passes.at(2) = std::move(moved);
    EXPECT_EQ(fill(lobby, from).size(), 3U) << "one went, one was let in, one was overwritten";
    passes.clear();
    EXPECT_EQ(fill(lobby, from).size(), Lobby::strangers_max);
}

TEST(Lobby, spreads_neighbours_over_its_counters) {
    SeededRandom random{4};
    Lobby lobby{random};
    std::vector<Lobby::Pass> passes;
    for (unsigned i = 0; i < 1000; ++i) {
        const PeerAddress from =
            PeerAddress::ipv4({10, 0, static_cast<std::uint8_t>(i >> 8U), static_cast<std::uint8_t>(i)}, 1);
        for (unsigned count = 0; count < 100; ++count) {
            auto pass = lobby.enter(from);
            if (pass) {
                passes.push_back(std::move(*pass));
            }
        }
    }
    EXPECT_GT(passes.size(), 98'000U);
}

TEST(Lobby, is_used_by_all_threads_at_once) {
    SeededRandom random{5};
    Lobby lobby{random};
    const PeerAddress from = address("192.0.2.1");
    std::vector<std::thread> threads;
    for (int i = 0; i < 4; ++i) {
        threads.emplace_back([&] {
            for (int round = 0; round < 20; ++round) {
                EXPECT_LE(fill(lobby, from).size(), Lobby::strangers_max);
            }
        });
    }
    for (auto& thread : threads) {
        thread.join();
    }
    EXPECT_EQ(fill(lobby, from).size(), Lobby::strangers_max) << "all came back";
}

}   // namespace
}   // namespace millrace::net
