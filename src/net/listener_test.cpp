#include "net/listener.hpp"

#include "net/acceptor.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/socket_address.hpp"
#include "net/tcp_connection.hpp"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <future>
#include <thread>

namespace millrace::net {
namespace {

using testing::RunningPool;

std::string why_not(const ListenOptions& options) {
    WorkerPool pool{1};
    try {
        listen(pool, options, [](Executor&, std::unique_ptr<Connection>) {});
        return "it listens";
    } catch (const std::runtime_error& error) {
        return error.what();
    }
}

TEST(Listener, says_what_is_wrong_with_an_address) {
    const struct {
        const char* address;
        const char* words;
    } cases[] = {
        {"localhost", "not an IP address"},
        {"127.0.0.1:80", "not an IP address"},
        {"", "not an IP address"},
        {"192.0.2.1", "no interface of this machine has this address"},
        {"2001:db8::1", "no interface of this machine has this address"},
    };
    for (const auto& [address, words] : cases) {
        ListenOptions options;
        options.address = address;
        const std::string why = why_not(options);
        EXPECT_NE(why.find(words), std::string::npos) << why;
        EXPECT_NE(why.find(address), std::string::npos) << why;
    }
}

TEST(Listener, says_that_the_port_is_taken) {
    WorkerPool pool{1};
    ListenOptions options;
    options.address = "127.0.0.1";
    const auto first = listen(pool, options, testing::serve_echo);
    options.port = first->local().port;
    const std::string why = why_not(options);
    EXPECT_NE(why.find("another program uses this port"), std::string::npos) << why;
    EXPECT_NE(why.find(first->local().text()), std::string::npos) << why;
}

TEST(Listener, moves_on_from_a_taken_port_where_it_may) {
    WorkerPool pool{1};
    const auto first = listen(pool, {.address = "127.0.0.1"}, testing::serve_echo);
    const std::uint16_t taken = first->local().port;
    const auto second =
        listen(pool, {.address = "127.0.0.1", .port = taken, .port_tries = 50}, testing::serve_echo);
    EXPECT_GT(second->local().port, taken);
    EXPECT_LT(second->local().port, taken + 50);
}

TEST(Listener, shows_an_ipv4_peer_of_a_dual_stack_address_as_ipv4) {
    RunningPool running;
    std::promise<Endpoint> peer;
    const auto listener =
        listen(running.pool, {}, [&](Executor& executor, std::unique_ptr<Connection> connection) {
            peer.set_value(connection->peer());
            testing::serve_echo(executor, std::move(connection));
        });
    EXPECT_EQ(listener->local().address, "::");
    const Endpoint to{"127.0.0.1", listener->local().port};
    ASSERT_TRUE(
        testing::run(running.first(), [&] { return testing::ask(running.first(), to, "x", nullptr); }));
    EXPECT_EQ(testing::finish(peer.get_future()).address, "127.0.0.1");
}

TEST(Listener, falls_back_to_ipv4_only_for_a_default_address) {
    RunningPool running;
    ListenOptions options;
    options.address = "2001:db8::1";   // stands for a machine without IPv6: this does not exist here either
    options.is_default = true;
    const auto listener = listen(running.pool, options, testing::serve_echo);
    EXPECT_EQ(listener->local().address, "0.0.0.0");
    const Endpoint to{"127.0.0.1", listener->local().port};
    EXPECT_TRUE(
        testing::run(running.first(), [&] { return testing::ask(running.first(), to, "x", nullptr); }));
}

TEST(Listener, refuses_newcomers_once_closed_and_keeps_those_it_has) {
    RunningPool running{1};
    ListenOptions options;
    options.address = "127.0.0.1";
    const auto listener = listen(running.pool, options, testing::serve_echo);
    Worker& worker = running.first();
    const Endpoint to = listener->local();
    const auto session = [](Worker& home, Endpoint where, Listener& closing) -> Task<bool> {
        auto before = co_await connect(home, where, home.now() + testing::patience);
        const auto first = co_await testing::write_all(**before, home, as_bytes("a"));
        const auto echoed = co_await testing::read_exactly(**before, home, 1);
        closing.close();
        co_await sleep_until(home, home.now());
        auto late = co_await connect(home, where, home.now() + testing::patience);
        const auto second = co_await testing::write_all(**before, home, as_bytes("b"));
        const auto again = co_await testing::read_exactly(**before, home, 1);
        co_return first&& echoed&& second&& again && !late && late.error().code == Errc::refused;
    };
    EXPECT_TRUE(testing::run(worker, [&] { return session(worker, to, *listener); }));
}

/// No descriptor can be opened while it lives.
class NoDescriptors {
public:
    NoDescriptors() {
        getrlimit(RLIMIT_NOFILE, &before_);
        const rlimit none{0, before_.rlim_max};   // whichever others close meanwhile
        setrlimit(RLIMIT_NOFILE, &none);
    }
    NoDescriptors(const NoDescriptors&) = delete;
    NoDescriptors& operator=(const NoDescriptors&) = delete;
    ~NoDescriptors() { setrlimit(RLIMIT_NOFILE, &before_); }

private:
    rlimit before_{};
};

template <class Condition>
void wait_until(Condition condition) {
    while (!condition()) {
        std::this_thread::yield();
    }
}

TEST(Acceptor, pauses_while_no_descriptor_is_free_and_goes_on_later) {
#if __has_feature(undefined_behavior_sanitizer)
    GTEST_SKIP()
        << "this sanitizer opens a pipe to look at a type, and calls an object broken when it cannot";
#endif
    RunningPool running{1};
    Worker& worker = running.first();
    Descriptor listening{::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0)};
    SocketAddress address = *SocketAddress::parse({"127.0.0.1", 0});
    ASSERT_EQ(::bind(listening.number(), address.raw(), address.size), 0);
    ASSERT_EQ(::listen(listening.number(), 10), 0);
    address = SocketAddress::local_of(listening.number());
    const std::array clients{Descriptor{::socket(AF_INET, SOCK_STREAM, 0)},
                             Descriptor{::socket(AF_INET, SOCK_STREAM, 0)}};

