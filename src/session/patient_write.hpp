#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"
#include "base/task.hpp"

namespace millrace::session {

/// Writes all of it to a client that takes something at least every 15 s. Errc::timed_out where it does not;
/// errors of Connection::try_write.
Task<Result<>> patient_write(Connection& connection, Executor& executor, ByteSpan bytes);

}   // namespace millrace::session
