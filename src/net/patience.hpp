#pragma once

#include "base/connection.hpp"

namespace millrace::net {

/// What comes there is media, and nobody's question: it may wait for a millisecond while there is much of it
/// on this worker, so that many publishers cost few wakes (`poller.hpp`). Of connections that are not the
/// system's it changes nothing.
void be_patient(Connection& connection);

}   // namespace millrace::net
