#include "net/certificate_for_tests.hpp"
#include "net/loopback_for_tests.hpp"
#include "net/tcp_connection.hpp"

#include <gtest/gtest.h>

namespace millrace::net {
namespace {

using testing::Certificate;
using testing::RunningPool;
using testing::start;

struct Kind {
    const char* name;
    const char* address;
    bool tls;
};

/// Every kind of connection behaves alike.
class EveryConnection : public ::testing::TestWithParam<Kind> {
protected:
    std::unique_ptr<Listener> listen_with(OnAccept on_accept) {
        ListenOptions options;
        options.address = GetParam().address;
        if (GetParam().tls) {
            options.tls = std::make_shared<const TlsServer>(certificate_.files());
        }
        return listen(running_.pool, options, std::move(on_accept));
    }
    const TlsClient* tls() const { return GetParam().tls ? &client_ : nullptr; }
    Worker& worker() { return running_.first(); }

    Certificate certificate_;
    TlsClient client_{{.authorities = certificate_.files().certificate}};
    RunningPool running_;
};

INSTANTIATE_TEST_SUITE_P(All, EveryConnection,
                         ::testing::Values(Kind{"tcp_ipv4", "127.0.0.1", false},
                                           Kind{"tcp_ipv6", "::1", false},
                                           Kind{"tls_ipv4", "127.0.0.1", true},
                                           Kind{"tls_ipv6", "::1", true}),
                         [](const auto& kind) { return std::string{kind.param.name}; });

TEST_P(EveryConnection, carries_bytes_both_ways) {
    const auto listener = listen_with(testing::serve_echo);
    const auto answer = testing::run(
        worker(), [&] { return testing::ask(worker(), listener->local(), "hello there", tls()); });
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(*answer, "hello there");
}

TEST_P(EveryConnection, knows_both_ends) {
    std::promise<std::pair<Endpoint, bool>> accepted;
    const auto listener = listen_with([&](Executor& executor, std::unique_ptr<Connection> connection) {
        accepted.set_value({connection->peer(), connection->encrypted()});
        testing::serve_echo(executor, std::move(connection));
    });
    const auto answer =
        testing::run(worker(), [&] { return testing::ask(worker(), listener->local(), "x", tls()); });
    ASSERT_TRUE(answer) << answer.error().what;
    const auto [peer, encrypted] = testing::finish(accepted.get_future());
    EXPECT_EQ(peer.address, GetParam().address);
    EXPECT_NE(peer.port, 0);
    EXPECT_EQ(encrypted, GetParam().tls);
}

std::string pattern(std::size_t size) {
    std::string text(size, '\0');
    for (std::size_t i = 0; i < size; ++i) {
        text[i] = static_cast<char>(i * 31 + i / 251);
    }
    return text;
}

Task<> send_and_close(Executor& executor, std::unique_ptr<Connection> connection, const std::string& text) {
    [[maybe_unused]] const Result<> written =
        co_await testing::write_all(*connection, executor, as_bytes(text));
}

/// Reads until the peer ends, a little at a time and late enough that the sender runs into a full window.
Task<Result<std::string>> read_slowly(Worker& worker, Endpoint to, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (!connection) {
        co_return std::unexpected(connection.error());
    }
    std::string text;
    for (int turn = 0;; ++turn) {
        if (turn % 50 == 0) {
            co_await sleep_until(worker, worker.now() + 1ms);
        }
        const Result<std::string> part = co_await testing::read_some(**connection, worker);
        if (!part && part.error().code == Errc::closed) {
            co_return text;
        }
        if (!part) {
            co_return part;
        }
        text += *part;
    }
}

TEST_P(EveryConnection, delivers_all_that_was_written_before_the_close_to_a_slow_reader) {
    const std::string text = pattern(8'000'000);
    const auto listener = listen_with([&](Executor& executor, std::unique_ptr<Connection> connection) {
        executor.tasks().spawn(send_and_close(executor, std::move(connection), text));
    });
    const auto read = testing::run(worker(), [&] { return read_slowly(worker(), listener->local(), tls()); });
    ASSERT_TRUE(read) << read.error().what;
    EXPECT_TRUE(*read == text) << read->size();
}

TEST_P(EveryConnection, serves_several_on_several_workers) {
    const std::string text = pattern(100'000);
    const auto listener = listen_with(testing::serve_echo);
    std::vector<std::future<Result<std::string>>> answers;
    for (int i = 0; i < 8; ++i) {
        Worker& asking = running_.pool.next();
        answers.push_back(
            start(asking, [&] { return testing::ask(asking, listener->local(), text, tls()); }));
    }
    for (auto& answer : answers) {
        const auto echoed = testing::finish(std::move(answer));
        ASSERT_TRUE(echoed) << echoed.error().what;
        EXPECT_TRUE(*echoed == text);
    }
}

/// Refuses without reading what the peer goes on sending.
Task<> refuse(Executor& executor, std::unique_ptr<Connection> connection) {
    [[maybe_unused]] const Result<std::string> first = co_await testing::read_some(*connection, executor);
    [[maybe_unused]] const Result<> written =
        co_await testing::write_all(*connection, executor, as_bytes("go away"));
}

Task<Result<std::string>> insist(Worker& worker, Endpoint to, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (!connection) {
        co_return std::unexpected(connection.error());
    }
    const std::string text(300'000, 'x');
    const Result<> written = co_await testing::write_all(**connection, worker, as_bytes(text));
    if (!written) {
        co_return std::unexpected(written.error());
    }
    auto answer = co_await testing::read_exactly(**connection, worker, 7);
    co_return answer;
}

TEST_P(EveryConnection, lets_last_words_arrive_at_a_peer_that_is_still_sending) {
    const auto listener = listen_with([](Executor& executor, std::unique_ptr<Connection> connection) {
        executor.tasks().spawn(refuse(executor, std::move(connection)));
    });
    const auto answer = testing::run(worker(), [&] { return insist(worker(), listener->local(), tls()); });
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(*answer, "go away");
}

Task<Errc> wait_for_the_end(Worker& worker, Endpoint to, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (!connection) {
        co_return connection.error().code;
    }
    const Result<std::string> read = co_await testing::read_some(**connection, worker);
    co_return read ? Errc::exists : read.error().code;
}

TEST_P(EveryConnection, tells_a_reader_that_the_peer_ended) {
    // The server reads once, so that its side of a handshake gets done, then ends.
    const auto listener = listen_with([](Executor& executor, std::unique_ptr<Connection> connection) {
        executor.tasks().spawn(send_and_close(executor, std::move(connection), std::string{}));
    });
    const auto code =
        testing::run(worker(), [&] { return wait_for_the_end(worker(), listener->local(), tls()); });
    EXPECT_EQ(code, Errc::closed);
}

Task<> close_soon(Executor& executor, Connection& connection) {
    co_await sleep_until(executor, executor.now() + 5ms);
    connection.close();
    connection.close();
}

Task<std::pair<Errc, Errc>> be_closed_by_another(Worker& worker, Endpoint to, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (!connection) {
        co_return std::pair{connection.error().code, connection.error().code};
    }
    worker.tasks().spawn(close_soon(worker, **connection));
    const Result<std::string> waited = co_await testing::read_some(**connection, worker);
    const Result<> again = co_await writable(**connection, worker, worker.now() + testing::patience);
    co_return std::pair{waited ? Errc::exists : waited.error().code,
                        again ? Errc::exists : again.error().code};
}

TEST_P(EveryConnection, cancels_its_waiters_when_another_conversation_closes_it) {
    const auto listener = listen_with(testing::serve_echo);
    const auto codes =
        testing::run(worker(), [&] { return be_closed_by_another(worker(), listener->local(), tls()); });
    EXPECT_EQ(codes.first, Errc::cancelled);
    EXPECT_EQ(codes.second, Errc::cancelled);
}

struct MustNotBeTold final : Connection::Waiter {
    void on_ready(Result<> /*ready*/) override { ADD_FAILURE() << "told after the connection was destroyed"; }
};

Task<bool> destroy_while_waited_for(Worker& worker, Endpoint to, const TlsClient* tls) {
    MustNotBeTold reader;
    MustNotBeTold writer;
    for (int i = 0; i < 20; ++i) {
        auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
        if (!connection) {
            co_return false;
        }
        (*connection)->wait_readable(&reader);
        (*connection)->wait_writable(&writer);
        if (i % 2 == 0) {
            (*connection)->close();
        }
    }
    co_await sleep_until(worker, worker.now() + 5ms);
    co_return true;
}

TEST_P(EveryConnection, may_be_destroyed_while_waited_for) {
    const auto listener = listen_with(testing::serve_echo);
    EXPECT_TRUE(
        testing::run(worker(), [&] { return destroy_while_waited_for(worker(), listener->local(), tls()); }));
}

Task<Errc> be_silent(Worker& worker, Endpoint to, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (!connection) {
        co_return connection.error().code;
    }
    std::array<std::byte, 100> buffer;
    for (;;) {   // TLS may have something of its own to read
        const Result<> waited = co_await readable(**connection, worker, worker.now() + 20ms);
        const Result<std::size_t> read = (*connection)->try_read(buffer);
        if (!waited || read || read.error().code != Errc::would_block) {
            co_return waited ? Errc::exists : waited.error().code;
        }
    }
}

TEST_P(EveryConnection, waits_no_longer_than_the_deadline) {
    const auto listener = listen_with(testing::serve_echo);
    EXPECT_EQ(testing::run(worker(), [&] { return be_silent(worker(), listener->local(), tls()); }),
              Errc::timed_out);
}

Task<> stay(Worker& worker, Endpoint to, const TlsClient* tls, std::shared_ptr<std::atomic<int>> open) {
    auto connection = co_await connect(worker, to, worker.now() + testing::patience, tls);
    if (connection) {
        const Result<> written = co_await testing::write_all(**connection, worker, as_bytes("x"));
        auto echoed = co_await testing::read_exactly(**connection, worker, 1);
        *open += written && echoed ? 1 : 0;
        open->notify_all();
        [[maybe_unused]] const auto never = co_await testing::read_some(**connection, worker);
    }
}

TEST_P(EveryConnection, of_a_hundred_open_ones_none_outlives_the_stop) {
    const auto listener = listen_with(testing::serve_echo);
    const auto open = std::make_shared<std::atomic<int>>(0);
    for (int i = 0; i < 50; ++i) {   // two ends each
        Worker& home = running_.pool.next();
        home.post([&home, to = listener->local(), tls = tls(), open] {
            home.tasks().spawn(stay(home, to, tls, open));
        });
    }
    for (int seen = open->load(); seen < 50; seen = open->load()) {
        open->wait(seen);
    }
    running_.pool.stop();
    EXPECT_EQ(open.use_count(), 1);
}

}   // namespace
}   // namespace millrace::net
