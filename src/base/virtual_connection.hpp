#pragma once

#include "base/connection.hpp"
#include "base/executor.hpp"

#include <functional>
#include <memory>
#include <utility>

namespace millrace {

/// How a simulated link behaves in one direction.
struct VirtualLink {
    Duration delay = 0ms;                 ///< one way
    std::size_t window = 128U << 10U;     ///< bytes the "kernel" takes before would_block
    std::uint64_t bytes_per_second = 0;   ///< 0: no limit
    bool one_byte_reads = false;          ///< every read gives a single byte
};

/// Two joined connections on virtual time, the simulated side of the Connection seam. `first` belongs to
/// `a` and `second` to `b`. A reader that stops fills its sender's window, as with TCP; once a
/// peer has closed, writing to it fails with Errc::closed.
std::pair<std::unique_ptr<Connection>, std::unique_ptr<Connection>> virtual_connection(
    Executor& a, Executor& b, VirtualLink a_to_b = {}, VirtualLink b_to_a = {},
    Endpoint address_of_a = {"192.0.2.1", 40000}, Endpoint address_of_b = {"192.0.2.2", 1935});

}   // namespace millrace
