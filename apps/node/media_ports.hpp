#pragma once

#include "control/configuration.hpp"
#include "net/worker_pool.hpp"
#include "session/media_ports.hpp"
#include "session/multicast_streams.hpp"

#include <memory>
#include <vector>

namespace millrace::apps {

/// The pair of UDP ports for RTSP, as each worker has it, in the order of the workers; none where they are
/// not wanted, or where nobody asked for these and they are taken, which the log says. Before the pool
/// starts. Throws std::runtime_error.
std::vector<std::unique_ptr<session::MediaPorts>> open_media_ports(net::WorkerPool& pool,
                                                                   const control::Configuration& wanted);

/// The UDP port for bare KCP, as each worker has it, in the order of the workers; none where it is off.
/// Before the pool starts. Throws std::runtime_error.
std::vector<std::unique_ptr<Datagrams>> open_kcp_bare(net::WorkerPool& pool,
                                                      const control::Configuration& wanted);

/// Where streams go that are asked for by multicast; none where it is off, or there are no such ports.
std::unique_ptr<session::MulticastStreams> open_multicast(Executor& home, bool ports,
                                                          const control::Configuration& wanted);

}   // namespace millrace::apps
