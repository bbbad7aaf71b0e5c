#pragma once

#include "net/udp_datagrams.hpp"

#include <span>
#include <vector>

namespace millrace::net {

/// A socket for each worker, all on one port, of which nobody else has one. The kernel gives each datagram to
/// one of them by the 32 bits at byte `at` of it, wherever it came from (SO_ATTACH_REUSEPORT_CBPF,
/// socket(7)); shorter ones to the first. Where it cannot there is one, of the first worker. Errors as of
/// `open_datagrams`; before the pool starts.
Result<std::vector<std::unique_ptr<Datagrams>>> open_steered_datagrams(std::span<Worker* const> workers,
                                                                       DatagramOptions options,
                                                                       std::uint32_t at);

}   // namespace millrace::net
