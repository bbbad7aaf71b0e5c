#include "protocol/kcp/trial_for_tests.hpp"

#include <gtest/gtest.h>

namespace millrace::kcp {
namespace {

/// Content that no other offset has, so that a swap shows.
Bytes content(std::size_t number, std::size_t size) {
    std::vector<std::byte> bytes(size);
    Dice dice{number};
    for (std::byte& byte : bytes) {
        byte = static_cast<std::byte>(dice.next());
    }
    return Bytes{std::move(bytes)};
}

/// Sends all messages one way as fast as the windows let them, and gives what the far end read.
struct Bulk {
    std::size_t messages = 400;
    std::size_t size = 3'000;
    std::size_t read = 0;
    bool equal = true;
    Duration took{};

    void run(Pair& pair, Instant from = {}) {
        std::size_t sent = 0;
        Instant now = from;
        while (read < messages && now < from + 600s) {
            while (sent < messages && pair.near.waiting() < 2'000) {
                ASSERT_TRUE(pair.near.send(content(sent, size), now));
                ++sent;
            }
            pair.leave(now);
            now = pair.next();
            pair.arrive(now);
            while (const auto message = pair.far.next_message()) {
                equal = equal && Bytes{*message} == content(read, size);
                ++read;
            }
        }
        took = now - from;
    }
};

struct Network {
    const char* name;
    Line line;
};
const Network networks[] = {
    {"clean", {}},
    {"1 %", {.loss = 0.01}},
    {"10 %", {.loss = 0.10}},
    {"30 %", {.loss = 0.30}},
    {"reordering and duplicates", {.in_order = false, .loss = 0.05, .duplication = 0.10}},
};

TEST(KcpConversation, row_0_31_brings_messages_whole_and_in_order_between_all_modes) {
    for (const Network& network : networks) {
        for (const std::string_view sender : {"video", "messages", "turbo", "fast", "normal"}) {
            for (const std::string_view reader : {"video", "turbo"}) {
                Settings sending = mode(sender);
                if (reader == "turbo") {
                    sending = sending.for_plain_peer();
                }
                Pair pair{{sending, mode(reader), network.line, 7}};
                Bulk bulk;
                bulk.run(pair);
                EXPECT_EQ(bulk.read, bulk.messages) << network.name << ' ' << sender << ' ' << reader;
                EXPECT_TRUE(bulk.equal) << network.name << ' ' << sender << ' ' << reader;
                EXPECT_FALSE(pair.near.dead());
            }
        }
    }
}

TEST(KcpConversation, takes_any_mtu_window_and_stream_mode) {
    for (const std::size_t mtu : {50UL, 1'000UL, 1'400UL}) {
        for (const std::uint16_t window : {std::uint16_t{32}, std::uint16_t{128}}) {
            for (const bool stream : {false, true}) {
                Settings settings = mode("video");
                settings.mtu = mtu;
                settings.stream = stream;
                settings.receive_window = window;
                Pair pair{{settings, settings, {.loss = 0.05}, 3}};
                Bulk bulk{.messages = 50, .size = mtu == 50 ? 700UL : 20'000UL};
                std::vector<std::byte> all;
                if (!stream) {
                    bulk.run(pair);
                    EXPECT_EQ(bulk.read, bulk.messages) << mtu << ' ' << window;
                    EXPECT_TRUE(bulk.equal);
                    continue;
                }
                std::vector<std::byte> sent;
                for (std::size_t i = 0; i < bulk.messages; ++i) {
                    const Bytes piece = content(i, i * 37);
                    sent.insert(sent.end(), piece.begin(), piece.end());
                    ASSERT_TRUE(pair.near.send(piece, Instant{}));
                }
                for (Instant now; all.size() < sent.size() && now < Instant{} + 60s;) {
                    pair.leave(now);
                    now = pair.next();
                    pair.arrive(now);
                    while (const auto some = pair.far.next_message()) {
                        all.insert(all.end(), some->begin(), some->end());
                    }
                }
                EXPECT_EQ(all, sent) << mtu << ' ' << window;
            }
        }
    }
}

TEST(KcpConversation, row_0_31_takes_the_settings_of_python_kcp) {
    Settings settings = mode("turbo");
    settings.mtu = 1'000;
    Pair pair{{settings, settings, {.loss = 0.05}, 9}};
    Bulk bulk;
    bulk.run(pair);
    EXPECT_TRUE(bulk.read == bulk.messages && bulk.equal);
}

TEST(KcpConversation, goes_over_the_wrap_of_numbers_and_time_stamps) {
    for (const std::string_view name : {"video", "messages", "turbo"}) {
        Settings settings = mode(name);
        settings.first_sn = 0xffff'ff00;
        Pair pair{{settings, settings, {.in_order = false, .loss = 0.10}, 4}};
        // The clock of time stamps wraps 300 ms later.
        const Instant began = Instant{} + ((std::int64_t{1} << 32) - 300) * 1ms;
        Bulk bulk;
        bulk.run(pair, began);
        EXPECT_TRUE(bulk.read == bulk.messages && bulk.equal) << name;
    }
}

TEST(KcpConversation, never_doubles_a_resend_to_a_plain_peer) {
    Settings sending = mode("video").for_plain_peer();
    Pair pair{{sending, mode("turbo"), {.loss = 0.20}, 5}};
    Bulk bulk;
    bulk.run(pair);
    EXPECT_EQ(bulk.read, bulk.messages);
    EXPECT_EQ(pair.near.counters().further_copies, 0U);
    EXPECT_EQ(pair.near.counters().rides, 0U);
}

TEST(KcpConversation, is_silent_when_nothing_waits) {
    Pair pair{{mode("video"), mode("video"), {}, 1}};
    Bulk bulk{.messages = 3};
    bulk.run(pair);
    Instant now = Instant{} + 1s;
    for (int i = 0; i < 20 && pair.next() != Instant::never(); ++i) {
        pair.leave(now);
        now = pair.next();
        pair.arrive(now);
    }
    pair.leave(now);
    EXPECT_EQ(pair.next(), Instant::never());
    EXPECT_EQ(pair.near.waiting(), 0U);
}

TEST(KcpConversation, asks_a_peer_without_room_and_goes_on_when_there_is_some) {
    Settings settings = mode("video");
    settings.receive_window = 8;
    for (const bool told : {true, false}) {
        Pair pair{{settings, settings, {}, 1}};
        for (std::size_t i = 0; i < 20; ++i) {
            ASSERT_TRUE(pair.near.send(content(i, 100), Instant{}));
        }
        Instant now;
        while (now < Instant{} + 300ms) {   // nobody reads
            pair.leave(now);
            now = std::min(pair.next(), Instant{} + 300ms);
            pair.arrive(now);
        }
        std::size_t read = 0;
        bool deaf = !told;   // its first words about room are lost
        while (read < 20 && now < Instant{} + 20s) {
            while (pair.far.next_message()) {
                ++read;
            }
            while (deaf && pair.far.next_output()) {
            }
            deaf = false;
            pair.leave(now);
            now = pair.next();
            pair.arrive(now);
        }
        EXPECT_EQ(read, 20U);
        EXPECT_LT(now, Instant{} + 2s) << "a lost word does not cost seconds";
    }
}

TEST(KcpConversation, lets_small_segments_ride_where_many_fill_several_datagrams) {
    Settings settings = mode("messages");
    settings.mtu = 200;
    Pair pair{{settings, settings, {.loss = 0.10}, 2}};
    Bulk bulk{.messages = 2'000, .size = 60};
    bulk.run(pair);
    EXPECT_TRUE(bulk.read == bulk.messages && bulk.equal);
    EXPECT_GT(pair.near.counters().rides, 0U);
}

TEST(KcpConversation,
     sends_a_backlog_of_tiny_messages_in_full_datagrams_and_takes_no_window_for_a_narrow_path) {
    for (const bool narrow : {false, true}) {
        for (const std::string_view reader : {"video", "turbo"}) {
            Settings near = mode("video");
            near = reader == "turbo" ? near.for_plain_peer() : near;
            Settings far = mode(reader);
            near.send_window = far.receive_window = 1'024;
            const Line line{.delay_min = 5ms, .delay_max = 8ms, .bytes_per_second = narrow ? 3e6 / 8 : 0};
            Pair pair{{near, far, line, 7}};
            Bulk bulk{.messages = 50'000, .size = 8};
            bulk.run(pair);
            EXPECT_TRUE(bulk.read == bulk.messages && bulk.equal) << reader;
            // 43 of 32 bytes fill one.
            EXPECT_LT(pair.near.counters().datagrams_sent, 1'400U) << reader << ' ' << narrow;
            EXPECT_LT(bulk.took, narrow ? 8s : 4s) << reader;
        }
    }
}

TEST(KcpConversation, refuses_to_send_what_can_never_arrive) {
    Conversation end{mode("video"), Instant{}};
    EXPECT_TRUE(end.send(content(1, 127 * 1'376), Instant{}));
    const Result<> refused = end.send(content(1, 127 * 1'376 + 1), Instant{});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().code, Errc::exhausted);
    while (end.send(content(1, 100'000), Instant{})) {
    }
    EXPECT_LE(end.waiting(), Settings::waiting_max);
}

TEST(KcpConversation, calls_a_peer_dead_that_never_answers_and_sends_it_little) {
    Conversation end{mode("video"), Instant{}};
    for (std::size_t i = 0; i < 200; ++i) {
        ASSERT_TRUE(end.send(content(i, 1'000), Instant{}));
    }
    std::size_t datagrams = 0;
    Instant now;
    while (!end.dead() && now < Instant{} + 200s) {
        end.advance(now);
        while (end.next_output()) {
            ++datagrams;
        }
        now = end.deadline();
    }
    EXPECT_TRUE(end.dead());
    EXPECT_LT(datagrams, 600U);
}

/// One segment as a datagram.
std::vector<std::byte> datagram(const Segment& segment) {
    std::vector<std::byte> bytes;
    append(bytes, segment);
    return bytes;
}

TEST(KcpConversation, case_37_believes_no_acknowledgement_of_what_was_never_sent) {
    Conversation end{mode("video"), Instant{}};
    ASSERT_TRUE(end.send(content(1, 100), Instant{}));
    while (end.next_output()) {
    }
    for (const std::uint32_t una : {2U, 1'000U, 0x7fff'ffffU, 0x8000'0000U, 0xffff'ffffU}) {
        EXPECT_TRUE(
            end.receive(datagram({.command = Command::ask_window, .wnd = 128, .una = una}), Instant{}));
        EXPECT_TRUE(end.receive(datagram({.command = Command::ack, .wnd = 65'535, .ts = una, .sn = una}),
                                Instant{} + 1ms));
        EXPECT_EQ(end.in_flight(), 1U);
    }
    EXPECT_TRUE(
        end.receive(datagram({.command = Command::ack, .wnd = 128, .ts = 0xffff'0000}), Instant{} + 2ms));
    EXPECT_EQ(end.path().round_trip, 0ns) << "a time stamp of no copy is no round trip";
}

TEST(KcpConversation, case_37_keeps_no_more_than_its_window_of_far_numbers) {
    Settings settings = mode("video");
    settings.receive_window = 64;
    Conversation end{settings, Instant{}};
    for (std::uint32_t sn = 1; sn < 5'000; ++sn) {
        EXPECT_TRUE(
            end.receive(datagram({.wnd = 65'535, .sn = sn * 7, .payload = as_bytes("x")}), Instant{}));
    }
    EXPECT_GT(end.counters().beyond, 4'900U);
    EXPECT_FALSE(end.next_message());
    std::size_t answers = 0;
    end.advance(Instant{} + 10ms);
    while (const auto out = end.next_output()) {
        EXPECT_LE(out->bytes.size(), settings.mtu);
        ++answers;
    }
    EXPECT_LT(answers, 10U);
}

TEST(KcpConversation, case_37_ends_at_a_message_that_can_never_be_whole) {
    Settings settings = mode("video");
    settings.receive_window = 64;
    Conversation large{settings, Instant{}};
    EXPECT_FALSE(large.receive(datagram({.frg = 255, .wnd = 64}), Instant{}));
    EXPECT_TRUE(large.broken());
    Conversation torn{settings, Instant{}};
    EXPECT_TRUE(torn.receive(datagram({.frg = 5, .wnd = 64}), Instant{}));
    EXPECT_FALSE(torn.receive(datagram({.frg = 1, .wnd = 64, .sn = 1}), Instant{}));
    EXPECT_TRUE(torn.broken());
}

TEST(KcpConversation, case_37_answers_a_flood_of_questions_once) {
    Conversation end{mode("video"), Instant{}};
    std::vector<std::byte> flood;
    for (int i = 0; i < 50; ++i) {
        append(flood, {.command = Command::ask_window, .wnd = 128});
    }
    for (int i = 0; i < 20; ++i) {
        EXPECT_TRUE(end.receive(flood, Instant{}));
    }
    std::size_t answered = 0;
    while (const auto out = end.next_output()) {
        answered += out->bytes.size() / header_size;
    }
    EXPECT_EQ(answered, 1U);
}

TEST(KcpSettings, knows_the_modes_by_name_and_refuses_what_cannot_work) {
    for (const std::string_view name :
         {"default", "normal", "fast", "turbo", "fastest", "video", "video_fec", "messages"}) {
        ASSERT_TRUE(named_mode(name)) << name;
        EXPECT_TRUE(validate(*named_mode(name))) << name;
    }
    EXPECT_FALSE(named_mode("slow"));
    Settings settings = mode("turbo");
    settings.mtu = 49;
    EXPECT_FALSE(validate(settings));
    settings = mode("turbo");
    settings.interval = 0ms;
    EXPECT_FALSE(validate(settings));
    settings = mode("video");
    settings.send_window = 0;
    EXPECT_FALSE(validate(settings));
}

}   // namespace
}   // namespace millrace::kcp
