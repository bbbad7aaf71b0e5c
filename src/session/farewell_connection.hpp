#pragma once

#include "base/connection.hpp"

#include <functional>
#include <utility>

namespace millrace::session {

/// A connection that says farewell when somebody else closes it: a camera told by TEARDOWN stops sending at
/// once, and has room for the next who asks. Owned by its conversation, with what `farewell` uses.
class FarewellConnection final : public Connection {
public:
    /// `farewell` writes what is to be said; it is called once, before the connection is closed.
    FarewellConnection(Connection& connection, std::function<void()> farewell)
        : connection_{connection}, farewell_{std::move(farewell)} {}

    void close() override {
        if (const std::function<void()> farewell = std::exchange(farewell_, nullptr)) {
            farewell();
        }
        connection_.close();
    }

    Result<std::size_t> try_read(std::span<std::byte> into) override { return connection_.try_read(into); }
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        return connection_.try_write(slices);
    }
    void wait_readable(Waiter* waiter) override { connection_.wait_readable(waiter); }
    void wait_writable(Waiter* waiter) override { connection_.wait_writable(waiter); }
    const Endpoint& peer() const override { return connection_.peer(); }
    const Endpoint& local() const override { return connection_.local(); }
    bool encrypted() const override { return connection_.encrypted(); }

private:
    Connection& connection_;
    std::function<void()> farewell_;
};

}   // namespace millrace::session
