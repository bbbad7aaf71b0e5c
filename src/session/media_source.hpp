#pragma once

#include "base/child.hpp"
#include "base/task.hpp"
#include "session/desk.hpp"

#include <string>

namespace millrace::session {

/// A stream that this node makes itself: its name, and the source's text as the configuration has it.
struct SourceRule {
    std::string stream;
    std::string source;   ///< "test:?size=640x360", "file:movie.mp4?loop"
};

/// How long a source that failed is left alone: doubled each time, from the first to the second; back to the
/// first once it ran for longer than the second.
constexpr Duration source_pause_min = 1s;
constexpr Duration source_pause_max = 30s;

/// A child process as a publisher, for as long as the node runs: started, heard, started again when it dies
/// or falls silent. It ends by itself where the source is finished, or where trying again would not help.
/// `spawner` outlives it.
Task<> media_source(Desk& desk, Spawner& spawner, SourceRule rule);

}   // namespace millrace::session
