#include "session/refused.hpp"

#include "session/media_answer.hpp"

namespace millrace::session {

namespace {

bool worth_telling(Errc code) {
    switch (code) {
        case Errc::refused:
        case Errc::unauthenticated:
        case Errc::throttled:
        case Errc::exhausted:
        case Errc::exists: return true;
        default: return false;
    }
}

}   // namespace

void note_refusal(Desk& desk, std::string_view protocol, const Endpoint& peer, const Error& why) {
    desk.tally.count(protocol, why.code);
    if (worth_telling(why.code)) {
        desk.directory.tell({.kind = hub::EventKind::refused,
                             .stream = {},
                             .text = fmt::format("{} was refused by {}: {}", peer.text(), protocol, why.what),
                             .members = fmt::format(R"("protocol":"{}","peer":{},"reason":"{}")", protocol,
                                                    web::json_quoted(peer.text()), name(why.code))});
    }
}

web::Response refuse_media(Desk& desk, std::string_view protocol, const web::Request& request,
                           const Error& why) {
    note_refusal(desk, protocol, request.peer, why);
    web::Response response = media_refusal(request, desk.settings->origins, why);
    response.headers.push_back({"Cache-Control", "no-store"});
    return response;
}

}   // namespace millrace::session
