#pragma once

#include "archive/keeper.hpp"
#include "base/web.hpp"
#include "session/desk.hpp"

#include <string>

namespace millrace::session {

/// What of which stream is sent.
struct TransportExport {
    std::string stream;
    archive::Listing found;
};

/// The answer that sends a recording as one transport stream, without its length: fragments are read again
/// and written anew, one after the other, so it takes the memory of one of them. Times go on over runs and
/// gaps as the clock on the wall did. Ends early as send_export does.
web::Response send_transport(Desk& desk, archive::Keeper& keeper, const web::Request& request,
                             TransportExport what);

}   // namespace millrace::session
