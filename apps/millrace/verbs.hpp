#pragma once

#include "control/configuration.hpp"

#include <string>

namespace millrace::apps {

/// Runs a node until SIGINT or SIGTERM. Returns the exit code. Throws on start-up errors.
int serve(const control::ConfigurationSources& sources);

/// What `millrace demo` may be told.
struct DemoOptions {
    std::string address = "127.0.0.1";   ///< numeric; ports move on to the next free ones
    std::string source = "test:";        ///< a source as the configuration has it
};

/// Runs a node with the synthetic camera on stream demo/cam and prints one address. On loopback it is open;
/// elsewhere it takes whoever has the token in that address. As `serve` otherwise; it keeps nothing.
int demo(const DemoOptions& options);

/// Asks for a password, twice where somebody types it, and prints the line of user `name` for a
/// configuration; with `digest`, what Digest access needs stands in it too. Returns the exit code.
int password(const std::string& name, bool digest);

}   // namespace millrace::apps
