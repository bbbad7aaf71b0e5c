#pragma once

#include "hub/admission.hpp"
#include "protocol/rtsp/server.hpp"
#include "session/desk.hpp"
#include "session/digest_door.hpp"

namespace millrace::session {

/// Who may do what over RTSP: asks for one request, and says no in the protocol's words. Owned by one
/// conversation, on its thread.
class RtspAccess {
public:
    RtspAccess(Desk& desk, Connection& connection)
        : desk_{desk}, connection_{connection}, digest_{desk.random} {}

    /// Name, room and right of a request. The connection counts as a stranger's until `let_in`: whoever only
    /// sets sessions up is limited by where it comes from (case 17).
    struct Asked {
        hub::Action action;
        const rtsp::StreamAddress& address;
        const rtsp::Server::Caller& caller;
    };
    Task<Result<hub::Admitted>> ask(Asked asked);
    /// It plays, or publishes.
    void let_in() { connection_.let_in(); }

    /// Says why not: to the peer, in the log, in the counters.
    void refuse(rtsp::Server& machine, const Error& why);

private:
    Desk& desk_;
    Connection& connection_;
    DigestDoor digest_;
};

inline constexpr std::string_view rtsp_protocol = "rtsp";

}   // namespace millrace::session
