#pragma once

#include "base/log.hpp"
#include "base/waiting.hpp"
#include "net/connect.hpp"
#include "net/listener.hpp"

#include <gtest/gtest.h>

#include <future>
#include <string>

namespace millrace::net::testing {

/// Longer than any test needs, so that a broken one fails instead of hanging.
constexpr Duration patience = 20s;

/// A pool that runs until the test ends.
struct RunningPool {
    explicit RunningPool(std::size_t workers = 2) : pool{workers} { pool.start(); }
    WorkerPool pool;
    Worker& first() { return *pool.workers()[0]; }
};

template <class T>
Task<> deliver(Task<T> task, std::shared_ptr<std::promise<T>> promise) {
    T value = co_await task;
    promise->set_value(std::move(value));
}

/// Starts `make()` as a conversation on `worker`; the future has what it gives.
template <class Make>
auto start(Worker& worker, Make make) {
    using T = decltype(make().await_resume());
    auto promise = std::make_shared<std::promise<T>>();
    std::future<T> future = promise->get_future();
    worker.post([&worker, make = std::move(make), promise = std::move(promise)]() mutable {
        worker.tasks().spawn(deliver<T>(make(), std::move(promise)));
    });
    return future;
}

/// Waits for a future as long as a test may.
template <class T>
T finish(std::future<T> future) {
    if (future.wait_for(patience) != std::future_status::ready) {
        throw std::runtime_error("the test waited in vain");
    }
    return future.get();
}

template <class Make>
auto run(Worker& worker, Make make) {
    return finish(start(worker, std::move(make)));
}

inline Task<Result<>> write_all(Connection& connection, Executor& executor, ByteSpan bytes) {
    while (!bytes.empty()) {
        const std::array slices{bytes.first(bytes.size() / 2), bytes.subspan(bytes.size() / 2)};
        const Result<std::size_t> written = connection.try_write(slices);
        if (written) {
            bytes = bytes.subspan(*written);
            continue;
        }
        if (written.error().code != Errc::would_block) {
            co_return std::unexpected(written.error());
        }
        const Result<> ready = co_await writable(connection, executor, executor.now() + patience);
        if (!ready) {
            co_return ready;
        }
    }
    co_return Result<>{};
}

inline Task<Result<std::string>> read_some(Connection& connection, Executor& executor) {
    std::array<std::byte, 16384> buffer;
    for (;;) {
        const Result<std::size_t> count = connection.try_read(buffer);
        if (count) {
            co_return std::string{as_text(std::span{buffer}.first(*count))};
        }
        if (count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        const Result<> ready = co_await readable(connection, executor, executor.now() + patience);
        if (!ready) {
            co_return std::unexpected(ready.error());
        }
    }
}

inline Task<Result<std::string>> read_exactly(Connection& connection, Executor& executor, std::size_t size) {
    std::string text;
    while (text.size() < size) {
        const Result<std::string> part = co_await read_some(connection, executor);
        if (!part) {
            co_return part;
        }
        text += *part;
    }
    co_return text;
}

/// Gives back whatever comes, until the peer ends.
inline Task<> echo(Executor& executor, std::unique_ptr<Connection> connection) {
    for (;;) {
        const Result<std::string> text = co_await read_some(*connection, executor);
        if (!text) {
            co_return;
        }
        const Result<> written = co_await write_all(*connection, executor, as_bytes(*text));
        if (!written) {
            co_return;
        }
    }
}

inline void serve_echo(Executor& executor, std::unique_ptr<Connection> connection) {
    executor.tasks().spawn(echo(executor, std::move(connection)));
}

/// Says `text` and gives back an answer of the same length.
inline Task<Result<std::string>> ask(Worker& worker, Endpoint to, std::string text, const TlsClient* tls) {
    auto connection = co_await connect(worker, to, worker.now() + patience, tls);
    if (!connection) {
        co_return std::unexpected(connection.error());
    }
    const Result<> written = co_await write_all(**connection, worker, as_bytes(text));
    if (!written) {
        co_return std::unexpected(written.error());
    }
    auto answer = co_await read_exactly(**connection, worker, text.size());
    co_return answer;
}

}   // namespace millrace::net::testing
