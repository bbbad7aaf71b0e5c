#pragma once

#include "base/answer.hpp"
#include "base/background.hpp"
#include "base/task.hpp"

#include <type_traits>

namespace millrace {

/// Runs `work` in the background and gives what it returned, on `executor`, where it is awaited. It is waited
/// for without a deadline. Errc::exhausted where too much waits already.
template <class Work>
Task<Result<std::invoke_result_t<Work&>>> away(Background& background, Executor& executor, Work work) {
    using Value = std::invoke_result_t<Work&>;
    Answer<Value> answer{executor};
    const bool taken = background.run(
        [work = std::move(work), reply = answer.reply()]() mutable { reply.give(Result<Value>{work()}); });
    if (!taken) {
        co_return fail(Errc::exhausted, "too much waits to be done; try again in a moment");
    }
    Result<Value> value = co_await answer.within(Instant::never());
    co_return value;
}

}   // namespace millrace
