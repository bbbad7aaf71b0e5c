#pragma once

#include "net/descriptor.hpp"
#include "net/worker.hpp"

#include <functional>

namespace millrace::net {

/// Ends a TCP conversation so that what was written arrives: closing a socket with unread bytes would make
/// the kernel reset it, and the peer would lose our last words. So: our side is shut, and what still comes is
/// thrown away until the peer ends too, for at most `parting_time_max`. While the worker stops, or beyond
/// `partings_max` on one worker, the socket closes at once.
/// `finish`, if given, is called first, and again at each writability until it says true: nothing is left.
void part(Worker& worker, Descriptor socket, std::move_only_function<bool()> finish = nullptr);

constexpr Duration parting_time_max = 2s;
constexpr std::size_t partings_max = 1024;

}   // namespace millrace::net
