#include "session/archive_span.hpp"

#include "base/date_time.hpp"

namespace millrace::session {

Result<WallTime> read_time(const web::Request& request, std::string_view key, WallTime otherwise) {
    const std::optional<std::string> text = request.query_value(key);
    if (!text || text->empty()) {
        return otherwise;
    }
    const std::optional<WallTime> time = parse_date_time(*text);
    return time ? Result<WallTime>{*time}
                : fail(Errc::malformed, "from and to are times such as 2026-11-20T14:09:32Z");
}

Result<AskedSpan> read_span(const web::Request& request) {
    const Result<WallTime> from = read_time(request, "from", {0});
    const Result<WallTime> to = read_time(request, "to", AskedSpan::always);
    if (!from || !to) {
        return std::unexpected((from ? to : from).error());
    }
    if (*to <= *from) {
        return fail(Errc::malformed, "to is not behind from");
    }
    return AskedSpan{{*from, *to}};
}

}   // namespace millrace::session
