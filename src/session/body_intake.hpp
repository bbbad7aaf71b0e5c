#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/task.hpp"
#include "base/web.hpp"
#include "protocol/http/body_reader.hpp"

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace millrace::session {

/// The body of a request that left HTTP with it, read as it comes, and the answer behind it. Of the coroutine
/// that has the connection.
class BodyIntake {
public:
    static constexpr Duration silence_max = 30s;            ///< between two reads of a body
    static constexpr std::size_t dropped_max = 1U << 20U;   ///< read of one that is refused, to be heard
    static constexpr std::size_t read_size = 64U << 10U;

    BodyIntake(Executor& executor, const web::Request& request, std::uint64_t size_max);

    /// Takes a piece of the body; an error ends it.
    using Take = std::function<Task<Result<>>(ByteSpan piece)>;
    /// Gives all of it to `take`. Errc::exhausted: it is too large (`too_large` then); timed_out, closed,
    /// errors of `take`.
    Task<Result<>> receive(Connection& connection, std::vector<std::byte> read_ahead, Take take);
    /// Answers, and hears a refused peer out.
    Task<> answer(Connection& connection, int status, std::string_view type, std::string_view text);

    bool done() const { return body_.done(); }
    bool too_large() const { return size_ > size_max_ || framing_.length > size_max_; }
    std::uint64_t size() const { return size_; }   ///< so far

private:
    Task<Result<>> take_all(ByteSpan bytes, const Take& take);
    Task<> hear_out(Connection& connection);

    Executor& executor_;
    http::BodyFraming framing_;
    http::BodyReader body_;
    std::uint64_t size_max_;
    std::uint64_t size_ = 0;
    bool expects_continue_;
};

}   // namespace millrace::session
