#include "session/refused.hpp"

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

}   // namespace millrace::session
