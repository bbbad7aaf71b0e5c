#include "net/poller.hpp"

#include <gtest/gtest.h>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace millrace::net {
namespace {

using Direction = Poller::Direction;

/// One end of a pair of sockets in a poller; the other is the test's.
class End final : public Poller::Owner {
public:
    explicit End(Poller& poller) : poller_{poller} {
        std::array<int, 2> ends{};
        EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()), 0);
        ours_ = Descriptor{ends[0]};
        theirs = Descriptor{ends[1]};
        place_ = poller.add(ours_.number(), *this);
    }
    End(const End&) = delete;
    End& operator=(const End&) = delete;
    ~End() { remove(); }

    void on_ready(Direction direction) override {
        (direction == Direction::read ? reads : writes) += 1;
        if (then) {
            then();
        }
    }
    void remove() {
        if (place_ != nullptr) {
            poller_.remove(*std::exchange(place_, nullptr));
        }
    }
    Poller::Place& place() { return *place_; }
    void say(std::string_view text) const {
        EXPECT_EQ(::write(theirs.number(), text.data(), text.size()), static_cast<ssize_t>(text.size()));
    }
    std::string read() {
        std::array<char, 64> text;
        const ssize_t count = ::read(ours_.number(), text.data(), text.size());
        poller_.drained(*place_);
        return {text.data(), static_cast<std::size_t>(std::max<ssize_t>(count, 0))};
    }

    Descriptor theirs;
    std::function<void()> then;
    int reads = 0;
    int writes = 0;

private:
    Poller& poller_;
    Descriptor ours_;
    Poller::Place* place_ = nullptr;
};

TEST(Poller, tells_once_for_each_ask) {
    Poller poller;
    End end{poller};
    end.say("a");
    EXPECT_EQ(poller.wait(0ms), 0U) << "nobody asked";
    poller.ask(end.place(), Direction::read);
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(0ms), 1U) << "what is there already is told";
    EXPECT_EQ(poller.wait(0ms), 0U);
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(0ms), 1U) << "it was not read";
    EXPECT_EQ(end.reads, 2);
    poller.ask(end.place(), Direction::write);
    EXPECT_EQ(poller.wait(0ms), 1U);
    EXPECT_EQ(end.writes, 1);
}

TEST(Poller, tells_of_more_after_all_was_read) {
    Poller poller;
    End end{poller};
    for (int i = 0; i < 3; ++i) {
        end.say("some");
        poller.ask(end.place(), Direction::read);
        EXPECT_EQ(poller.wait(0ms), 1U);
        EXPECT_EQ(end.read(), "some");
        poller.ask(end.place(), Direction::read);
        EXPECT_EQ(poller.wait(0ms), 0U);
        end.say("more");
        EXPECT_EQ(poller.wait(0ms), 1U);
        EXPECT_EQ(end.read(), "more");
    }
}

TEST(Poller, tells_of_what_came_between_the_last_read_and_the_ask) {
    Poller poller;
    End end{poller};
    EXPECT_EQ(end.read(), "");
    end.say("late");
    EXPECT_EQ(poller.wait(0ms), 0U) << "nobody asked";
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(0ms), 1U);
}

TEST(Poller, tells_of_an_end_that_came_with_the_last_bytes) {
    Poller poller;
    End end{poller};
    poller.ask(end.place(), Direction::read);
    end.say("bye");
    end.theirs = {};
    EXPECT_EQ(poller.wait(0ms), 1U);
    EXPECT_EQ(end.read(), "bye");
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(0ms), 1U) << "the kernel speaks of the end only once";
    EXPECT_EQ(end.read(), "");
    poller.ask(end.place(), Direction::write);
    EXPECT_EQ(poller.wait(0ms), 1U);
}

TEST(Poller, tells_nothing_to_whom_another_removed) {
    Poller poller;
    End first{poller};
    End second{poller};
    first.then = [&] { second.remove(); };
    second.then = [&] { first.remove(); };
    for (End* const end : {&first, &second}) {
        poller.ask(end->place(), Direction::read);
        end->say("both at once");
    }
    EXPECT_EQ(poller.wait(0ms), 1U);
    EXPECT_EQ(first.reads + second.reads, 1);
    EXPECT_EQ(poller.wait(0ms), 0U);
}

TEST(Poller, answers_soon_where_there_is_nothing_to_wait_for) {
    Poller poller;
    End end{poller};
    poller.ask(end.place(), Direction::read);
    poller.nudge(end.place(), Direction::write);
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(end.writes, 1);
    poller.leave(end.place());
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(end.reads, 1);
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(1h), 1U);
    end.then = [&] { end.remove(); };
    poller.nudge(end.place(), Direction::read);
    poller.nudge(end.place(), Direction::write);
    EXPECT_EQ(poller.wait(1h), 1U) << "it removed itself";
}

