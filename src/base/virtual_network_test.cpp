#include "base/virtual_network.hpp"

#include "base/byte_reader.hpp"
#include "base/byte_writer.hpp"
#include "base/waiting.hpp"

#include <gtest/gtest.h>

#include <set>

namespace millrace {
namespace {

const Endpoint here{"192.0.2.1", 5000};
const Endpoint there{"192.0.2.2", 6000};

/// What one packet was, when it was sent and when it came.
struct Arrival {
    std::uint32_t number;
    Duration after;
    bool operator==(const Arrival&) const = default;
};

struct World {
    explicit World(const VirtualPath& path = {}, std::uint64_t seed = 1) : time{seed} {
        network.set_default_path(path);
        near = std::move(*network.open(a, here));
        far = std::move(*network.open(b, there));
    }
    ~World() { time.stop(); }
    World(const World&) = delete;
    World& operator=(const World&) = delete;

    Result<std::size_t> send(std::string_view text, std::size_t segment_size = 0) {
        const std::array slices{as_bytes(text)};
        std::array batch{
            Datagram{.peer = *PeerAddress::parse(there), .slices = slices, .segment_size = segment_size}};
        return near->send(batch);
    }
    /// All that can be read at the far end now, `|` after each.
    std::string read(std::size_t room = 100) {
        std::string all;
        std::vector<std::byte> buffer(room);
        std::array received{Received{.buffer = buffer}};
        while (far->receive(received)) {
            all += std::string{as_text(received[0].bytes())} + (received[0].truncated ? "...|" : "|");
        }
        return all;
    }
    /// Sends numbered packets of 100 bytes, one every `pace`, and reads what comes until all is quiet.
    std::vector<Arrival> send_numbered(std::uint32_t packets, Duration pace) {
        std::vector<Arrival> arrivals;
        std::vector<Instant> sent;
        std::array<std::byte, 100> buffer{};
        std::array received{Received{.buffer = buffer}};
        const Instant begin = time.now();
        while (time.now() < begin + packets * pace + 1s) {
            if (sent.size() < packets) {
                std::vector<std::byte> bytes;
                ByteWriter{bytes}.u32(static_cast<std::uint32_t>(sent.size()));
                bytes.resize(100);
                EXPECT_TRUE(send(as_text(bytes)));
                sent.push_back(time.now());
            }
            time.run_for(pace);
            while (far->receive(received)) {
                const std::uint32_t number = ByteReader{received[0].bytes()}.u32();
                arrivals.push_back({number, time.now() - sent.at(number)});
            }
        }
        return arrivals;
    }

