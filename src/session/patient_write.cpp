#include "session/patient_write.hpp"

#include "base/waiting.hpp"

#include <array>

namespace millrace::session {

namespace {

constexpr Duration stall_timeout = 15s;

}   // namespace

Task<Result<>> patient_write(Connection& connection, Executor& executor, ByteSpan bytes) {
    while (!bytes.empty()) {
        const std::array slices{bytes};
        const Result<std::size_t> count = connection.try_write(slices);
        if (count) {
            bytes = bytes.subspan(*count);
            continue;
        }
        if (count.error().code != Errc::would_block) {
            co_return std::unexpected(count.error());
        }
        const Result<> ready = co_await writable(connection, executor, executor.now() + stall_timeout);
        if (!ready) {
            co_return ready;
        }
    }
    co_return Result<>{};
}

}   // namespace millrace::session
