#include "base/answer.hpp"

#include "base/virtual_time.hpp"
#include "base/waiting.hpp"

#include <gtest/gtest.h>

#include <string>

namespace millrace {
namespace {

struct World {
    VirtualTime time;
    VirtualExecutor& asker = time.add_executor();
    VirtualExecutor& giver = time.add_executor();
    Reply<std::string> reply;
    std::string said;
};

Task<> ask(World& world, Duration patience) {
    Answer<std::string> answer{world.asker};
    world.reply = answer.reply();
    const auto given = co_await answer.within(world.asker.now() + patience);
    EXPECT_TRUE(world.asker.is_current());
    world.said = given ? *given : std::string{name(given.error().code)};
}

TEST(Answer, wakes_the_asker_on_its_own_executor) {
    World world;
    world.asker.run([&] { world.asker.tasks().spawn(ask(world, 10s)); });
    world.time.run_for(1s);
    EXPECT_EQ(&world.reply.asker(), &world.asker);
    world.giver.run([&] { world.reply.give("hello"); });
    EXPECT_EQ(world.said, "") << "never from inside give";
    EXPECT_FALSE(world.reply);
    world.time.settle();
    EXPECT_EQ(world.said, "hello");
}

TEST(Answer, carries_an_error_as_given) {
    World world;
    world.asker.run([&] { world.asker.tasks().spawn(ask(world, 10s)); });
    world.reply.give(fail(Errc::not_found, "no such stream"));
    world.time.settle();
    EXPECT_EQ(world.said, "not_found");
}

TEST(Answer, is_there_at_once_when_given_before_it_is_awaited) {
    World world;
    Answer<std::string> answer{world.asker};
    answer.reply().give("early");
    world.time.settle();
    const auto wait = [](Answer<std::string>& a, World& w) -> Task<> {
        const auto given = co_await a.within(w.asker.now());
        w.said = given.value_or("late");
    };
    world.asker.tasks().spawn(wait(answer, world));
    EXPECT_EQ(world.said, "early");
}

TEST(Answer, times_out_at_the_deadline) {
    World world;
    world.asker.run([&] { world.asker.tasks().spawn(ask(world, 10s)); });
    world.time.run_for(10s - 1ns);
    EXPECT_EQ(world.said, "");
    world.time.run_for(1ns);
    EXPECT_EQ(world.said, "timed_out");
    world.reply.give("too late");
    world.time.settle();
    EXPECT_EQ(world.said, "timed_out");
}

TEST(Answer, is_cancelled_when_the_reply_is_dropped) {
    World world;
    world.asker.run([&] { world.asker.tasks().spawn(ask(world, 10s)); });
    world.reply = {};
    world.time.settle();
    EXPECT_EQ(world.said, "cancelled");
}

/// A thing that says on which executor it was destroyed.
struct Traced {
    VirtualExecutor* home;
    std::string* said;
    Traced(VirtualExecutor& executor, std::string& text) : home{&executor}, said{&text} {}
    Traced(Traced&& other) noexcept : home{std::exchange(other.home, nullptr)}, said{other.said} {}
    Traced& operator=(Traced&&) = delete;
    ~Traced() {
        if (home != nullptr) {
            *said += home->is_current() ? "at home" : "abroad";
        }
    }
};

TEST(Answer, that_comes_too_late_is_destroyed_on_the_asker) {
    VirtualTime time;
    auto& asker = time.add_executor();
    auto& giver = time.add_executor();
    std::string said;
    Reply<Traced> reply;
    {
        Answer<Traced> answer{asker};
        reply = answer.reply();
    }
    giver.run([&] { reply.give(Traced{asker, said}); });
    EXPECT_EQ(said, "");
    time.settle();
    EXPECT_EQ(said, "at home");
}

TEST(Answer, may_be_abandoned_by_a_conversation_that_is_destroyed) {
    World world;
    world.asker.run([&] { world.asker.tasks().spawn(ask(world, 10s)); });
    world.asker.stop();
    world.reply.give("nobody there");
    world.time.run_for(20s);
    EXPECT_EQ(world.said, "");
}

}   // namespace
}   // namespace millrace
