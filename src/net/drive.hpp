#pragma once

#include "base/connection.hpp"
#include "base/waiting.hpp"
#include "protocol/machine.hpp"

#include <array>

namespace millrace::net {

/// How long a peer may take none of what we write.
constexpr Duration write_patience = 15s;

/// Sends `output` and everything else that the machine has to say. Errc::timed_out if the peer takes nothing
/// for `write_patience`.
template <ProtocolMachine M>
Task<Result<>> send_all(Connection& connection, M& machine, Executor& executor,
                        std::vector<std::byte> output) {
    for (; !output.empty(); output = machine.next_output()) {
        ByteSpan rest{output};
        while (!rest.empty()) {
            const std::array slices{rest};
            const Result<std::size_t> written = connection.try_write(slices);
            if (written) {
                rest = rest.subspan(*written);
                continue;
            }
            if (written.error().code != Errc::would_block) {
                co_return std::unexpected(written.error());
            }
            const Instant end_of_patience = executor.now() + write_patience;
            const Result<> ready = co_await writable(connection, executor, end_of_patience);
            if (!ready && ready.error().code == Errc::timed_out) {
                co_return fail(Errc::timed_out, "the peer takes no bytes");
            }
            if (!ready) {
                co_return ready;
            }
        }
    }
    co_return Result<>{};
}

/// Sends everything the machine has to say, likewise.
template <ProtocolMachine M>
Task<Result<>> flush(Connection& connection, M& machine, Executor& executor) {
    return send_all(connection, machine, executor, machine.next_output());
}

/// Offers what a failed machine still says to the peer once, without waiting.
template <ProtocolMachine M>
void send_last_words(Connection& connection, M& machine) {
    const std::vector<std::byte> output = machine.next_output();
    if (!output.empty()) {
        const std::array slices{ByteSpan{output}};
        [[maybe_unused]] const Result<std::size_t> written = connection.try_write(slices);
    }
}

/// One turn between a connection and a machine: everything the machine has to say is sent; then the first of
/// incoming bytes and the machine's deadline is waited for, and given to it. Call it again and again, looking
/// at the machine's events in between. An error, the machine's or the connection's, is the conversation's
/// end; the machine's last words were then already offered to the peer. `buffer` is for one read.
template <ProtocolMachine M>
Task<Result<>> drive(Connection& connection, M& machine, Executor& executor, std::span<std::byte> buffer) {
    // Mostly it has nothing to say.
    if (std::vector<std::byte> output = machine.next_output(); !output.empty()) {
        auto sending = send_all(connection, machine, executor, std::move(output));
        const Result<> sent = co_await sending;
        if (!sent) {
            co_return sent;
        }
    }
    // Also waits when bytes are there already, so that one busy peer never keeps the thread to itself.
    const Result<> ready = co_await readable(connection, executor, machine.deadline());
    if (!ready && ready.error().code != Errc::timed_out) {
        co_return ready;
    }
    const Instant now = executor.now();
    Result<> taken;
    if (ready) {
        const Result<std::size_t> read = connection.try_read(buffer);
        if (read) {
            taken = machine.receive(buffer.first(*read), now);
        } else if (read.error().code != Errc::would_block) {
            co_return std::unexpected(read.error());
        }
    }
    if (taken && machine.deadline() <= now) {
        taken = machine.advance(now);
    }
    if (!taken) {
        send_last_words(connection, machine);
    }
    co_return taken;
}

}   // namespace millrace::net