    VirtualTime time;
    VirtualExecutor& a = time.add_executor();
    VirtualExecutor& b = time.add_executor();
    VirtualNetwork network{time};
    std::unique_ptr<Datagrams> near;
    std::unique_ptr<Datagrams> far;
};

Task<> note(Waitable& on, Readiness::Direction direction, VirtualExecutor& executor, std::string& said) {
    Readiness readiness{on, direction, executor, executor.now() + 10s};
    const Result<> ready = co_await readiness;
    said += ready ? "ready;" : std::string{name(ready.error().code)} + ";";
}

TEST(VirtualDatagrams, keeps_the_bounds_of_each_datagram_and_says_who_sent_it) {
    World world{{.delay = 30ms}};
    EXPECT_EQ(world.near->local().text(), "192.0.2.1:5000");
    EXPECT_EQ(world.send("hello"), 1U);
    EXPECT_EQ(world.send("segments", 3), 1U);
    world.time.run_for(29ms);
    EXPECT_EQ(world.read(), "");
    world.time.run_for(1ms);
    std::array<std::byte, 8> buffer{};
    std::array received{Received{.buffer = buffer}};
    ASSERT_EQ(world.far->receive(received), 1U);
    EXPECT_EQ(received[0].from.text(), "192.0.2.1:5000");
    EXPECT_EQ(as_text(received[0].bytes()), "hello");
    EXPECT_EQ(world.read(2), "se...|me...|ts|");
    EXPECT_EQ(world.near->counters().sent, 4U);
    EXPECT_EQ(world.far->counters().received, 4U);
}

TEST(VirtualDatagrams, gathers_slices_and_cuts_them_anew) {
    World world;
    const std::array slices{as_bytes("ab"), ByteSpan{}, as_bytes("cdefg"), as_bytes("h")};
    const PeerAddress peer = *PeerAddress::parse(there);
    std::array batch{Datagram{.peer = peer, .slices = slices, .segment_size = 3},
                     Datagram{.peer = peer, .slices = slices},
                     Datagram{.peer = peer, .slices = slices, .segment_size = 3, .gone = 3},
                     Datagram{.peer = peer, .slices = {}}};
    EXPECT_EQ(world.near->send(batch), 4U);
    world.time.settle();
    EXPECT_EQ(world.read(), "abc|def|gh|abcdefgh|def|gh|");
}

TEST(VirtualDatagrams, loses_as_many_as_the_path_says) {
    for (const double loss : {0.0, 0.02, 0.3, 1.0}) {
        World world{{.loss = loss}};
        const std::size_t came = world.send_numbered(10'000, 1ms).size();
        EXPECT_NEAR(static_cast<double>(came), 10'000 * (1 - loss), loss == 1 ? 0 : 700 * loss);
        EXPECT_EQ(world.network.counters().lost, 10'000 - came);
    }
}

TEST(VirtualDatagrams, keeps_the_order_under_jitter) {
    World world{{.delay = 50ms, .jitter = 40ms}};
    const auto arrivals = world.send_numbered(10'000, 1ms);
    ASSERT_EQ(arrivals.size(), 10'000U);
    std::set<Duration> delays;
    for (std::uint32_t i = 0; i < arrivals.size(); ++i) {
        EXPECT_EQ(arrivals.at(i).number, i);
        EXPECT_GE(arrivals.at(i).after, 50ms);
        EXPECT_LE(arrivals.at(i).after, 91ms);
        delays.insert(arrivals.at(i).after);
    }
    EXPECT_GT(delays.size(), 10U);
}

TEST(VirtualDatagrams, holds_back_and_doubles_as_many_as_the_path_says) {
    World world{{.delay = 5ms, .duplication = 0.05, .reordering = 0.1, .held_back = 10ms}};
    const auto arrivals = world.send_numbered(10'000, 1ms);
    std::multiset<std::uint32_t> numbers;
    std::size_t late = 0;
    for (const Arrival& arrival : arrivals) {
        late += arrival.after >= 15ms && !numbers.contains(arrival.number) ? 1 : 0;
        numbers.insert(arrival.number);
    }
    const std::set<std::uint32_t> distinct{numbers.begin(), numbers.end()};
    EXPECT_EQ(distinct.size(), 10'000U);
    EXPECT_NEAR(static_cast<double>(numbers.size() - distinct.size()), 500, 100);
    EXPECT_NEAR(static_cast<double>(late), 1'000, 150);
    EXPECT_EQ(world.network.counters().reordered, late);
    EXPECT_FALSE(std::ranges::is_sorted(arrivals, {}, &Arrival::number));
}

TEST(VirtualDatagrams, fares_alike_with_the_same_seed_only) {
    const VirtualPath rough{.delay = 20ms,
                            .jitter = 10ms,
                            .loss = 0.05,
                            .duplication = 0.02,
                            .reordering = 0.05,
                            .bytes_per_second = 200'000};
    const auto fare = [&rough](std::uint64_t seed) { return World{rough, seed}.send_numbered(1000, 1ms); };
    EXPECT_EQ(fare(1), fare(1));
    EXPECT_NE(fare(1), fare(2));
}

TEST(VirtualDatagrams, loses_what_overflows_the_queue_of_a_slow_path) {
    World world{{.bytes_per_second = 1000, .queue = 300}};
    for (int i = 0; i < 5; ++i) {
        EXPECT_EQ(world.send(std::string(100, static_cast<char>('a' + i))), 1U);
    }
    EXPECT_EQ(world.network.counters().overflowed, 2U);
    world.time.run_for(100ms);
    EXPECT_EQ(world.read(), std::string(100, 'a') + "|");
    world.time.run_for(1s);
    EXPECT_EQ(world.read(), std::string(100, 'b') + "|" + std::string(100, 'c') + "|");
}

TEST(VirtualDatagrams, says_would_block_when_its_own_queue_is_full_and_wakes_when_it_has_room) {
    World world{{.bytes_per_second = 1000, .queue = 300, .queue_at_sender = true}};
    const std::string text(500, 'x');
    const std::array slices{as_bytes(text)};
    std::array batch{Datagram{.peer = *PeerAddress::parse(there), .slices = slices, .segment_size = 100}};
    EXPECT_EQ(world.near->send(batch).error().code, Errc::would_block);
    EXPECT_EQ(batch[0].gone, 300U);
    EXPECT_EQ(batch[0].segments(), 2U);
    std::string said;
    world.a.tasks().spawn(note(*world.near, Readiness::Direction::write, world.a, said));
    world.time.run_for(99ms);
    EXPECT_EQ(said, "");
    world.time.run_for(1ms);
    EXPECT_EQ(said, "ready;");
    EXPECT_EQ(world.near->send(batch).error().code, Errc::would_block);
    EXPECT_EQ(batch[0].gone, 400U);
    world.time.run_for(100ms);
    EXPECT_EQ(world.near->send(batch), 1U);
    world.time.run_for(1s);
    EXPECT_EQ(world.read().size(), 5 * 101U);
}

TEST(VirtualDatagrams, takes_what_cannot_be_sent_and_counts_it) {
    World world;
    const std::string large(Datagrams::bytes_max + 1, 'x');
    const std::array too_large{as_bytes(large)};
    const std::array fits{as_bytes("fits")};
    const PeerAddress peer = *PeerAddress::parse(there);
    std::array batch{Datagram{.peer = peer, .slices = too_large},
                     Datagram{.peer = *PeerAddress::parse({"2001:db8::1", 1}), .slices = fits},
                     Datagram{.peer = *PeerAddress::parse({"192.0.2.9", 1}), .slices = fits},
                     Datagram{.peer = peer, .slices = fits}};
    EXPECT_EQ(world.near->send(batch), 4U);
    EXPECT_EQ(world.near->counters().unsendable, 2U);
    EXPECT_EQ(world.network.counters().unclaimed, 1U);
    world.time.settle();
    EXPECT_EQ(world.read(), "fits|");
}

TEST(VirtualDatagrams, gives_each_direction_its_own_path) {
    World world{{.delay = 10ms}};
    world.network.set_path(there, here, {.loss = 1});
    const std::array slices{as_bytes("x")};
    std::array batch{Datagram{.peer = *PeerAddress::parse(here), .slices = slices}};
    EXPECT_EQ(world.far->send(batch), 1U);
    EXPECT_EQ(world.send("y"), 1U);
    world.time.run_for(20ms);
    EXPECT_EQ(world.network.counters().lost, 1U);
    EXPECT_EQ(world.read(), "y|");
}

TEST(VirtualDatagrams, drops_what_a_reader_leaves_lying) {
    World world;
    const std::string text(60'000, 'x');
    constexpr std::size_t fitting = VirtualNetwork::receive_buffer_max / 60'000;
    for (std::size_t i = 0; i < fitting + 3; ++i) {
        EXPECT_EQ(world.send(text), 1U);
    }
    world.time.settle();
    EXPECT_EQ(world.network.counters().overflowed, 3U);
    EXPECT_EQ(world.read(60'000).size(), fitting * 60'001);
    EXPECT_EQ(world.send(text), 1U);
    world.time.settle();
    EXPECT_EQ(world.read(60'000).size(), 60'001U);
}

TEST(VirtualDatagrams, wakes_a_reader_once_for_each_arming_and_never_from_inside) {
    World world{{.delay = 5ms}};
    std::string said;
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    EXPECT_EQ(world.send("a"), 1U);
    EXPECT_EQ(world.send("b"), 1U);
    world.time.run_for(4ms);
    EXPECT_EQ(said, "");
    world.time.run_for(1ms);
    EXPECT_EQ(said, "ready;");
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    EXPECT_EQ(said, "ready;");
    world.time.settle();
    EXPECT_EQ(said, "ready;ready;");
    EXPECT_EQ(world.read(), "a|b|");
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    world.time.run_for(11s);
    EXPECT_EQ(said, "ready;ready;timed_out;");
}

struct MustNotBeTold final : Waitable::Waiter {
    void on_ready(Result<> /*ready*/) override { ADD_FAILURE() << "told after the socket was destroyed"; }
};

TEST(VirtualDatagrams, may_be_destroyed_while_waited_for) {
    World world{{.delay = 5ms}};
    MustNotBeTold waiter;
    EXPECT_EQ(world.send("under way"), 1U);
    world.far->wait_readable(&waiter);
    world.near->wait_writable(&waiter);
    world.far.reset();
    world.near.reset();
    world.time.run_for(1s);
    world.far = std::move(*world.network.open(world.b, there));
    EXPECT_EQ(world.read(), "");
}

TEST(VirtualNetwork, gives_out_each_port_once) {
    World world;
    EXPECT_EQ(world.network.open(world.a, here).error().code, Errc::exists);
    EXPECT_EQ(world.network.open(world.a, {"camera.example", 1}).error().code, Errc::malformed);
    const auto first = world.network.open(world.a, {"192.0.2.1", 0});
    const auto second = world.network.open(world.a, {"192.0.2.1", 0});
    ASSERT_TRUE(first && second);
    EXPECT_EQ((*first)->local().port, VirtualNetwork::first_free_port);
    EXPECT_EQ((*second)->local().port, VirtualNetwork::first_free_port + 1);
    world.near.reset();
    EXPECT_TRUE(world.network.open(world.a, here));
}

/// A server that notes who came where, and a client that notes what became of its call.
struct Calls {
    Calls() {
        on_accept = [this](Executor& executor, std::unique_ptr<Connection> connection) {
            accepted += (&executor == &world.a ? "a<" : "b<") + connection->peer().text() + ";";
            held.push_back(std::move(connection));
        };
    }
    ~Calls() { world.time.stop(); }
    Calls(const Calls&) = delete;
    Calls& operator=(const Calls&) = delete;

    static Task<> call_up(Calls& calls, VirtualCall call) {
        auto made = co_await calls.world.network.connect(calls.world.a, std::move(call));
        calls.called += made ? "connected;" : std::string{name(made.error().code)} + ";";
        if (made) {
            calls.held.push_back(std::move(*made));
        }
    }
    void call(std::uint16_t port = 1935) {
        world.a.tasks().spawn(
            call_up(*this, {{"192.0.2.1", port}, {"192.0.2.2", 1935}, {.delay = 10ms}, {.delay = 20ms}}));
    }
    auto listen(std::vector<Executor*> executors) {
        return world.network.listen({"192.0.2.2", 1935}, std::move(executors), on_accept);
    }

    World world;
    OnAccept on_accept;
    std::string accepted;
    std::string called;
    std::vector<std::unique_ptr<Connection>> held;
};

TEST(VirtualListener, hands_connections_to_its_executors_in_turn_within_a_round_trip) {
    Calls calls;
    const auto listener = calls.listen({&calls.world.b, &calls.world.a});
    ASSERT_TRUE(listener);
    EXPECT_EQ((*listener)->local().text(), "192.0.2.2:1935");
    calls.call(1);
    calls.world.time.run_for(9ms);
    EXPECT_EQ(calls.accepted, "");
    calls.world.time.run_for(1ms);
    EXPECT_EQ(calls.accepted, "b<192.0.2.1:1;");
    calls.world.time.run_for(19ms);
    EXPECT_EQ(calls.called, "");
    calls.world.time.run_for(1ms);
    EXPECT_EQ(calls.called, "connected;");
    calls.call(2);
    calls.world.time.run_for(30ms);
    EXPECT_EQ(calls.accepted, "b<192.0.2.1:1;a<192.0.2.1:2;");

    ASSERT_EQ(calls.held.size(), 4U);
    const std::array words{as_bytes("through")};
    EXPECT_EQ(calls.held.at(1)->try_write(words), 7U);
    calls.world.time.run_for(10ms);
    std::array<std::byte, 10> buffer{};
    EXPECT_EQ(calls.held.at(0)->try_read(buffer), 7U);
}

TEST(VirtualListener, refuses_where_nobody_listens_or_not_any_more) {
    Calls calls;
    calls.call();
    calls.world.time.run_for(29ms);
    EXPECT_EQ(calls.called, "");
    calls.world.time.run_for(1ms);
    EXPECT_EQ(calls.called, "refused;");

    auto listener = calls.listen({&calls.world.b});
    ASSERT_TRUE(listener);
    EXPECT_EQ(calls.listen({&calls.world.b}).error().code, Errc::exists);
    calls.call();
    calls.world.time.run_for(30ms);
    (*listener)->close();
    (*listener)->close();
    auto again = calls.listen({&calls.world.b});
    EXPECT_TRUE(again) << "the address is free again";
    listener->reset();
    calls.call();
    calls.world.time.run_for(30ms);
    EXPECT_EQ(calls.called, "refused;connected;connected;") << "the old one's end leaves the new one alone";
    again->reset();
    calls.call();
    calls.world.time.run_for(30ms);
    EXPECT_EQ(calls.called, "refused;connected;connected;refused;");
    std::array<std::byte, 1> buffer{};
    EXPECT_EQ(calls.held.at(0)->try_read(buffer).error().code, Errc::would_block) << "those it had live on";
}

TEST(VirtualListener, hands_nothing_over_after_its_close) {
    Calls calls;
    std::unique_ptr<Listener> listener;
    const OnAccept note_it = calls.on_accept;
    calls.on_accept = [&](Executor& executor, std::unique_ptr<Connection> connection) {
        note_it(executor, std::move(connection));
        listener.reset();
    };
    listener = std::move(*calls.listen({&calls.world.b}));
    calls.call(1);
    calls.call(2);   // knocks at the same moment
    calls.world.time.run_for(50ms);
    EXPECT_EQ(calls.accepted, "b<192.0.2.1:1;");
    EXPECT_EQ(calls.called, "connected;connected;");
    std::array<std::byte, 1> buffer{};
    ASSERT_EQ(calls.held.size(), 3U);
    EXPECT_EQ(calls.held.at(1)->try_read(buffer).error().code, Errc::would_block);
    EXPECT_EQ(calls.held.at(2)->try_read(buffer).error().code, Errc::closed);
}

Task<> stop_calling(Calls& calls) {
    auto task = calls.world.network.connect(calls.world.a,
                                            {{"192.0.2.1", 9}, {"192.0.2.2", 1935}, {}, {.delay = 1s}});
    const auto never = co_await task;
    calls.called += never ? "connected;" : "failed;";
}

TEST(VirtualListener, sees_a_caller_that_gave_up_before_it_was_answered) {
    Calls calls;
    const auto listener = calls.listen({&calls.world.b});
    ASSERT_TRUE(listener);
    calls.world.a.tasks().spawn(stop_calling(calls));
    calls.world.time.run_for(500ms);
    EXPECT_EQ(calls.accepted, "b<192.0.2.1:9;");
    calls.world.a.stop();
    calls.world.time.run_for(500ms);
    std::array<std::byte, 1> buffer{};
    EXPECT_EQ(calls.held.at(0)->try_read(buffer).error().code, Errc::closed);
    EXPECT_EQ(calls.called, "");
}

}   // namespace
}   // namespace millrace
