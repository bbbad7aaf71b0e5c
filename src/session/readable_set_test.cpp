#include "session/readable_set.hpp"

#include "base/virtual_connection.hpp"
#include "base/virtual_time.hpp"

#include <gtest/gtest.h>

namespace millrace::session {
namespace {

class TwoConnections : public testing::Test {
protected:
    ~TwoConnections() override { time_.stop(); }

    static Task<> count(TwoConnections& self, Duration patience) {
        ReadableSet set{self.executor_};
        set.add(*self.a_.second);
        set.add(*self.b_.second);
        for (int turn = 0; turn < 3; ++turn) {
            co_await set.any(self.executor_.now() + patience);
            self.said_ += set.take(0) ? 'a' : '-';
            self.said_ += set.take(1) ? 'b' : '-';
            self.read(*self.a_.second);
            self.read(*self.b_.second);
        }
    }
    void read(Connection& connection) {
        std::array<std::byte, 64> buffer;
        [[maybe_unused]] const Result<std::size_t> got = connection.try_read(buffer);
    }
    void start(Duration patience = 10s) {
        executor_.run([&] { executor_.tasks().spawn(count(*this, patience)); });
        time_.settle();
    }
    void say(Connection& connection) {
        const ByteSpan bytes = as_bytes("x");
        EXPECT_EQ(connection.try_write(std::span{&bytes, 1}).value_or(0), 1U);
        time_.settle();
    }

    VirtualTime time_;
    VirtualExecutor& executor_ = time_.add_executor();
    VirtualExecutor& far_ = time_.add_executor();
    std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> a_ =
        virtual_connection(far_, executor_, {}, {}, {"192.0.2.1", 1}, {"192.0.2.2", 1});
    std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> b_ =
        virtual_connection(far_, executor_, {}, {}, {"192.0.2.1", 2}, {"192.0.2.2", 2});
    std::string said_;
};

TEST_F(TwoConnections, tells_which_can_be_read) {
    start();
    say(*b_.first);
    EXPECT_EQ(said_, "-b");
    say(*a_.first);
    EXPECT_EQ(said_, "-ba-");
    a_.second->close();
    time_.settle();
    EXPECT_EQ(said_, "-ba-a-") << "one that we closed is ready too";
}

TEST_F(TwoConnections, wakes_at_its_deadline) {
    start(1s);
    time_.run_for(2500ms);
    EXPECT_EQ(said_, "----");
}

TEST_F(TwoConnections, can_be_destroyed_while_it_sleeps) {
    start();
    executor_.run([this] { executor_.tasks().clear(); });
    say(*a_.first);
    EXPECT_EQ(said_, "");
}

}   // namespace
}   // namespace millrace::session
