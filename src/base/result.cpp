#include "base/result.hpp"

namespace millrace {

std::string_view name(Errc code) {
    switch (code) {
        case Errc::would_block: return "would_block";
        case Errc::malformed: return "malformed";
        case Errc::unsupported: return "unsupported";
        case Errc::exhausted: return "exhausted";
        case Errc::refused: return "refused";
        case Errc::unauthenticated: return "unauthenticated";
        case Errc::throttled: return "throttled";
        case Errc::not_found: return "not_found";
        case Errc::exists: return "exists";
        case Errc::closed: return "closed";
        case Errc::timed_out: return "timed_out";
        case Errc::cancelled: return "cancelled";
        case Errc::io: return "io";
    }
    return "unknown";
}

}   // namespace millrace
