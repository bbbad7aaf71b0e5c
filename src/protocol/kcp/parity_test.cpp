#include "protocol/kcp/galois.hpp"
#include "protocol/kcp/parity_receiver.hpp"
#include "protocol/kcp/parity_sender.hpp"
#include "protocol/kcp/path_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

std::vector<std::byte> some_bytes(std::uint64_t seed, std::size_t size) {
    std::vector<std::byte> bytes(size);
    Dice dice{seed};
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(dice.next());
    }
    return bytes;
}

TEST(KcpParity, multiplies_in_a_field) {
    for (unsigned a = 1; a < 256; ++a) {
        const auto value = static_cast<std::uint8_t>(a);
        EXPECT_EQ(multiply(value, inverse(value)), 1);
        EXPECT_EQ(multiply(value, 1), value);
        EXPECT_EQ(multiply(value, 0), 0);
    }
    EXPECT_EQ(multiply(0x80, 2), 0x1d);
    // The wide way and the plain one agree, whatever the length.
    for (const std::size_t size : {0UL, 1UL, 15UL, 16UL, 33UL, 1'400UL}) {
        const std::vector<std::byte> from = some_bytes(size, size);
        std::vector<std::byte> into = some_bytes(size + 1, size);
        const std::vector<std::byte> before = into;
        add_scaled(into, from, 0x57);
        for (std::size_t i = 0; i < size; ++i) {
            const auto product = multiply(0x57, static_cast<std::uint8_t>(from[i]));
            EXPECT_EQ(into[i], before[i] ^ static_cast<std::byte>(product));
        }
    }
}

TEST(KcpParity, reads_what_it_writes_and_refuses_the_rest) {
    const std::vector<std::byte> body = some_bytes(1, 20);
    for (const ParityMessage& message :
         {ParityMessage{PlainDatagram{body}}, ParityMessage{CoveredDatagram{7, body}},
          ParityMessage{ParityDatagram{9, 3, 1, body}}, ParityMessage{ParityReport{5, 2, 1}}}) {
        const std::vector<std::byte> bytes = written(message);
        const Result<ParityMessage> read = read_parity(bytes);
        ASSERT_TRUE(read);
        EXPECT_EQ(written(*read), bytes);
    }
    EXPECT_EQ(written(ParityDatagram{9, 3, 1, some_bytes(1, body.size() + 2)}).size(),
              body.size() + parity_header);
    EXPECT_FALSE(read_parity({}));
    EXPECT_FALSE(read_parity(as_bytes("\x04zzzz")));
    EXPECT_FALSE(read_parity(as_bytes("\x01zz")));
    EXPECT_FALSE(read_parity(written(ParityDatagram{9, 0, 1, body}))) << "covers nothing";
    EXPECT_FALSE(read_parity(written(ParityDatagram{9, 65, 1, body}))) << "covers too much";
    EXPECT_FALSE(read_parity(written(ParityDatagram{9, 3, 1, {}})));
}

TEST(KcpParity, makes_up_as_many_as_there_are_sums) {
    for (std::uint64_t seed = 1; seed <= 50; ++seed) {
        ParitySender sender{0.25};
        ParityReceiver receiver;
        Dice dice{seed};
        std::vector<std::vector<std::byte>> sent;
        std::vector<std::vector<std::byte>> got;
        const auto take = [&](ByteSpan datagram) {
            std::vector<ParityReceiver::Given> given;
            receiver.take(*read_parity(datagram), given);
            for (const ParityReceiver::Given& one : given) {
                got.emplace_back(one.bytes.begin(), one.bytes.end());
            }
        };
        for (std::size_t i = 0; i < 36; ++i) {
            sent.push_back(some_bytes(seed * 1'000 + i, 1 + dice.below(1'400)));
            std::vector<std::vector<std::byte>> out;
            sender.send({sent.back(), true}, out);
            if (i % 5 != 2) {   // seven are lost, nine sums come
                take(out.front());
            }
            if (i % 4 == 3) {
                out.clear();
                sender.finish(out);
                for (const std::vector<std::byte>& parity : out) {
                    take(parity);
                }
            }
        }
        EXPECT_EQ(receiver.counters().recovered, 7U) << seed;
        std::ranges::sort(got);
        std::ranges::sort(sent);
        EXPECT_EQ(got, sent) << seed;
    }
}

TEST(KcpParity, gives_each_datagram_once_and_reports_what_was_lost) {
    ParitySender sender{0.5};
    ParityReceiver receiver;
    std::vector<ParityReceiver::Given> given;
    for (std::size_t i = 0; i < 200; ++i) {
        std::vector<std::vector<std::byte>> out;
        sender.send({some_bytes(i, 50), true}, out);
        sender.finish(out);
        for (const std::vector<std::byte>& one : out) {
            const bool lost = i % 10 == 5 && &one == &out.front();
            for (int copies = lost ? 0 : 2; copies > 0; --copies) {
                receiver.take(*read_parity(one), given);
            }
        }
    }
    EXPECT_EQ(given.size(), 200U);
    const std::optional<ParityReport> report = receiver.report(Instant{} + 1s);
    ASSERT_TRUE(report);
    EXPECT_EQ(report->arrived + report->lost, 200 - static_cast<int>(ParityReceiver::judged_behind));
    EXPECT_EQ(report->lost, 15);
    EXPECT_EQ(report->bursts, 15);
    EXPECT_FALSE(receiver.report(Instant{} + 1s)) << "nothing new";
}

TEST(KcpParity, sends_none_for_nothing_lost_and_none_against_bursts) {
    ParityRate rate;
    rate.take({.arrived = 1'000});
    EXPECT_EQ(rate.share(), 0);
    for (int i = 0; i < 20; ++i) {
        rate.take({.arrived = 950, .lost = 50, .bursts = 45});
    }
    EXPECT_NEAR(rate.share(), 0.25, 0.01);
    for (int i = 0; i < 20; ++i) {
        rate.take({.arrived = 950, .lost = 50, .bursts = 12});
    }
    EXPECT_EQ(rate.share(), 0);
}

TEST(KcpParity, lives_through_sums_of_nothing_that_was_sent) {
    ParityReceiver receiver;
    std::vector<ParityReceiver::Given> given;
    Dice dice{1};
    for (std::size_t i = 0; i < 2'000; ++i) {
        const std::vector<std::byte> body = some_bytes(i, 2 + dice.below(100));
        const auto number = static_cast<std::uint32_t>(dice.below(400) + (i > 1'000 ? 0xffff'ff00U : 0));
        if (i % 3 == 0) {
            receiver.take(CoveredDatagram{number, body}, given);
        } else {
            const auto span = static_cast<std::uint8_t>(1 + dice.below(parity_span_max));
            receiver.take(ParityDatagram{number, span, static_cast<std::uint8_t>(i), body}, given);
        }
    }
    EXPECT_LE(given.size(), 4'000U);
}

}   // namespace
}   // namespace millrace::kcp
