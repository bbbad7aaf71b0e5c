#include "base/virtual_connection.hpp"

#include "base/virtual_time.hpp"
#include "base/waiting.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

struct World {
    explicit World(VirtualLink link = {}) { std::tie(near, far) = virtual_connection(a, b, link); }
    Result<std::size_t> write(std::string_view text) {
        const ByteSpan slice = as_bytes(text);
        return near->try_write({&slice, 1});
    }
    /// What can be read now, or the error's name.
    std::string read(std::size_t room = 1000) {
        std::string text(room, '\0');
        const auto count = far->try_read(std::as_writable_bytes(std::span{text}));
        return count ? text.substr(0, *count) : std::string{name(count.error().code)};
    }

    VirtualTime time;
    VirtualExecutor& a = time.add_executor();
    VirtualExecutor& b = time.add_executor();
    std::unique_ptr<Connection> near;
    std::unique_ptr<Connection> far;
};

Task<> note(Connection& connection, Readiness::Direction direction, VirtualExecutor& executor,
            std::string& said) {
    Readiness readiness{connection, direction, executor, executor.now() + 10s};
    const Result<> ready = co_await readiness;
    said += ready ? "ready;" : std::string{name(ready.error().code)} + ";";
}

TEST(VirtualConnection, carries_bytes_in_order_after_its_delay) {
    World world{{.delay = 30ms}};
    EXPECT_EQ(world.near->peer().text(), "192.0.2.2:1935");
    EXPECT_EQ(world.far->peer().text(), "192.0.2.1:40000");
    EXPECT_EQ(world.write("hello "), 6U);
    EXPECT_EQ(world.write("world"), 5U);
    world.time.run_for(29ms);
    EXPECT_EQ(world.read(), "would_block");
    world.time.run_for(1ms);
    EXPECT_EQ(world.read(4), "hell");
    EXPECT_EQ(world.read(), "o world");
    EXPECT_EQ(world.read(), "would_block");
}

TEST(VirtualConnection, takes_no_more_than_its_window_until_the_peer_reads) {
    World world{{.window = 10}};
    EXPECT_EQ(world.write("0123456789abc"), 10U);
    EXPECT_EQ(world.write("abc").error().code, Errc::would_block);
    std::string said;
    world.a.tasks().spawn(note(*world.near, Readiness::Direction::write, world.a, said));
    world.time.run_for(1s);
    EXPECT_EQ(said, "");
    EXPECT_EQ(world.read(3), "012");
    world.time.settle();
    EXPECT_EQ(said, "ready;");
    EXPECT_EQ(world.write("abcdef"), 3U);
}

TEST(VirtualConnection, looks_at_as_many_slices_as_one_write_gathers) {
    World world;
    const std::vector<ByteSpan> slices(Connection::gather_max + 1, as_bytes("ab"));
    EXPECT_EQ(world.near->try_write(slices), 2 * Connection::gather_max);
}

TEST(VirtualConnection, drips_at_its_rate) {
    World world{{.bytes_per_second = 1000}};
    EXPECT_EQ(world.write(std::string(500, 'x')), 500U);
    world.time.run_for(100ms);
    EXPECT_EQ(world.read().size(), 100U);
    world.time.run_for(400ms);
    EXPECT_EQ(world.read().size(), 400U);
    EXPECT_EQ(world.read(), "would_block");
}

TEST(VirtualConnection, gives_single_bytes_when_told) {
    World world{{.one_byte_reads = true}};
    EXPECT_EQ(world.write("abc"), 3U);
    world.time.settle();
    EXPECT_EQ(world.read(), "a");
    EXPECT_EQ(world.read(), "b");
}

TEST(VirtualConnection, wakes_a_reader_once_for_each_arming_and_never_from_inside) {
    World world;
    std::string said;
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    EXPECT_EQ(world.write("a"), 1U);
    EXPECT_EQ(said, "");
    world.time.settle();
    EXPECT_EQ(said, "ready;");
    EXPECT_EQ(world.write("b"), 1U);
    world.time.settle();
    EXPECT_EQ(said, "ready;");
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    EXPECT_EQ(said, "ready;");
    world.time.settle();
    EXPECT_EQ(said, "ready;ready;");
}

TEST(VirtualConnection, delivers_what_was_written_before_it_closed) {
    World world{{.delay = 10ms, .bytes_per_second = 1000}};
    EXPECT_EQ(world.write(std::string(100, 'x')), 100U);
    world.near->close();
    world.near->close();
    EXPECT_EQ(world.write("more").error().code, Errc::cancelled);
    EXPECT_EQ(world.read(), "would_block");
    world.time.run_for(200ms);
    EXPECT_EQ(world.read(), std::string(100, 'x'));
    EXPECT_EQ(world.read(), "closed");
    EXPECT_EQ(world.read(), "closed");
}

TEST(VirtualConnection, tells_our_waiters_cancelled_when_we_close) {
    World world{{.window = 1}};
    EXPECT_EQ(world.write("x"), 1U);
    std::string read;
    std::string written;
    world.a.tasks().spawn(note(*world.near, Readiness::Direction::read, world.a, read));
    world.a.tasks().spawn(note(*world.near, Readiness::Direction::write, world.a, written));
    world.near->close();
    EXPECT_EQ(read + written, "");
    world.time.settle();
    EXPECT_EQ(read, "cancelled;");
    EXPECT_EQ(written, "cancelled;");
}

TEST(VirtualConnection, refuses_writes_to_a_peer_that_closed_and_wakes_who_waits_to_write) {
    for (const bool destroyed : {false, true}) {
        World world{{.window = 1}};
        EXPECT_EQ(world.write("x"), 1U);
        std::string said;
        world.a.tasks().spawn(note(*world.near, Readiness::Direction::write, world.a, said));
        world.time.settle();
        EXPECT_EQ(said, "");
        if (destroyed) {
            world.far.reset();
        } else {
            world.far->close();
        }
        world.time.settle();
        EXPECT_EQ(said, "ready;");
        EXPECT_EQ(world.write("y").error().code, Errc::closed);
    }
}

TEST(VirtualConnection, forgets_a_waiter_that_is_disarmed_or_a_connection_that_is_gone) {
    World world;
    std::string said;
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    EXPECT_EQ(world.write("x"), 1U);
    world.time.run_for(0s);
    said.clear();
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    world.b.stop();   // its wake is posted already
    world.far.reset();
    world.time.settle();
    EXPECT_EQ(said, "");
}

TEST(Readiness, times_out_at_its_deadline) {
    World world;
    std::string said;
    world.b.tasks().spawn(note(*world.far, Readiness::Direction::read, world.b, said));
    world.time.run_for(10s - 1ns);
    EXPECT_EQ(said, "");
    world.time.run_for(1ns);
    EXPECT_EQ(said, "timed_out;");
    EXPECT_EQ(world.write("x"), 1U);
    world.time.settle();
    EXPECT_EQ(said, "timed_out;");
}

}   // namespace
}   // namespace millrace
