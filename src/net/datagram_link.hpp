#pragma once

#include "base/connector.hpp"
#include "base/outgoing.hpp"
#include "net/worker.hpp"

#include <memory>

namespace millrace::net {

/// Opens what `dial` says on `worker`, for an address that the rules allow. Awaited on `worker`.
Task<Result<DatagramLink>> open_link(Worker& worker, DatagramDial dial,
                                     std::shared_ptr<const OutgoingRules> rules);

/// Two sockets with the same options, the first on an even port and the second on the next. Port 0: the
/// kernel chooses. Errc::malformed: the port is odd; otherwise as `open_datagrams`.
struct DatagramPair {
    std::unique_ptr<Datagrams> first;
    std::unique_ptr<Datagrams> second;
};
struct DatagramOptions;
Result<DatagramPair> open_pair(Worker& worker, const DatagramOptions& options);

}   // namespace millrace::net
