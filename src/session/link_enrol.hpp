#pragma once

#include "base/connector.hpp"
#include "base/random.hpp"
#include "protocol/link/talk.hpp"
#include "session/link_connection.hpp"

#include <string>
#include <vector>

namespace millrace::session {

struct Desk;

/// The server's end: answers whoever came with the key of a token, whose first words are `query`.
Task<> enrol_guest(Desk& desk, LinkConnection& connection, const std::string& query, link::Talk& talk);

/// A box's token, "kcp://gate:KEY@server:8910/live/gate", and the key that it made for itself.
struct Enrolling {
    std::string token;
    std::vector<std::byte> key;
};
/// Who calls.
struct EnrolmentMeans {
    Executor& executor;
    Connector& connector;
    Random& random;
};
/// The box's end: says its key, once. Nothing: the server knows it from now on; else why not, in words.
Task<std::string> link_enrol(EnrolmentMeans means, Enrolling enrolling);

}   // namespace millrace::session
