#pragma once

#include "apps/node/doors.hpp"

#include <string_view>

namespace millrace::apps {

/// Prints the listeners as one JSON line on stdout, and on stderr how to use them. `proof` is the query that
/// lets somebody in, "?user=cam&pass=…"; empty on an open node. `fingerprint` is of the certificate that
/// links are shown; empty: there are none.
void announce(const Addresses& addresses, std::string_view proof, std::string_view fingerprint);

/// Prints the one listener of a stream as one JSON line on stdout, and on stderr how to watch it there.
void announce_listener(const Addresses& addresses, std::string_view protocol, std::string_view stream);

/// What the demo shows of itself: its camera box, its server, and the token that lets somebody in; empty on
/// nodes that are open to all who reach them.
struct DemoShown {
    const Addresses& edge;
    const Endpoint& server;
    std::string_view stream;
    std::string_view token;
};

/// Prints the demo's one address on stdout, on stderr what else to try.
void announce_demo(const DemoShown& shown);

}   // namespace millrace::apps
