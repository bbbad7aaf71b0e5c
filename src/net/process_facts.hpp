#pragma once

#include "base/process_facts.hpp"

namespace millrace::net {

/// Asks the kernel, by /proc: a millisecond for some thousand descriptors. Any thread; what cannot be read is
/// 0.
ProcessFacts process_facts();

}   // namespace millrace::net
