#include "session/rtsp_access.hpp"

#include "base/log.hpp"
#include "hub/name.hpp"
#include "session/refused.hpp"

namespace millrace::session {

namespace {

rtsp::Status status_of(Errc code) {
    switch (code) {
        case Errc::malformed: return rtsp::bad_request;
        case Errc::unsupported: return rtsp::unsupported_media_type;
        case Errc::unauthenticated: return rtsp::unauthorized;
        case Errc::refused:
        case Errc::exists: return rtsp::forbidden;
        case Errc::not_found: return rtsp::not_found;
        case Errc::exhausted: return rtsp::not_enough_bandwidth;
        default: return rtsp::service_unavailable;
    }
}

}   // namespace

Task<Result<hub::Admitted>> RtspAccess::ask(Asked asked) {
    const Result<hub::StreamName> name = hub::StreamName::parse(asked.address.path);
    if (!name) {
        co_return std::unexpected(name.error());
    }
    if (const Result<> room = desk_.has_room(); !room) {
        co_return std::unexpected(room.error());
    }
    hub::Petition petition{.action = asked.action,
                           .stream = name->text(),
                           .protocol = rtsp_protocol,
                           .peer = connection_.peer(),
                           .encrypted = connection_.encrypted(),
                           .query = asked.address.query,
                           .authorization = asked.caller.authorization};
    const rtsp::Server::Caller& caller = asked.caller;
    if (const Result<> read = digest_.read(petition, {caller.method, caller.url}, desk_.executor.now());
        !read) {
        co_return std::unexpected(read.error());
    }
    co_return co_await hub::ask(desk_.admission, std::move(petition), desk_.executor);
}

void RtspAccess::refuse(rtsp::Server& machine, const Error& why) {
    rtsp::Server::Refusal refusal{.status = status_of(why.code), .reason = why.what, .challenges = {}};
    if (why.code == Errc::unauthenticated) {
        refusal.challenges = digest_.challenges(*desk_.settings, desk_.executor.now());
    }
    log::info(rtsp_protocol, "{} was refused: {}", connection_.peer().text(), why.what);
    note_refusal(desk_, rtsp_protocol, connection_.peer(), why);
    machine.refuse(refusal);
}

}   // namespace millrace::session