TEST(Poller, takes_what_the_kernel_does_not_watch) {
    Poller poller;
    struct Counts final : Poller::Owner {
        void on_ready(Direction /*direction*/) override { ++told; }
        int told = 0;
    } counts;
    const Descriptor device{::open("/dev/zero", O_RDONLY | O_CLOEXEC)};
    Poller::Place* const place = poller.add(device.number(), counts);
    ASSERT_NE(place, nullptr);
    poller.ask(*place, Direction::read);
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(counts.told, 1);
    poller.remove(*place);
    EXPECT_EQ(poller.add(-1, counts), nullptr);
}

TEST(Poller, a_ring_ends_a_wait_that_has_begun_or_begins) {
    Poller poller;
    poller.wake();
    EXPECT_EQ(poller.wait(Duration::max()), 0U);
    poller.wake();
    EXPECT_EQ(poller.wait(Duration::max()), 0U) << "each time, though nobody reads its count";
}

/// So much comes of it for so long that it is looked after, and not woken for.
Instant tell_much(Poller& poller, End& end, Instant from) {
    for (; from < Instant{} + 2 * Poller::judged_every; from = from + Poller::gathered_for / 2) {
        poller.ask(end.place(), Direction::read);
        end.say("a");
        EXPECT_EQ(poller.wait(1h, from), 1U);
        EXPECT_EQ(end.read(), "a");
    }
    return from;
}

TEST(Poller, wakes_for_a_patient_one_while_little_comes_of_it) {
    Poller poller;
    End end{poller};
    poller.be_patient(end.place());
    poller.be_patient(end.place());
    poller.ask(end.place(), Direction::read);
    EXPECT_EQ(poller.wait(0ms), 0U);
    end.say("a");
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(end.read(), "a");
    poller.ask(end.place(), Direction::write);
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(end.writes, 1);
    poller.ask(end.place(), Direction::read);
    end.theirs = {};
    EXPECT_EQ(poller.wait(1h), 1U);
    EXPECT_EQ(end.reads, 2);
}

TEST(Poller, looks_after_patient_ones_by_time_while_much_comes_of_them) {
    Poller poller;
    End busy{poller};
    End quiet{poller};
    poller.be_patient(busy.place());
    poller.be_patient(quiet.place());
    Instant now = tell_much(poller, busy, Instant{} + Poller::judged_every);
    EXPECT_EQ(poller.wait(1h, now), 0U) << "it comes back by itself";
    poller.ask(quiet.place(), Direction::read);
    poller.ask(quiet.place(), Direction::write);
    quiet.say("b");
    EXPECT_EQ(poller.wait(1h, now), 2U);
    EXPECT_EQ(quiet.read(), "b");
    poller.ask(quiet.place(), Direction::read);
    quiet.then = [&quiet] { quiet.remove(); };
    quiet.theirs = {};
    EXPECT_EQ(poller.wait(1h, now), 1U) << "it removed itself";
    // Little comes any more: whoever comes wakes.
    now = now + Poller::judged_every;
    EXPECT_EQ(poller.wait(0ms, now), 0U);
    poller.ask(busy.place(), Direction::read);
    busy.say("c");
    EXPECT_EQ(poller.wait(1h, now), 1U);
    EXPECT_EQ(busy.read(), "c");
}

TEST(Poller, lets_nobody_wait_for_patient_ones) {
    Poller poller;
    End busy{poller};
    poller.be_patient(busy.place());
    End other{poller};
    const Instant now = tell_much(poller, busy, Instant{} + Poller::judged_every);
    poller.ask(other.place(), Direction::read);
    other.say("now");
    EXPECT_EQ(poller.wait(1h, now), 1U);
    EXPECT_EQ(other.read(), "now");
}

TEST(Poller, lets_others_speak_between_very_many_patient_ones) {
    constexpr std::size_t many = 300;   // more than are told at once
    for (const bool much : {false, true}) {
        Poller poller;
        End busy{poller};
        poller.be_patient(busy.place());
        const Instant now = much ? tell_much(poller, busy, Instant{} + Poller::judged_every)
                                 : Instant{} + Poller::judged_every;
        std::vector<std::unique_ptr<End>> ends;
        for (std::size_t i = 0; i < many; ++i) {
            End& end = *ends.emplace_back(std::make_unique<End>(poller));
            poller.be_patient(end.place());
            poller.ask(end.place(), Direction::read);
            end.say("a");
        }
        const std::size_t first = poller.wait(1h, now);
        EXPECT_GT(first, 0U);
        EXPECT_LT(first, many);
        EXPECT_EQ(first + poller.wait(1h, now), many) << "the others are told at once";
    }
}

}   // namespace
}   // namespace millrace::net
