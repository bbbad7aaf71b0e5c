#pragma once

#include "base/connection.hpp"

#include <cstddef>
#include <memory>
#include <span>
#include <utility>

namespace millrace::session::toys {

/// The server's end of a connection, which counts how often somebody was let in, and what was written.
class WatchedConnection final : public Connection {
public:
    WatchedConnection(std::unique_ptr<Connection> real, unsigned& let_in, unsigned* writes = nullptr)
        : real_{std::move(real)}, let_in_{let_in}, writes_{writes} {}
    Result<std::size_t> try_read(std::span<std::byte> into) override { return real_->try_read(into); }
    Result<std::size_t> try_write(std::span<const ByteSpan> slices) override {
        if (writes_ != nullptr) {
            ++*writes_;
        }
        return real_->try_write(slices);
    }
    void wait_readable(Waiter* waiter) override { real_->wait_readable(waiter); }
    void wait_writable(Waiter* waiter) override { real_->wait_writable(waiter); }
    void close() override { real_->close(); }
    const Endpoint& peer() const override { return real_->peer(); }
    const Endpoint& local() const override { return real_->local(); }
    bool encrypted() const override { return real_->encrypted(); }
    void let_in() override { ++let_in_; }

private:
    std::unique_ptr<Connection> real_;
    unsigned& let_in_;
    unsigned* writes_;
};

}   // namespace millrace::session::toys
