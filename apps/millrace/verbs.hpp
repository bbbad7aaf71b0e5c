#pragma once

#include "control/configuration.hpp"

namespace millrace::apps {

/// Runs a node until SIGINT or SIGTERM. Returns the exit code. Throws on start-up errors.
int serve(const control::Configuration& configuration);

}   // namespace millrace::apps
