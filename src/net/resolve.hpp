#pragma once

#include "base/answer.hpp"
#include "base/task.hpp"
#include "net/socket_address.hpp"
#include "net/worker.hpp"

#include <string>
#include <vector>

namespace millrace::net {

/// Looks a host name up on the worker's thread for that and answers with its addresses, without ports. The
/// lookup itself cannot be cancelled: a pool that is destroyed meanwhile waits for the system's resolver.
void resolve(Worker& worker, const std::string& name, Reply<std::vector<SocketAddress>> reply);

/// The addresses of a host name, or the one that a numeric address is; without ports. Awaited on `worker`.
Task<Result<std::vector<SocketAddress>>> addresses_of(Worker& worker, std::string host, Instant deadline);

constexpr std::size_t name_size_max = 253;   // RFC 1035 §2.3.4, as text
constexpr std::size_t addresses_max = 8;     // of one name; more are not tried

}   // namespace millrace::net