    std::atomic<std::size_t> accepted = 0;
    auto acceptor = std::make_unique<Acceptor>(
        worker, std::move(listening),
        std::make_shared<const Reception>(Reception{
            running.pool, nullptr, {}, [&](Executor&, std::unique_ptr<Connection>) { ++accepted; }}));
    std::promise<void> started;   // what waits for descriptors opens some itself
    worker.post([&] {
        acceptor->start();
        started.set_value();
    });
    started.get_future().wait();
    for (const Descriptor& client : clients) {
        const std::size_t accepted_before = accepted;
        {
            const NoDescriptors scarce;
            const std::size_t pauses_before = acceptor->pauses();
            const Instant begin = worker.now();
            ASSERT_EQ(::connect(client.number(), address.raw(), address.size), 0);
            // The first round proves that it goes on, the second that it does not spin.
            const std::size_t pauses_wanted = pauses_before + (accepted_before == 0 ? 1 : 3);
            wait_until([&] { return acceptor->pauses() >= pauses_wanted; });
            EXPECT_GE(worker.now() - begin, accepted_before == 0 ? 0ms : 200ms);
            EXPECT_EQ(accepted, accepted_before);
        }
        wait_until([&] { return accepted > accepted_before; });
    }
    worker.post([acceptor = std::move(acceptor)] {});
}

TEST(Descriptor, limit_is_raised_to_what_the_process_may_have) {
    rlimit limit{};
    const std::size_t raised = raise_descriptor_limit();
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    EXPECT_EQ(raised, limit.rlim_cur);
}

}   // namespace
}   // namespace millrace::net
