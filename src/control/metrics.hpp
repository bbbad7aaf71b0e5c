#pragma once

#include "base/process_facts.hpp"
#include "control/overview.hpp"

#include <string>

namespace millrace::control {

/// What `/metrics` says besides streams and workers.
struct NodeFacts {
    std::string version;
    bool ready = true;
    std::optional<ProcessFacts> process;
    std::optional<ArchiveFacts> archive;
};

/// A node in Prometheus' text format. docs/guide/metrics.md has every name; a test compares.
std::string metrics_text(const Overview& overview, const NodeFacts& facts);

}   // namespace millrace::control
